// A material over the whole target.
import { GLSL3, Mesh, OrthographicCamera, PlaneGeometry, Scene, ShaderMaterial } from "three";
import { VOLUME_VERTEX } from "./volume_glsl.ts";

export function screenMaterial(fragment: string, uniforms: Record<string, { value: unknown }>): ShaderMaterial {
  return new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: VOLUME_VERTEX,
    fragmentShader: fragment,
    uniforms,
    depthTest: false,
    depthWrite: false,
    toneMapped: false,
  });
}

export function screenScene(material: ShaderMaterial) {
  const quad = new Mesh(new PlaneGeometry(2, 2), material);
  quad.frustumCulled = false;
  const scene = new Scene();
  scene.add(quad);
  return { scene, quad, camera: new OrthographicCamera() };
}
