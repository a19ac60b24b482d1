// Planes that cut, and boxes that keep: which points are left.
import { type Bounds, type Vec3, dot } from "./vectors.ts";

/** Keeps the points with `normal . p + constant >= 0`. */
export interface HalfSpace {
  readonly normal: Vec3;
  readonly constant: number;
}

export interface Cut {
  readonly normal: Vec3;
  readonly offsetMm: number;
  readonly isFlipped: boolean;
}

/** What a clip plane leaves: the side its normal points away from, or the other when flipped. */
export function keptSide(plane: Cut): HalfSpace {
  const sign = plane.isFlipped ? 1 : -1;
  const [x, y, z] = plane.normal;
  return { normal: [x * sign + 0, y * sign + 0, z * sign + 0], constant: plane.offsetMm * -sign };
}

/** A box is six planes. */
export function sidesOf(box: Bounds): HalfSpace[] {
  const [low, high] = box;
  return [
    { normal: [1, 0, 0], constant: -low[0] },
    { normal: [-1, 0, 0], constant: high[0] },
    { normal: [0, 1, 0], constant: -low[1] },
    { normal: [0, -1, 0], constant: high[1] },
    { normal: [0, 0, 1], constant: -low[2] },
    { normal: [0, 0, -1], constant: high[2] },
  ];
}

export function isKept(point: Vec3, sides: readonly HalfSpace[]): boolean {
  return sides.every((side) => dot(side.normal, point) + side.constant >= -1e-9);
}

/** The corners of a box. */
export function corners([low, high]: Bounds): Vec3[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].map((bits): Vec3 => [
    bits & 1 ? high[0] : low[0],
    bits & 2 ? high[1] : low[1],
    bits & 4 ? high[2] : low[2],
  ]);
}

/** Between which offsets a plane with this normal meets a box. */
export function reach(normal: Vec3, box: Bounds): [number, number] {
  const all = corners(box).map((corner) => dot(normal, corner));
  return [Math.min(...all), Math.max(...all)];
}
