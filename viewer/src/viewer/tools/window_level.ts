import { word } from "../../page/words.ts";
import type { Tool } from "./tool.ts";

/** Brightness and contrast of the scan: sideways makes the window wider, downwards brighter. */
export const windowLevel: Tool = {
  id: "window-level",
  key: "w",
  sign: "M12 8a4 4 0 1 0 0 8a4 4 0 1 0 0-8M12 2.5v2.5M12 19v2.5M2.5 12H5M19 12h2.5M5.3 5.3l1.8 1.8M16.9 16.9l1.8 1.8M18.7 5.3l-1.8 1.8M7.1 16.9l-1.8 1.8",
  cursor: "move",
  label: () => word("Brightness"),
  hint: () => word("Drag sideways for contrast, up and down for brightness of the scan."),
  needs: "volume",
  tap: () => undefined,
  drag(from, { store }) {
    const { windowCentre, windowWidth } = store.state.slices;
    // Over 400 pixels the window doubles, or its middle moves by as much as it is wide.
    const step = windowWidth / 400;
    return {
      move(to) {
        const change = {
          windowWidth: Math.max(1e-3, windowWidth * 2 ** ((to.x - from.x) / 400)),
          windowCentre: windowCentre - (to.y - from.y) * -step,
        };
        store.dispatch({ type: "slices", change });
      },
      end: () => undefined,
    };
  },
};
