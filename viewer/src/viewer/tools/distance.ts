import { word } from "../../page/words.ts";
import { setPoint } from "./measuring.ts";
import type { Tool } from "./tool.ts";

/** Two points on surfaces, and the straight line between them. */
export const distance: Tool = {
  id: "distance",
  key: "d",
  sign: "M4 20 20 4M3 17l4 4M17 3l4 4",
  cursor: "crosshair",
  label: () => word("Distance"),
  hint: ({ estimate }) =>
    estimate
      ? word("Press two points on the surface. Escape takes the first back.")
      : word("Press two points on a surface or a slice. Escape takes the first back."),
  needs: "lengths",
  tap: (spot, context) => setPoint("distance", spot, context),
};
