// Points -> numbers that a person can use, and lists of them as CSV.
import { type Bounds, type Vec3, dot, length, subtract } from "./vectors.ts";

/** How many points each measurement takes. */
export const POINTS_OF = { distance: 2, angle: 3 } as const;
/** How many of them a server keeps with a build. */
export const MOST_MEASUREMENTS = 500;
export type Measure = keyof typeof POINTS_OF;

/** Along a straight line through the points, in order. */
export function distanceMm(points: readonly Vec3[]): number {
  let whole = 0;
  for (let index = 1; index < points.length; index += 1) {
    whole += length(subtract(points[index] as Vec3, points[index - 1] as Vec3));
  }
  return whole;
}

/** At the middle one of three points, 0 to 180. NaN where a leg has no length. */
export function angleDegrees([a, at, b]: readonly [Vec3, Vec3, Vec3]): number {
  const u = subtract(a, at);
  const v = subtract(b, at);
  const both = length(u) * length(v);
  if (!(both > 0)) return Number.NaN;
  return (Math.acos(Math.min(1, Math.max(-1, dot(u, v) / both))) * 180) / Math.PI;
}

export function measured(kind: Measure, points: readonly Vec3[]): number {
  if (points.length !== POINTS_OF[kind]) return Number.NaN;
  return kind === "distance" ? distanceMm(points) : angleDegrees(points as unknown as [Vec3, Vec3, Vec3]);
}

/** In the order in which they were made, as the ids say; older ids say nothing and keep their order before them. */
export function inOrder<One extends { readonly id: string }>(all: readonly One[]): readonly One[] {
  const madeAt = ({ id }: One): number => Number(/^(\d{13})-/.exec(id)?.[1] ?? 0);
  return [...all].sort((a, b) => madeAt(a) - madeAt(b));
}

/** Along x (left to right of the patient), y (front to back) and z (foot to head). */
export function sizeMm([low, high]: Bounds): Vec3 {
  return subtract(high, low);
}

export interface CsvRow {
  readonly kind: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly pointsLpsMm: readonly Vec3[];
}

/** RFC 4180, dot as decimal mark. A cell that a spreadsheet would take for a formula gets an apostrophe. */
export function toCsv(rows: readonly CsvRow[]): string {
  const head = ["kind", "name", "value", "unit", ...["1", "2", "3"].flatMap((n) => [`x${n}_lps_mm`, `y${n}_lps_mm`, `z${n}_lps_mm`])];
  const lines = rows.map((row) => {
    const points = row.pointsLpsMm.flat().map((one) => one.toFixed(3));
    const cells = [row.kind, quoted(row.name), row.value.toFixed(3), row.unit, ...points];
    return [...cells, ...Array<string>(head.length - cells.length).fill("")].join(",");
  });
  return [head.join(","), ...lines, ""].join("\r\n");
}

function quoted(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
