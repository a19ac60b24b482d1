// What a cut looks like: a lid in the organ's colour, and over it what a painter makes of the plane.
import {
  Color,
  CustomBlending,
  DoubleSide,
  EqualDepth,
  type IUniform,
  LessDepth,
  LessEqualDepth,
  NotEqualStencilFunc,
  OneFactor,
  OneMinusSrcAlphaFactor,
  type Plane,
  ReplaceStencilOp,
  ShaderMaterial,
  type WebGLRenderer,
} from "three";

/** Paints cuts: `vec4 paintedCap(vec3 lpsMm, vec3 normal)`, a colour as the screen has it (sRGB) and its opacity. */
export interface CapPainter {
  readonly glsl: string;
  readonly uniforms: Readonly<Record<string, IUniform>>;
  /** Before each drawing, for what depends on the size of the picture. */
  fit(renderer: WebGLRenderer): void;
}

export type CapMaterial = ShaderMaterial & {
  uniforms: { colour: { value: Color }; opacity: { value: number } };
};

// The same for both, to the last bit: paint lies where its depth is that of a lid.
const VERTEX = /* glsl */ `
#include <clipping_planes_pars_vertex>
invariant gl_Position;
varying vec3 vLps;
varying vec3 vAcross;
void main() {
  vec4 world = modelMatrix * vec4(position, 1.0);
  vLps = world.xyz;
  vAcross = normalize(mat3(modelMatrix) * vec3(0.0, 0.0, 1.0));
  vec4 mvPosition = viewMatrix * world;
  gl_Position = projectionMatrix * mvPosition;
  #include <clipping_planes_vertex>
}`;

export function capMaterial(): CapMaterial {
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: /* glsl */ `
#include <clipping_planes_pars_fragment>
uniform vec3 colour;
uniform float opacity;
void main() {
  #include <clipping_planes_fragment>
  gl_FragColor = vec4(sRGBTransferOETF(vec4(colour * 0.86, 1.0)).rgb * opacity, opacity);
}`,
    uniforms: { colour: { value: new Color() }, opacity: { value: 1 } },
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

/**
 * One for each plane, over the lids of all organs. A lid that asked the scan itself would ask it for every pixel of
 * the screen where the stencil is looked at late: five organs took five times as long as one, in software seconds.
 */
export function paintMaterial({ glsl, uniforms }: CapPainter): ShaderMaterial {
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: /* glsl */ `
varying vec3 vLps;
varying vec3 vAcross;
${glsl}
void main() {
  vec4 paint = paintedCap(vLps, vAcross);
  gl_FragColor = vec4(paint.rgb * paint.a, paint.a);
}`,
    uniforms: { ...uniforms },
    side: DoubleSide,
    depthFunc: EqualDepth,
    depthWrite: false,
    blending: CustomBlending,
    blendSrc: OneFactor,
    blendDst: OneMinusSrcAlphaFactor,
  });
}

export interface CapLook {
  readonly colour: string;
  /** Below 1: a see-through organ has a see-through lid, yet no fainter than can be seen. */
  readonly opacity: number;
  readonly planes: Plane[];
}

export function dressCap(material: CapMaterial, { colour, opacity, planes }: CapLook): void {
  const isSolid = opacity >= 1;
  material.uniforms.colour.value.set(colour);
  material.uniforms.opacity.value = isSolid ? 1 : Math.max(0.35, opacity);
  material.clippingPlanes = planes;
  if (material.transparent === isSolid) {
    material.transparent = !isSolid;
    material.depthWrite = isSolid;
    // No veil of a see-through body over the organs that lie in it.
    material.depthFunc = isSolid ? LessEqualDepth : LessDepth;
    material.needsUpdate = true;
  }
}
