import { word } from "../../page/words.ts";
import { type MeasureKind, hasLengths } from "../state/view_state.ts";
import type { Store } from "../state/store.ts";
import type { ToolContext, Spot } from "./tool.ts";

/** A name nobody else has, and an id. */
export function nextName({ state: { measurements } }: Store, kind: MeasureKind): { id: string; name: string } {
  const taken = new Set(measurements.map((one) => one.name));
  let number = measurements.filter((one) => one.kind === kind).length + 1;
  while (taken.has(named(kind, number))) number += 1;
  // When it was made comes first: so every window has the same order.
  return { id: [Date.now(), ...crypto.getRandomValues(new Uint32Array(2))].join("-"), name: named(kind, number) };
}

const named = (kind: MeasureKind, number: number | string): string =>
  kind === "distance" ? word("Distance {number}", { number }) : word("Angle {number}", { number });

/** Names that nobody chose are kept in one language, and read in everybody's own. */
const KEPT = { distance: "Distance", angle: "Angle" } as const;

export function keptName(kind: MeasureKind, name: string): string {
  const number = /\d+/.exec(name)?.[0] ?? "";
  return number && name === named(kind, number) ? `${KEPT[kind]} ${number}` : name;
}

export function shownName(kind: MeasureKind, kept: string): string {
  const [first, number = "", ...more] = kept.split(" ");
  return first === KEPT[kind] && /^\d+$/.test(number) && !more.length ? named(kind, number) : kept;
}

/** Set a point on the surface under the spot, or say why there is none. */
export async function setPoint(kind: MeasureKind, spot: Spot, context: ToolContext): Promise<void> {
  const { store } = context;
  if (!hasLengths(store.state)) return;
  const hit = await context.pick(spot);
  if (hit) store.dispatch({ type: "measure-point", pointLpsMm: hit.pointLpsMm, ...nextName(store, kind) });
}
