// What a cut looks like: the organ's colour, or what a painter makes of it.
import {
  Color,
  DoubleSide,
  type IUniform,
  LessDepth,
  LessEqualDepth,
  NotEqualStencilFunc,
  type Plane,
  ReplaceStencilOp,
  ShaderMaterial,
} from "three";

/** Paints cuts: `vec3 paintedCap(vec3 organ, vec3 lpsMm, vec3 normal)`, colours as the screen has them (sRGB). */
export interface CapPainter {
  readonly glsl: string;
  readonly uniforms: Readonly<Record<string, IUniform>>;
}

const PLAIN: CapPainter = {
  glsl: "vec3 paintedCap(vec3 organ, vec3 lpsMm, vec3 normal) { return organ; }",
  uniforms: {},
};

export type CapMaterial = ShaderMaterial & {
  uniforms: { colour: { value: Color }; opacity: { value: number } };
};

export function capMaterial(painter: CapPainter | null): CapMaterial {
  const { glsl, uniforms } = painter ?? PLAIN;
  return new ShaderMaterial({
    vertexShader: /* glsl */ `
#include <clipping_planes_pars_vertex>
varying vec3 vLps;
varying vec3 vAcross;
void main() {
  vec4 world = modelMatrix * vec4(position, 1.0);
  vLps = world.xyz;
  vAcross = normalize(mat3(modelMatrix) * vec3(0.0, 0.0, 1.0));
  vec4 mvPosition = viewMatrix * world;
  gl_Position = projectionMatrix * mvPosition;
  #include <clipping_planes_vertex>
}`,
    fragmentShader: /* glsl */ `
#include <clipping_planes_pars_fragment>
uniform vec3 colour;
uniform float opacity;
varying vec3 vLps;
varying vec3 vAcross;
${glsl}
void main() {
  #include <clipping_planes_fragment>
  vec3 flat_ = sRGBTransferOETF(vec4(colour * 0.86, 1.0)).rgb;
  gl_FragColor = vec4(paintedCap(flat_, vLps, vAcross) * opacity, opacity);
}`,
    uniforms: { colour: { value: new Color() }, opacity: { value: 1 }, ...uniforms },
    clipping: true,
    side: DoubleSide,
    premultipliedAlpha: true,
    stencilWrite: true,
    stencilRef: 0,
    stencilFunc: NotEqualStencilFunc,
    stencilFail: ReplaceStencilOp,
    stencilZFail: ReplaceStencilOp,
    stencilZPass: ReplaceStencilOp,
  }) as unknown as CapMaterial;
}

/** See-through organs have see-through cuts, yet no fainter than can be seen. */
export function dressCap(material: CapMaterial, look: { colour: string; opacity: number; planes: Plane[] }): void {
  const isSolid = look.opacity >= 1;
  material.uniforms.colour.value.set(look.colour);
  material.uniforms.opacity.value = isSolid ? 1 : Math.max(0.35, look.opacity);
  material.clippingPlanes = look.planes;
  if (material.transparent === isSolid) {
    material.transparent = !isSolid;
    material.depthWrite = isSolid;
    // No veil of a see-through body over the organs that lie in it.
    material.depthFunc = isSolid ? LessEqualDepth : LessDepth;
    material.needsUpdate = true;
  }
}
