// The view as a picture of 3840 pixels, with what the colours mean: for a slide or a print.
import { word } from "../../page/words.ts";
import type { App } from "../app.ts";
import { isVisible } from "../state/view_state.ts";
import { millilitres } from "./format.ts";
import { PICTURE, letters, marks, names } from "./picture_marks.ts";

const MARGIN = 96;
const LINE = 68;


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
  if (store.state.hasLabels) names(app, paint, colour);
  letters(app, paint, colour);
  marks(app, paint, colour);
  const isRightToLeft = document.documentElement.dir === "rtl";
  const start = isRightToLeft ? width - MARGIN : MARGIN;
  paint.direction = isRightToLeft ? "rtl" : "ltr";
  paint.textAlign = "start";
  paint.textBaseline = "middle";
  paint.fillStyle = colour("--ink");
  paint.font = `600 64px ${colour("--serif")}`;
  paint.fillText(page.title, start, MARGIN + 20, width - 2 * MARGIN);
  paint.fillStyle = colour("--quiet");
  paint.font = `44px ${colour("--sans")}`;
  paint.fillText(page.caseTitle, start, MARGIN + 96, width - 2 * MARGIN);
  legend(app, paint, colour, start, isRightToLeft);
  paint.fillStyle = colour("--quiet");
  paint.font = `36px ${colour("--sans")}`;
  paint.textAlign = "end";
  paint.fillText(word("For teaching, research and planning aid; not for diagnosis."), width - start, height - MARGIN);
  store.dispatch({ type: "notice-close", id: "picture" });
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png"),
  );
}

/** From the bottom upwards; what does not fit is counted. */
function legend(
  { store: { state } }: App,
  paint: CanvasRenderingContext2D,
  colour: (name: string) => string,
  start: number,
  isRightToLeft: boolean,
): void {
  const most = Math.floor((PICTURE.height - 4 * MARGIN) / LINE);
  const shown = state.manifest.organs.filter(({ id }) => isVisible(state, id));
  const listed = shown.slice(0, shown.length > most ? most - 1 : most);
  const top = PICTURE.height - MARGIN - (listed.length - 1 + (shown.length > most ? 1 : 0)) * LINE;
  const sign = isRightToLeft ? -1 : 1;
  listed.forEach((organ, index) => {
    const y = top + index * LINE;
    paint.beginPath();
    paint.arc(start + sign * 20, y, 20, 0, 2 * Math.PI);
    paint.fillStyle = state.organs[organ.id]?.colour ?? organ.colour;
    paint.fill();
    paint.fillStyle = colour("--ink");
    paint.font = `44px ${colour("--sans")}`;
    const volume = organ.volumeMl === null || state.manifest.unit !== "mm" ? "" : `  ${millilitres(organ.volumeMl)}`;
    paint.fillText(`${organ.name}${volume}`, start + sign * 64, y);
  });
  if (shown.length > most) {
    paint.fillStyle = colour("--quiet");
    paint.fillText(word("and {count} more", { count: shown.length - listed.length }), start, top + listed.length * LINE);
  }
}
