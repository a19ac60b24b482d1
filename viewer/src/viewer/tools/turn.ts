import { word } from "../../page/words.ts";
import { goThere } from "./go_there.ts";
import type { Tool } from "./tool.ts";

/** Turn, and press an organ to choose it; pressed beside all, none is chosen. */
export const turn: Tool = {
  id: "turn",
  key: "t",
  sign: "M12.5 16c4.5-.1 8-1.8 8-4 0-2.2-3.8-4-8.5-4S3.5 9.8 3.5 12c0 1.5 1.8 2.8 4.5 3.5m-2.2-2.7L8.2 15.6l-3 1.8M12 3.2v4.8m0 8v4.8",
  cursor: "grab",
  label: () => word("Turn"),
  hint: ({ estimate }) =>
    estimate
      ? word("Drag to turn, scroll or pinch to come closer, press a model to choose it.")
      : word("Drag to turn, scroll or pinch to come closer, press an organ to choose it."),
  needs: "nothing",
  async tap(spot, { store, pick }) {
    const hit = await pick(spot);
    store.dispatch({ type: "select", id: hit?.id ?? null });
    if (hit) goThere(store, hit.pointLpsMm);
  },
};
