// How shaders read the scan: one piece of GLSL for the volume, the slices, and the cuts through organs.

/** Needs the uniforms of `ScanTextures`. Positions are indices of the finest loaded level, voxel centres at integers. */
export const SCAN_GLSL = /* glsl */ `
precision highp float;
precision highp int;
precision highp sampler2D;
precision highp sampler3D;
precision highp usampler3D;

uniform sampler3D uFine;
uniform sampler3D uCoarse;
uniform usampler3D uCells;     // r: cells to the nearest shown one, g: highest value, b: whether the fine brick is there
uniform vec3 uSize;
uniform vec3 uCoarseScale;
uniform vec3 uCoarseOffset;
uniform int uStage;            // 0: coarse only, 1: some fine bricks, 2: all of them
uniform float uValueScale;
uniform float uValueOffset;
uniform mat4 uLpsToIndex;

// Whoever draws often has the stage compiled in: drivers that draw without a graphics card go through both sides of every
// "if", and look up both textures.
#ifndef STAGE
#define STAGE uStage
#endif

const float CELL = 8.0;
const float BRICK = 64.0;
// Unmeasured voxels are minus infinity (or 0 of 255): what is mixed with one lies below every value, or is no number.
const float MEASURED = -0.0005;

ivec3 cellAt(vec3 p) {
  return clamp(ivec3(floor(p / CELL)), ivec3(0), textureSize(uCells, 0) - 1);
}

/** Part of the range, 0 to 1; below MEASURED or not a number where nothing was measured. */
float coarseAt(vec3 p) {
  return textureLod(uCoarse, p * uCoarseScale + uCoarseOffset, 0.0).r * uValueScale + uValueOffset;
}

float fineAt(vec3 p) {
  return textureLod(uFine, (p + 0.5) / uSize, 0.0).r * uValueScale + uValueOffset;
}

/** Within a fine brick whose neighbours may not be there yet, given its first voxel. */
float fineWithin(vec3 p, vec3 first) {
  return fineAt(clamp(p, first, min(first + BRICK - 1.0, uSize - 1.0)));
}

/** The value at a place in a cell, given whether its fine brick is there. */
float valueIn(ivec3 cell, bool isThere, vec3 p) {
  if (STAGE == 2) return fineAt(p);
  if (STAGE == 0 || !isThere) return coarseAt(p);
  return fineWithin(p, vec3(cell / int(BRICK / CELL)) * BRICK);
}

float scanAt(vec3 p) {
  ivec3 cell = cellAt(p);
  return valueIn(cell, texelFetch(uCells, cell, 0).b > 0u, p);
}

bool isWithin(vec3 p) {
  return all(greaterThanEqual(p, vec3(-0.5))) && all(lessThanEqual(p, uSize - 0.5));
}

bool isMeasured(float value) {
  return value >= MEASURED;
}
`;

/** Grey of the window, and over it the organs' labels as washes and outlines. Needs SCAN_GLSL before it. */
export const SLICE_GLSL = /* glsl */ `
uniform float uWindowLow;      // as parts of the range
uniform float uWindowWidth;
uniform usampler3D uLabels;       // one more than the label; 0 where the fine brick is not there yet
uniform usampler3D uCoarseLabels; // likewise
uniform vec3 uLabelScale;         // from indices of the scan to those of the labels
uniform vec3 uLabelOffset;
uniform vec3 uCoarseLabelScale;
uniform vec3 uCoarseLabelOffset;
uniform sampler2D uPalette;    // one texel for each label; its alpha is how much of the wash, none where it is not in sight
uniform float uOverlay;        // how much of the wash
uniform float uOutline;
uniform float uOutlinePixels;  // how thick
uniform vec3 uUnmeasuredColour;

uint texelOf(usampler3D labels, vec3 at) {
  ivec3 place = ivec3(floor(at + 0.5));
  if (any(lessThan(place, ivec3(0))) || any(greaterThanEqual(place, textureSize(labels, 0)))) return 0u;
  return texelFetch(labels, place, 0).r;
}

uint labelAt(vec3 p) {
  uint found = texelOf(uLabels, p * uLabelScale + uLabelOffset);
  if (found == 0u) found = texelOf(uCoarseLabels, p * uCoarseLabelScale + uCoarseLabelOffset);
  return found == 0u ? 0u : found - 1u;
}

vec4 paletteAt(uint label) {
  int last = textureSize(uPalette, 0).x - 1;
  return label == 0u || int(label) > last ? vec4(0.0) : texelFetch(uPalette, ivec2(int(label), 0), 0);
}

vec3 withLabels(vec3 colour, vec3 p, vec3 dx, vec3 dy, float wash) {
  if (wash <= 0.0 && uOutline <= 0.0) return colour;
  uint here = labelAt(p);
  vec4 own = paletteAt(here);
  colour = mix(colour, own.rgb, own.a * wash);
  if (uOutline > 0.0) {
    dx *= uOutlinePixels;
    dy *= uOutlinePixels;
    uvec4 around = uvec4(labelAt(p + dx), labelAt(p - dx), labelAt(p + dy), labelAt(p - dy));
    // A hull is outlined fully only from outside: within it would frame every organ a second time.
    float strength = own.a > 0.0 && any(equal(around, uvec4(0u))) ? 1.0 : own.a;
    if (any(notEqual(around, uvec4(here)))) colour = mix(colour, own.rgb, strength * uOutline);
  }
  return colour;
}

float windowed(float value) {
  return clamp((value - uWindowLow) / uWindowWidth, 0.0, 1.0);
}

/** A texel of the scan at an index, dx and dy being one pixel's way. Transparent outside; of a colour of its own where unmeasured. */
vec4 sliceColour(vec3 p, vec3 dx, vec3 dy, float wash) {
  if (!isWithin(p)) return vec4(0.0);
  float value = scanAt(p);
  if (!isMeasured(value)) return vec4(uUnmeasuredColour, 1.0);
  return vec4(withLabels(vec3(windowed(value)), p, dx, dy, wash), 1.0);
}
`;

/** The scan on a cut through an organ: grey with outlines, the organ's colour where there is no scan. */
export const CAP_GLSL = /* glsl */ `
vec4 paintedCap(vec3 lpsMm, vec3 normal) {
  vec3 p = (uLpsToIndex * vec4(lpsMm, 1.0)).xyz;
  return sliceColour(p, dFdx(p), dFdy(p), 0.0);
}
`;
