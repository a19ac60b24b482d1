// Where a voxel lies and back: 4 x 4 matrices, row by row, from (slice, row, column) or (x, y, z) to millimetres.
import type { Vec3 } from "./vectors.ts";

export type Affine = readonly number[];

const at = (m: Affine, row: number, column: number): number => m[row * 4 + column] ?? 0;

export function applied(m: Affine, p: Vec3): Vec3 {
  const line = (r: number): number => at(m, r, 0) * p[0] + at(m, r, 1) * p[1] + at(m, r, 2) * p[2] + at(m, r, 3);
  return [line(0), line(1), line(2)];
}

/** A direction: turned and stretched, not moved. */
export function appliedToDirection(m: Affine, v: Vec3): Vec3 {
  const line = (r: number): number => at(m, r, 0) * v[0] + at(m, r, 1) * v[1] + at(m, r, 2) * v[2];
  return [line(0), line(1), line(2)];
}

/** First b, then a. */
export function chained(a: Affine, b: Affine): Affine {
  return Array.from({ length: 16 }, (_, i) => {
    const [row, column] = [i >> 2, i & 3];
    return [0, 1, 2, 3].reduce((sum, k) => sum + at(a, row, k) * at(b, k, column), 0);
  });
}

/** The way back; undefined where a matrix is flat. */
export function inverse(m: Affine): Affine | undefined {
  const [a, b, c, d, e, f, g, h, i] = [0, 1, 2, 4, 5, 6, 8, 9, 10].map((k) => m[k] ?? 0) as [
    number, number, number, number, number, number, number, number, number,
  ];
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  if (!Number.isFinite(1 / det)) return undefined;
  const turn = [e * i - f * h, c * h - b * i, b * f - c * e, f * g - d * i, a * i - c * g, c * d - a * f,
    d * h - e * g, b * g - a * h, a * e - b * d].map((x) => x / det);
  const moved = [0, 3, 6].map((r) => -[0, 1, 2].reduce((sum, k) => sum + (turn[r + k] ?? 0) * at(m, k, 3), 0));
  return [...turn.slice(0, 3), moved[0] ?? 0, ...turn.slice(3, 6), moved[1] ?? 0,
    ...turn.slice(6, 9), moved[2] ?? 0, 0, 0, 0, 1];
}

/** The same matrix for (column, row, slice), which is the (x, y, z) of a texture. */
export function forColumnsFirst(m: Affine): Affine {
  return Array.from({ length: 16 }, (_, i) => at(m, i >> 2, [2, 1, 0, 3][i & 3] ?? 3));
}

/** Millimetres from one voxel to the next along each axis of the matrix's input. */
export function spacings(m: Affine): Vec3 {
  const along = (column: number): number => Math.hypot(at(m, 0, column), at(m, 1, column), at(m, 2, column));
  return [along(0), along(1), along(2)];
}
