import { word } from "../../page/words.ts";
import { type MeasureKind, hasMillimetres } from "../state/view_state.ts";
import type { Store } from "../state/store.ts";
import type { ToolContext, Spot } from "./tool.ts";

/** A name nobody else has, and an id. */
export function nextName({ state: { measurements } }: Store, kind: MeasureKind): { id: string; name: string } {
  const taken = new Set(measurements.map((one) => one.name));
  let number = measurements.filter((one) => one.kind === kind).length + 1;
  const named = () => (kind === "distance" ? word("Distance {number}", { number }) : word("Angle {number}", { number }));
  while (taken.has(named())) number += 1;
  return { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), name: named() };
}

/** Set a point on the surface under the spot, or say why there is none. */
export async function setPoint(kind: MeasureKind, spot: Spot, context: ToolContext): Promise<void> {
  const { store } = context;
  if (!hasMillimetres(store.state)) return;
  const hit = await context.pick(spot);
  if (hit) store.dispatch({ type: "measure-point", pointLpsMm: hit.pointLpsMm, ...nextName(store, kind) });
}
