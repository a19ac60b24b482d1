// The view as a picture of 3840 pixels, with what the colours mean: for a slide or a print.
import { word } from "../../page/words.ts";
import type { App } from "../app.ts";
import { legend, scale } from "./picture_legend.ts";
import { MARGIN, PICTURE, letters, marks, names } from "./picture_marks.ts";
import { estimatedFrom } from "./shown_things.ts";

/** Raises where the device has not the memory. */
export async function makePicture(app: App): Promise<Blob> {
  const { stage, store, page } = app;
  const { width, height } = PICTURE;
  const scene = await createImageBitmap(stage.picture(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const paint = canvas.getContext("2d");
  if (!paint) throw new Error("no 2D canvas");
  const look = getComputedStyle(document.documentElement);
  const colour = (name: string) => look.getPropertyValue(name).trim();
  const plate = paint.createLinearGradient(0, 0, 0, height);
  plate.addColorStop(0, colour("--plate-top"));
  plate.addColorStop(1, colour("--plate-bottom"));
  paint.fillStyle = plate;
  paint.fillRect(0, 0, width, height);
  paint.drawImage(scene, 0, 0);
  scene.close();
  const isRightToLeft = document.documentElement.dir === "rtl";
  paint.direction = isRightToLeft ? "rtl" : "ltr";
  const bottom = legend(app, paint, colour);
  if (store.state.hasLabels) names(app, paint, colour, bottom);
  letters(app, paint, colour);
  marks(app, paint, colour);
  scale(app, paint, colour);
  const start = isRightToLeft ? width - MARGIN : MARGIN;
  paint.textAlign = "start";
  paint.textBaseline = "middle";
  paint.fillStyle = colour("--ink");
  paint.font = `600 64px ${colour("--serif")}`;
  paint.fillText(page.title, start, MARGIN + 20, width - 2 * MARGIN);
  paint.fillStyle = colour("--quiet");
  paint.font = `44px ${colour("--sans")}`;
  paint.fillText(page.caseTitle, start, MARGIN + 96, width - 2 * MARGIN);
  if (store.state.manifest.estimate) {
    paint.fillStyle = colour("--amber");
    paint.font = `600 48px ${colour("--sans")}`;
    paint.fillText(estimatedFrom(store.state.manifest.estimate), start, MARGIN + 168, width - 2 * MARGIN);
    paint.fillStyle = colour("--quiet");
  }
  paint.font = `36px ${colour("--sans")}`;
  paint.textAlign = "end";
  paint.fillText(word("For teaching, research and planning aid; not for diagnosis."), width - start, height - MARGIN);
  store.dispatch({ type: "notice-close", id: "picture" });
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
  );
}
