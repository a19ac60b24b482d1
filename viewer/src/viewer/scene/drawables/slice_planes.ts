// The slices in the 3D view: where the crosshair is, the scan on its planes.
import { DoubleSide, GLSL3, Group, Matrix4, Mesh, PlaneGeometry, ShaderMaterial, Vector3, type WebGLRenderer } from "three";
import { type Orientation, axesOf, planesThrough } from "../../model/slice_view.ts";
import { type Bounds, middle, radius } from "../../model/vectors.ts";
import { type SliceUniforms, fitOutline } from "../../slices/slice_painter.ts";
import type { ViewState } from "../../state/view_state.ts";
import type { Drawable } from "../drawable.ts";
import { SCAN_GLSL, SLICE_GLSL } from "../scan_glsl.ts";

const VERTEX = /* glsl */ `
out vec3 vLps;
void main() {
  vec4 world = modelMatrix * vec4(position, 1.0);
  vLps = world.xyz;
  gl_Position = projectionMatrix * viewMatrix * world;
}
`;

const FRAGMENT = /* glsl */ `
in vec3 vLps;
out vec4 colourOut;
void main() {
  vec3 p = (uLpsToIndex * vec4(vLps, 1.0)).xyz;
  vec4 colour = sliceColour(p, dFdx(p), dFdy(p), uOverlay);
  // Nothing is seen where nothing was measured.
  if (colour.a == 0.0 || !isMeasured(scanAt(p))) discard;
  colourOut = colour;
}
`;

/** `prepare` writes what has arrived of the scan and takes over what the state says of it; true for another frame. */
export function slicePlanes(
  uniforms: SliceUniforms,
  bounds: Bounds,
  renderer: WebGLRenderer,
  prepare: (state: ViewState, renderer: WebGLRenderer) => boolean,
): Drawable {
  const material = new ShaderMaterial({
    glslVersion: GLSL3,
    vertexShader: VERTEX,
    fragmentShader: SCAN_GLSL + SLICE_GLSL + FRAGMENT,
    uniforms,
    side: DoubleSide,
    toneMapped: false,
  });
  const object = new Group();
  object.visible = false;
  const edge = 2.2 * radius(bounds);
  const geometry = new PlaneGeometry(edge, edge);
  const quads = new Map<Orientation, Mesh>();
  const centre = middle(bounds);

  function place(orientation: Orientation, { slices }: ViewState): Mesh {
    let quad = quads.get(orientation);
    if (!quad) {
      quad = new Mesh(geometry, material);
      quad.matrixAutoUpdate = false;
      quad.onBeforeRender = (now) => {
        fitOutline(uniforms, now as WebGLRenderer);
        material.uniformsNeedUpdate = true;
      };
      quads.set(orientation, quad);
      object.add(quad);
    }
    const { right, down, across } = axesOf(orientation, slices.obliqueNormal);
    const [r, d, a] = [right, down, across].map((v) => new Vector3(...v)) as [Vector3, Vector3, Vector3];
    // Centred on the scan, moved along its normal to the crosshair.
    const off = a.dot(new Vector3(...slices.crosshairLpsMm)) - a.dot(new Vector3(...centre));
    const at = new Vector3(...centre).addScaledVector(a, off);
    quad.matrix.copy(new Matrix4().makeBasis(r, d, a)).setPosition(at);
    quad.matrixWorldNeedsUpdate = true;
    return quad;
  }

  return {
    pass: "solid",
    object,
    update(state) {
      const hasMore = prepare(state, renderer);
      object.visible = state.slices.isIn3d;
      if (object.visible) {
        const shown = new Set(planesThrough(state.slices.obliqueNormal).map((one) => place(one, state)));
        for (const quad of quads.values()) quad.visible = shown.has(quad);
      }
      return hasMore;
    },
    dispose() {
      material.dispose();
      geometry.dispose();
    },
  };
}
