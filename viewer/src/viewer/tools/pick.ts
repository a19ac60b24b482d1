import { word } from "../../page/words.ts";
import { goThere } from "./go_there.ts";
import type { Tool } from "./tool.ts";

/** Says what is where: the organ and the place in the patient. */
export const pick: Tool = {
  id: "pick",
  key: "p",
  sign: "M12 3v4m0 10v4M3 12h4m10 0h4M12 12h.01",
  cursor: "crosshair",
  label: () => word("Probe"),
  hint: ({ estimate }) =>
    estimate
      ? word("Press the surface to read where a place of it lies.")
      : word("Press a surface or a slice to read what it is and where it lies."),
  needs: "nothing",
  async tap(spot, context) {
    const hit = await context.pick(spot);
    context.store.dispatch({ type: "probe", probe: hit && { pointLpsMm: hit.pointLpsMm, organ: hit.id, isInside: hit.isFace } });
    if (!hit) return;
    context.store.dispatch({ type: "select", id: hit.id });
    goThere(context.store, hit.pointLpsMm);
  },
};
