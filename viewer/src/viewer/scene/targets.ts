// Targets that the volume pass reads: what is solid, and what is see-through, each with its depth.
import {
  DepthStencilFormat,
  DepthTexture,
  Mesh,
  OrthographicCamera,
  type PerspectiveCamera,
  PlaneGeometry,
  Scene,
  ShaderMaterial,
  UnsignedInt248Type,
  WebGLRenderTarget,
  type WebGLRenderer,
} from "three";
import { GLASS_LAYER } from "./drawable.ts";

export function openTarget(): WebGLRenderTarget {
  const depth = new DepthTexture(1, 1, UnsignedInt248Type);
  depth.format = DepthStencilFormat;
  return new WebGLRenderTarget(1, 1, {
    stencilBuffer: true,
    depthTexture: depth,
  });
}

/** One triangle's worth of copying, as it is: the target holds what the screen will show. */
export function openCopier() {
  const material = new ShaderMaterial({
    uniforms: { picture: { value: null } },
    vertexShader: "varying vec2 at; void main() { at = uv; gl_Position = vec4(position.xy, 0.0, 1.0); }",
    fragmentShader: "uniform sampler2D picture; varying vec2 at; void main() { gl_FragColor = texture2D(picture, at); }",
    depthTest: false,
    depthWrite: false,
    premultipliedAlpha: true,
    transparent: true,
  });
  const quad = new Mesh(new PlaneGeometry(2, 2), material);
  quad.frustumCulled = false;
  const scene = new Scene();
  scene.add(quad);
  const camera = new OrthographicCamera();
  return {
    copy(renderer: WebGLRenderer, from: WebGLRenderTarget) {
      const picture = material.uniforms["picture"];
      if (picture) picture.value = from.texture;
      renderer.render(scene, camera);
    },
  };
}

export interface Targets {
  readonly solid: WebGLRenderTarget;
  readonly glass: WebGLRenderTarget;
}

/** The see-through meshes behind nothing solid, and the depth of the nearest; false where there are none. */
export function drawGlass(renderer: WebGLRenderer, targets: Targets, scene: Scene, camera: PerspectiveCamera): boolean {
  const panes: Mesh[] = [];
  scene.traverseVisible((object) => {
    if (object instanceof Mesh && object.layers.isEnabled(GLASS_LAYER)) panes.push(object);
  });
  if (!panes.length) return false;
  camera.layers.set(GLASS_LAYER);
  renderer.setRenderTarget(targets.glass);
  renderer.clear();
  copyDepth(renderer, targets);
  renderer.render(scene, camera);
  // Once more for the depth alone: colours were laid over each other without it, so that nothing is hidden.
  const write = (depthWrite: boolean) => {
    for (const pane of panes) Object.assign(pane.material, { depthWrite, colorWrite: !depthWrite });
  };
  write(true);
  renderer.render(scene, camera);
  write(false);
  return true;
}

function copyDepth(renderer: WebGLRenderer, { solid, glass }: Targets): void {
  const gl = renderer.getContext() as WebGL2RenderingContext;
  const frameOf = (target: WebGLRenderTarget) =>
    (renderer.properties.get(target) as { __webglFramebuffer: WebGLFramebuffer }).__webglFramebuffer;
  gl.bindFramebuffer(gl.READ_FRAMEBUFFER, frameOf(solid));
  gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, frameOf(glass));
  const { width, height } = solid;
  gl.blitFramebuffer(0, 0, width, height, 0, 0, width, height, gl.DEPTH_BUFFER_BIT, gl.NEAREST);
  renderer.state.bindFramebuffer(gl.FRAMEBUFFER, null);
  renderer.setRenderTarget(glass);
}
