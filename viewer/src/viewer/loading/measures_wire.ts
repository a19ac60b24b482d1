// Measurements as the server has them <-> as the view has them. Nothing is taken on trust.
import type { Vec3 } from "../model/vectors.ts";
import { POINTS_OF } from "../model/measure.ts";
import { keptName, shownName } from "../tools/measuring.ts";
import type { Measurement } from "../state/view_state.ts";

interface Kept {
  readonly id: string;
  readonly kind: "distance" | "angle";
  readonly name: string;
  readonly points_lps_mm: readonly Vec3[];
  readonly value: number;
  readonly unit: "mm" | "px" | "deg";
}

/** What is no list of measurements throws: a list that was misread must never take the place of the one there is. */
export function readKept(json: unknown): Measurement[] {
  const list = isObject(json) ? json["measurements"] : undefined;
  if (!Array.isArray(list)) throw new TypeError("no list of measurements");
  return list.map(readOne);
}

/** The body that keeps them. */
export const bodyOf = (measurements: readonly Measurement[]): string =>
  JSON.stringify({ measurements: measurements.map(toKept) });

function readOne(one: unknown): Measurement {
  if (!isObject(one)) throw new TypeError("no measurement");
  const { id, kind, name, value, unit, points_lps_mm: points } = one;
  const isKnown = (kind === "distance" && (unit === "mm" || unit === "px")) || (kind === "angle" && unit === "deg");
  if (!isKnown || typeof id !== "string" || !id || typeof name !== "string" || typeof value !== "number")
    throw new TypeError("no measurement");
  if (!Array.isArray(points) || points.length !== POINTS_OF[kind] || !points.every(isPoint)) throw new TypeError("no points");
  return { id, kind, name: shownName(kind, name), pointsLpsMm: points.map(([x, y, z]): Vec3 => [x, y, z]), value, unit };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isPoint = (value: unknown): value is Vec3 =>
  Array.isArray(value) && value.length === 3 && value.every((each) => typeof each === "number" && Number.isFinite(each));

const toKept = (one: Measurement): Kept => ({
  id: one.id,
  kind: one.kind,
  name: keptName(one.kind, one.name),
  points_lps_mm: one.pointsLpsMm,
  value: one.value,
  unit: one.unit,
});
