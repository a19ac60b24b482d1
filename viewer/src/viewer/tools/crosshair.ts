import { word } from "../../page/words.ts";
import { goThere } from "./go_there.ts";
import type { Tool } from "./tool.ts";

/** Brings the slices to where one presses. */
export const crosshair: Tool = {
  id: "crosshair",
  key: "x",
  sign: "M12 2v20M2 12h20M12 12m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  cursor: "crosshair",
  label: () => word("Crosshair"),
  hint: () => word("Press a surface or a slice: all slices go through that point."),
  needs: "volume",
  async tap(spot, { store, pick }) {
    const hit = await pick(spot);
    if (hit) goThere(store, hit.pointLpsMm);
  },
};
