import { open } from "../../viewer/tests/pages/volume.ts";
import { BACKGROUND, EYE, eyeAt, heart, POINTS, scan, SIZE, STEP_MM } from "./scene.ts";

const view = open(await scan(), { size: SIZE, eye: EYE, surface: heart(), background: BACKGROUND });
view.set({ volume: { transferPoints: POINTS } });
// As finely as the peer, at once and whole: nothing falls, nothing is spread over frames.
view.drawable.fix({ share: 1, stepVoxels: STEP_MM, passes: 1, skips: true });
await view.settle(600000);
view.pixel(0, 0);
window.bench = {
  frame(degrees) {
    const began = performance.now();
    view.look(eyeAt(degrees), [0, 0, 1]);
    view.draw();
    view.pixel(0, 0);
    return performance.now() - began;
  },
};
