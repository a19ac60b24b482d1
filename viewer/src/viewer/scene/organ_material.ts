// How an organ looks: matt and moist like a specimen, lit from the one who looks, edges a little darker.
import { Color, DoubleSide, FrontSide, type Plane, SRGBColorSpace, ShaderMaterial, Texture } from "three";

const VERTEX = /* glsl */ `
#include <clipping_planes_pars_vertex>
varying vec3 vNormal;
varying vec3 vView;
#ifdef PAINTED
varying vec2 vPlace;
#endif
void main() {
#ifdef PAINTED
  vPlace = uv;
#endif
  vec4 mvPosition = modelViewMatrix * vec4(position, 1.0);
  // Positions are scaled evenly, so that the turn alone carries a normal.
  vNormal = mat3(viewMatrix) * normal;
  vView = -mvPosition.xyz;
  gl_Position = projectionMatrix * mvPosition;
  #include <clipping_planes_vertex>
}`;

const FRAGMENT = /* glsl */ `
#define HATCH_PIXELS 9.0
#include <clipping_planes_pars_fragment>
uniform vec3 colour;
uniform vec3 glow;
uniform float opacity;
#ifdef PAINTED
uniform sampler2D picture;
uniform float hatched;
varying vec2 vPlace;
#endif
varying vec3 vNormal;
varying vec3 vView;
void main() {
  #include <clipping_planes_fragment>
  vec3 view = normalize(vView);
  vec3 n = normalize(vNormal);
  if (!gl_FrontFacing) n = -n;
  float facing = max(dot(n, view), 0.0);
  vec3 key = normalize(vec3(-0.45, 0.65, 0.8));
  float lit = dot(n, key) * 0.5 + 0.5;
  float fill = dot(n, vec3(0.7, -0.35, 0.5)) * 0.5 + 0.5;
  vec3 light = vec3(1.0, 0.985, 0.96) * lit * lit * 0.86 + vec3(0.80, 0.86, 0.95) * fill * 0.2 + 0.1;
  vec3 half_ = normalize(key + view);
  float shine = pow(max(dot(n, half_), 0.0), 42.0) * 0.16;
  float edge = 1.0 - facing;
#ifdef PAINTED
  // A photograph brings its own light: just so much of ours that the form shows when it turns.
  vec3 laid = texture2D(picture, vPlace).rgb;
  // White is no colour of the ramp, and is lost before a light ground: hatched, it is known without any colour.
  float blank = hatched * step(0.5, min(laid.r, min(laid.g, laid.b)));
  float stripe = smoothstep(0.35, 0.65, abs(fract((gl_FragCoord.x + gl_FragCoord.y) / HATCH_PIXELS) * 2.0 - 1.0));
  laid = mix(laid, mix(vec3(0.24), laid, stripe), blank);
  vec3 seen = laid * mix(vec3(1.0), light, 0.35);
#else
  vec3 seen = colour * light * (1.0 - 0.38 * edge * edge * edge) + shine;
#endif
  seen += glow * (0.22 + 0.9 * edge * edge);
  float a = opacity >= 1.0 ? 1.0 : clamp(opacity * (0.72 + 1.1 * edge * edge), 0.0, 1.0);
  // Written out rather than left to the engine, which would keep targets linear and show bands in the dark.
  gl_FragColor = sRGBTransferOETF(vec4(seen, a));
  gl_FragColor.rgb *= a;
}`;

export type OrganMaterial = ShaderMaterial & {
  uniforms: { colour: { value: Color }; glow: { value: Color }; opacity: { value: number }; picture: { value: Texture | null }; hatched: { value: number } };
};

export function organMaterial(): OrganMaterial {
  return new ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    uniforms: { colour: { value: new Color() }, glow: { value: new Color(0) }, opacity: { value: 1 }, picture: { value: null }, hatched: { value: 0 } },
    clipping: true,
    side: DoubleSide,
    premultipliedAlpha: true,
  }) as unknown as OrganMaterial;
}

export function textureOf(picture: ImageBitmap): Texture {
  const texture = new Texture(picture);
  texture.colorSpace = SRGBColorSpace;
  // Places count from the upper left corner, as the rows of the picture do.
  texture.flipY = false;
  texture.anisotropy = 4;
  texture.needsUpdate = true;
  return texture;
}

/** Lay a picture over it, with what is white in it hatched or not; the geometries have places in it. */
export function paint(material: OrganMaterial, picture: Texture, isHatched: boolean): void {
  material.uniforms.picture.value = picture;
  material.uniforms.hatched.value = isHatched ? 1 : 0;
  if ("PAINTED" in material.defines) return;
  material.defines["PAINTED"] = "";
  material.needsUpdate = true;
}

/** Take over opacity, colour and what cuts; see-through things write no depth, so that nothing in them is hidden. */
export function dress(
  material: OrganMaterial,
  look: { colour: string; opacity: number; glow: number; planes: Plane[] },
): void {
  const isSolid = look.opacity >= 1;
  material.uniforms.colour.value.set(look.colour);
  material.uniforms.glow.value.set(0xffffff).multiplyScalar(look.glow);
  material.uniforms.opacity.value = look.opacity;
  if (material.transparent === isSolid) {
    material.transparent = !isSolid;
    material.depthWrite = isSolid;
    material.needsUpdate = true;
  }
  // The inside is only seen where something is open or see-through; elsewhere half of the work is saved.
  const side = isSolid && !look.planes.length ? FrontSide : DoubleSide;
  if (material.side !== side || (material.clippingPlanes?.length ?? 0) !== look.planes.length) {
    material.side = side;
    material.needsUpdate = true;
  }
  material.clippingPlanes = look.planes;
}
