// The rays through the volume. Needs SCAN_GLSL before it.
export const VOLUME_VERTEX = /* glsl */ `
out vec2 vUv;
void main() {
  vUv = position.xy * 0.5 + 0.5;
  gl_Position = vec4(position.xy, 0.0, 1.0);
}
`;

export const VOLUME_FRAGMENT = /* glsl */ `
in vec2 vUv;
// What lies before the nearest see-through mesh, and what lies behind it: the mesh itself is laid between them later,
// as sharp as the screen, however coarsely the rays were sent.
layout(location = 0) out vec4 frontOut;
layout(location = 1) out vec4 behindOut;

uniform sampler2D uTransfer;       // red, green, blue, and what a millimetre swallows
uniform float uFirstShown;         // below it nothing is opaque, as a part of the range
uniform vec2 uTransferSpan;        // its first and last value, as parts of the range
uniform sampler2D uDepth;          // of the opaque meshes
uniform sampler2D uGlassColour;    // the see-through meshes, premultiplied
uniform sampler2D uGlassDepth;     // of the nearest of them
uniform bool uHasDepth;
uniform bool uHasGlass;
uniform mat4 uProjectionInverse;
uniform mat4 uCameraToWorld;
uniform vec2 uNearFar;
uniform mat3 uGradientToLps;
uniform float uStepMm;
uniform float uJitter;             // 0 to 1: where in the step this picture begins
uniform bool uIsMip;
uniform bool uIsLit;
uniform bool uSkips;
uniform float uFullGradient;       // parts of the range per millimetre at which a surface is lit like one
uniform vec4 uPlanes[3];           // keeps what lies where dot(xyz, p) <= w
uniform int uPlaneCount;
uniform vec3 uBoxLow;
uniform vec3 uBoxHigh;
uniform bool uHasBox;
uniform vec2 uMipWindow;           // low end and width, as parts of the range
uniform vec3 uMipColour;

const float OPAQUE = 0.985;
const int MOST_STEPS = 4096;

float along(float depth, float viewZ) {
  // Standard depth of a perspective camera, back to millimetres along this ray.
  float z = uNearFar.x * uNearFar.y / ((uNearFar.y - uNearFar.x) * depth - uNearFar.y);
  return z / viewZ;
}

/** Neighbouring pixels begin at different places, evenly spread (Jimenez 2014, interleaved gradient noise). */
float noise(vec2 pixel) {
  return fract(52.9829189 * fract(dot(pixel, vec2(0.06711056, 0.00583715))));
}

/** Four looks at the corners of a tetrahedron, all in the same brick or level. */
vec3 gradientAt(ivec3 cell, bool isThere, vec3 p, float here) {
  const vec3 a = vec3(1.0, -1.0, -1.0);
  const vec3 b = vec3(-1.0, -1.0, 1.0);
  const vec3 c = vec3(-1.0, 1.0, -1.0);
  const vec3 d = vec3(1.0, 1.0, 1.0);
  vec4 v = vec4(valueIn(cell, isThere, p + a), valueIn(cell, isThere, p + b), valueIn(cell, isThere, p + c),
    valueIn(cell, isThere, p + d));
  v = mix(vec4(here), v, greaterThanEqual(v, vec4(MEASURED)));
  return uGradientToLps * ((a * v.x + b * v.y + c * v.z + d * v.w) / 4.0);
}

vec3 lit(vec3 colour, vec3 gradient, vec3 towards, vec3 light) {
  float strength = length(gradient);
  if (strength < 1e-7) return colour;
  vec3 normal = gradient / strength;
  if (dot(normal, towards) < 0.0) normal = -normal;
  float diffuse = max(0.0, dot(normal, light));
  float gloss = pow(max(0.0, dot(normal, normalize(light + towards))), 28.0);
  vec3 surface = colour * (0.34 + 0.74 * diffuse) + vec3(0.16 * gloss);
  return mix(colour, surface, clamp(strength / uFullGradient, 0.0, 1.0));
}

/** From here to the end of all cells that are known to be empty, or of this one. */
float cellExit(vec3 p, vec3 perMm, ivec3 cell, float away) {
  vec3 low = (vec3(cell) - away) * CELL;
  vec3 high = (vec3(cell) + 1.0 + away) * CELL;
  // The outermost cells reach out to the half voxel beyond the first and last.
  vec3 wall = mix(low, high, step(0.0, perMm));
  vec3 ways = (wall - p) / perMm;
  return min(ways.x, min(ways.y, ways.z));
}

vec4 mip(float value) {
  return value < 0.0 ? vec4(0.0) : vec4(uMipColour, 1.0) * clamp((value - uMipWindow.x) / uMipWindow.y, 0.0, 1.0);
}

void main() {
  vec2 ndc = vUv * 2.0 - 1.0;
  vec4 seen = uProjectionInverse * vec4(ndc, 1.0, 1.0);
  vec3 inView = normalize(seen.xyz / seen.w);
  vec3 ray = normalize(mat3(uCameraToWorld) * inView);
  vec3 eye = uCameraToWorld[3].xyz;

  // The ray in voxels, by millimetre; a hair off the axes, so that nothing is divided by nought.
  vec3 from = (uLpsToIndex * vec4(eye, 1.0)).xyz;
  vec3 perMm = mat3(uLpsToIndex) * ray;
  perMm = mix(perMm, vec3(1e-6), lessThan(abs(perMm), vec3(1e-6)));

  vec3 t0 = (vec3(-0.5) - from) / perMm;
  vec3 t1 = (uSize - 0.5 - from) / perMm;
  vec3 near = min(t0, t1);
  vec3 far = max(t0, t1);
  float start = max(max(near.x, max(near.y, near.z)), 0.0);
  float end = min(far.x, min(far.y, far.z));
  if (uHasBox) {
    vec3 safe = mix(ray, vec3(1e-6), lessThan(abs(ray), vec3(1e-6)));
    vec3 b0 = (uBoxLow - eye) / safe;
    vec3 b1 = (uBoxHigh - eye) / safe;
    vec3 bn = min(b0, b1);
    vec3 bf = max(b0, b1);
    start = max(start, max(bn.x, max(bn.y, bn.z)));
    end = min(end, min(bf.x, min(bf.y, bf.z)));
  }
  for (int i = 0; i < 3; i++) {
    if (i >= uPlaneCount) break;
    float slope = dot(uPlanes[i].xyz, ray);
    float room = uPlanes[i].w - dot(uPlanes[i].xyz, eye);
    if (abs(slope) < 1e-7) { if (room < 0.0) end = -1.0; }
    else if (slope > 0.0) end = min(end, room / slope);
    else start = max(start, room / slope);
  }
  if (uHasDepth) {
    float depth = texture(uDepth, vUv).r;
    if (depth < 1.0) end = min(end, along(depth, inView.z));
  }
  float glass = 0.0;
  float glassAt = 1e30;
  if (uHasGlass) {
    glass = texture(uGlassColour, vUv).a;
    if (glass > 0.0) glassAt = along(texture(uGlassDepth, vUv).r, inView.z);
  }

  vec4 front = vec4(0.0);
  vec4 sum = vec4(0.0);
  float through = 1.0;  // what the front and the glass let through
  float brightestFront = -1.0;
  float brightest = -1.0;
  bool isBehind = false;
  if (start < end) {
    // All rays count their steps from the eye, so that neighbours and clipped pictures sample the same places.
    float first = (fract(noise(gl_FragCoord.xy) + uJitter) + ceil(start / uStepMm - 1.0)) * uStepMm;
    float t = first < start ? first + uStepMm : first;
    vec3 light = normalize(mat3(uCameraToWorld) * vec3(-0.35, 0.5, 0.8));
    // In rounds: first the next sample that shows something is looked for, by little code, then it is shaded. With both in
    // one loop drivers without a graphics card shade every sample, seen or not, which took three times as long.
    for (int i = 0; i < MOST_STEPS; i++) {
      bool isFound = false;
      bool isThere = false;
      float value = -1.0;
      vec3 p;
      ivec3 cell;
      for (int j = 0; j < MOST_STEPS && t < end; j++) {
        p = from + t * perMm;
        cell = cellAt(p);
        uvec4 known = texelFetch(uCells, cell, 0);
        bool isEmpty = uSkips && (known.r > 0u || (uIsMip && float(known.g) / 255.0 <= brightest));
        float away = isEmpty && known.r > 0u ? float(known.r) - 1.0 : 0.0;
        // Whole steps only: the picture is the same with and without what is skipped.
        float steps = max(1.0, ceil(cellExit(p, perMm, cell, away) / uStepMm));
        if (isEmpty) {
          t += steps * uStepMm;
          continue;
        }
        isThere = known.b > 0u;
        float stop = min(end, t + (steps - 0.5) * uStepMm);
        for (; t < stop; t += uStepMm) {
          p = from + t * perMm;
          value = valueIn(cell, isThere, p);
          isFound = value > max(uFirstShown, brightest) && isMeasured(value);
          if (isFound) break;
        }
        if (isFound) break;
      }
      if (!isFound) break;
      if (t > glassAt) {
        front = sum;
        through = (1.0 - sum.a) * (1.0 - glass);
        sum = vec4(0.0);
        brightestFront = brightest;
        glassAt = 1e30;
        isBehind = true;
      }
      if (uIsMip) brightest = value;
      else {
        float share = (value - uTransferSpan.x) / (uTransferSpan.y - uTransferSpan.x);
        vec4 tissue = textureLod(uTransfer, vec2(share, 0.5), 0.0);
        float opacity = 1.0 - exp(-tissue.a * uStepMm);
        vec3 colour = tissue.rgb;
        if (uIsLit) colour = lit(colour, gradientAt(cell, isThere, p, value), -ray, light);
        sum += (1.0 - sum.a) * opacity * vec4(colour, 1.0);
        if (1.0 - through * (1.0 - sum.a) > OPAQUE) break;
      }
      t += uStepMm;
    }
  }
  if (uIsMip) {
    sum = mip(brightest);
    front = mip(brightestFront);
  }
  if (!isBehind) {
    front = sum;
    sum = vec4(0.0);
  }
  frontOut = front.a > OPAQUE ? front / front.a : front;
  behindOut = sum;
}
`;

/** What was marched, laid over what is there already, with the see-through meshes between. */
export const LAY_OVER_FRAGMENT = /* glsl */ `
precision highp float;
in vec2 vUv;
out vec4 colourOut;
uniform sampler2D uFront;
uniform sampler2D uBehind;
uniform sampler2D uGlassColour;
uniform bool uHasGlass;
void main() {
  vec4 front = texture(uFront, vUv);
  vec4 glass = uHasGlass ? texture(uGlassColour, vUv) : vec4(0.0);
  vec4 rest = glass + (1.0 - glass.a) * texture(uBehind, vUv);
  colourOut = front + (1.0 - front.a) * rest;
}
`;
