// Planes that cut, and boxes that keep: which points are left.
import { type Bounds, type Vec3, add, between, cross, dot, length, scale, subtract, unit } from "./vectors.ts";

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

const EDGES = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((a) => [1, 2, 4].filter((bit) => !(a & bit)).map((bit) => [a, a | bit] as const));

/** The edges of a box, as pairs of corners. */
export function edges(box: Bounds): [Vec3, Vec3][] {
  const all = corners(box);
  return EDGES.map(([a, b]) => [all[a] as Vec3, all[b] as Vec3]);
}

/** Where a plane `normal . p = offset` meets a box: the corners of a polygon in order, none where they do not meet. */
export function outline(plane: { normal: Vec3; offsetMm: number }, box: Bounds): Vec3[] {
  const { normal, offsetMm } = plane;
  const points: Vec3[] = [];
  for (const [a, b] of edges(box)) {
    const [da, db] = [dot(normal, a) - offsetMm, dot(normal, b) - offsetMm];
    if (da * db < 0) points.push(between(a, b, da / (da - db)));
    else if (da === 0) points.push(a);
    else if (db === 0) points.push(b);
  }
  const first = points[0];
  if (!first || points.length < 3) return [];
  const centre = scale(points.reduce(add), 1 / points.length);
  const x = unit(subtract(first, centre));
  const y = cross(normal, x);
  const angle = (p: Vec3) => Math.atan2(dot(subtract(p, centre), y), dot(subtract(p, centre), x));
  const sorted = points.map((p) => ({ p, at: angle(p) })).sort((a, b) => a.at - b.at);
  const apart = length(subtract(box[1], box[0])) * 1e-9;
  return sorted.map(({ p }) => p).filter((p, i, all) => i === 0 || length(subtract(p, all[i - 1] as Vec3)) > apart);
}

/** The point of a plane that is nearest to another. */
export function foot(plane: { normal: Vec3; offsetMm: number }, point: Vec3): Vec3 {
  return subtract(point, scale(plane.normal, dot(plane.normal, point) - plane.offsetMm));
}
