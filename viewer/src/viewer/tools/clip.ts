import { word } from "../../page/words.ts";
import type { Tool } from "./tool.ts";

/** Cuts where one presses: along the surface there, taking away what lies towards the one who looks. */
export const clip: Tool = {
  id: "clip",
  key: "c",
  sign: "M3 7h18M3 7l5 5M12 7l5 5M5 20h14v-6H5z",
  cursor: "crosshair",
  label: () => word("Cut"),
  hint: () => word("Press a surface to lay a cut there, then pull its handle."),
  needs: "nothing",
  async tap(spot, { store, pick }) {
    const hit = await pick(spot);
    if (!hit) return;
    const [x, y, z] = hit.normal;
    const [px, py, pz] = hit.pointLpsMm;
    const id = firstFree(store.state.clip.planes.map((plane) => plane.id));
    const offsetMm = x * px + y * py + z * pz;
    const plane = { id, normal: hit.normal, offsetMm, isFlipped: false, scope: "all" as const };
    store.dispatch({ type: "clip-add", plane });
  },
};

export function firstFree(taken: readonly string[]): string {
  return ["1", "2", "3"].find((id) => !taken.includes(id)) ?? "1";
}
