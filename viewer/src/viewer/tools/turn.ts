import { word } from "../../page/words.ts";
import type { Tool } from "./tool.ts";

/** Turn, and press an organ to choose it; pressed beside all, none is chosen. */
export const turn: Tool = {
  id: "turn",
  key: "t",
  sign: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5",
  cursor: "grab",
  label: () => word("Turn"),
  hint: () => word("Drag to turn, scroll or pinch to come closer, press an organ to choose it."),
  needs: "nothing",
  async tap(spot, { store, pick }) {
    const hit = await pick(spot);
    store.dispatch({ type: "select", id: hit?.id ?? null });
  },
};
