import { word } from "../../page/words.ts";
import { setPoint } from "./measuring.ts";
import type { Tool } from "./tool.ts";

/** Three points on surfaces; the angle stands at the second. */
export const angle: Tool = {
  id: "angle",
  key: "a",
  sign: "M20 19H4L17 5M10.5 12.5A9 9 0 0 1 13 19",
  cursor: "crosshair",
  label: () => word("Angle"),
  hint: () => word("Press three points: one leg, the corner, the other leg. Escape begins anew."),
  needs: "lengths",
  tap: (spot, context) => setPoint("angle", spot, context),
};
