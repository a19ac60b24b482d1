import { word } from "../../page/words.ts";
import { type Vec3, dot } from "../model/vectors.ts";
import type { Store } from "../state/store.ts";
import { MOST_PLANES } from "../state/view_state.ts";
import type { Tool } from "./tool.ts";

/** Cuts where one presses: along the surface there, taking away what lies towards the one who looks. */
export const clip: Tool = {
  id: "clip",
  key: "c",
  sign: "M3 7h18M3 7l5 5M12 7l5 5M5 20h14v-6H5z",
  cursor: "crosshair",
  label: () => word("Cut"),
  hint: ({ estimate }) =>
    estimate
      ? word("Press the surface to lay a cut there; then pull its handle.")
      : word("Press a surface to lay a cut there, or a slice to cut along it; then pull its handle."),
  needs: "nothing",
  async tap(spot, { store, pick }) {
    const hit = await pick(spot);
    if (hit) cutThrough(store, hit.pointLpsMm, hit.normal);
  },
};

/** Takes away what lies beyond the point, the way the normal leads. */
export function cutThrough(store: Store, point: Vec3, normal: Vec3): void {
  const { planes } = store.state.clip;
  if (planes.length >= MOST_PLANES) {
    store.dispatch({ type: "notice", notice: { id: "planes-full", key: "planes-full", places: {}, kind: "warn", retry: null } });
    return;
  }
  const id = firstFree(planes.map((plane) => plane.id));
  store.dispatch({ type: "clip-add", plane: { id, normal, offsetMm: dot(normal, point), isFlipped: false, scope: "all" } });
}

export function firstFree(taken: readonly string[]): string {
  return ["1", "2", "3"].find((id) => !taken.includes(id)) ?? "1";
}
