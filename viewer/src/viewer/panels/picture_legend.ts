// Below in a picture: what the colours mean, and how long a length is.
import { word } from "../../page/words.ts";
import type { App } from "../app.ts";
import { NOBODY_SAW_IT, UNSURE_TO_SURE } from "../model/confidence.ts";
import { mmPerPixel } from "../model/rays.ts";
import { scaleBar } from "../model/scale_bar.ts";
import { hasMillimetres, isVisible } from "../state/view_state.ts";
import { millilitres, millimetres } from "./format.ts";
import { type Colour, MARGIN, PICTURE, viewOf } from "./picture_marks.ts";

const LINE = 72;
const PAD = 40;
const SWATCH = 22;
const MOST_ROWS = 8;
const BETWEEN = 96;
/** For the length of the bar, the caution, and what is said of the bar. */
const RIGHT = 1240;
const LONGEST_BAR = 720;
const STROKE = 8;

interface Entry {
  readonly text: string;
  readonly colour: string | null;
}

/** What the colours mean that lie in the picture's place. */
const SURENESS = (): Entry[] => [
  { text: word("Depth: sure"), colour: UNSURE_TO_SURE[4] },
  { text: word("Depth: unsure"), colour: UNSURE_TO_SURE[0] },
  { text: word("nobody saw it (hatched)"), colour: NOBODY_SAW_IT },
];

function entries({ store: { state } }: App, most: number): Entry[] {
  const shown = state.manifest.organs.filter(({ id }) => isVisible(state, id));
  const listed = shown.length > most ? shown.slice(0, most - 1) : shown;
  const rows = listed.map((organ): Entry => {
    const volume = organ.volumeMl === null || !hasMillimetres(state) ? "" : `  ${millilitres(organ.volumeMl)}`;
    // On a picture's model lies the picture, and no colour of ours.
    return { text: `${organ.name}${volume}`, colour: organ.texture ? null : (state.organs[organ.id]?.colour ?? organ.colour) };
  });
  if (state.paint === "confidence") rows.push(...SURENESS());
  const left = shown.length - listed.length;
  return left ? [...rows, { text: word("and {count} more", { count: left }), colour: null }] : rows;
}

/** On a card, in columns from the start of the line; returns where it begins above. What does not fit is counted. */
export function legend(app: App, paint: CanvasRenderingContext2D, colour: Colour): number {
  paint.font = `44px ${colour("--sans")}`;
  const isRightToLeft = paint.direction === "rtl";
  const room = PICTURE.width - 2 * MARGIN - RIGHT;
  let columns: Entry[][] = [];
  let widths: number[] = [];
  // As many columns as there is room for: with one less as long as they are too wide.
  for (let most = 4; most > 0; most -= 1) {
    const all = entries(app, most * MOST_ROWS);
    const rows = Math.max(1, Math.min(MOST_ROWS, all.length));
    columns = Array.from({ length: Math.ceil(all.length / rows) }, (_, at) => all.slice(at * rows, (at + 1) * rows));
    widths = columns.map((one) => Math.max(...one.map(({ text }) => paint.measureText(text).width)) + 3 * SWATCH);
    if (total(widths) <= room) break;
  }
  const first = columns[0];
  if (!first) return PICTURE.height - MARGIN;
  const wide = Math.min(room, total(widths));
  const top = PICTURE.height - MARGIN - (first.length - 1) * LINE;
  card(paint, colour, { x: isRightToLeft ? PICTURE.width - MARGIN - wide : MARGIN, y: top, width: wide, height: (first.length - 1) * LINE });
  let start = isRightToLeft ? PICTURE.width - MARGIN : MARGIN;
  const sign = isRightToLeft ? -1 : 1;
  paint.textAlign = "start";
  paint.textBaseline = "middle";
  columns.forEach((column, at) => {
    column.forEach((entry, row) => {
      const y = top + row * LINE;
      if (entry.colour) {
        paint.beginPath();
        paint.arc(start + sign * SWATCH, y, SWATCH, 0, 2 * Math.PI);
        paint.fillStyle = entry.colour;
        paint.fill();
        paint.lineWidth = 2;
        paint.strokeStyle = colour("--edge");
        paint.stroke();
      }
      paint.fillStyle = colour(entry.colour ? "--ink" : "--quiet");
      paint.fillText(entry.text, start + sign * 3 * SWATCH, y, room - 3 * SWATCH);
    });
    start += sign * ((widths[at] ?? 0) + BETWEEN);
  });
  return top - PAD - SWATCH;
}

const total = (widths: readonly number[]): number => widths.reduce((sum, one) => sum + one, 0) + BETWEEN * (widths.length - 1);

function card(paint: CanvasRenderingContext2D, colour: Colour, at: { x: number; y: number; width: number; height: number }): void {
  paint.beginPath();
  paint.roundRect(at.x - PAD, at.y - PAD - SWATCH, at.width + 2 * PAD, at.height + 2 * (PAD + SWATCH), 28);
  paint.globalAlpha = 0.88;
  paint.fillStyle = colour("--card");
  paint.fill();
  paint.globalAlpha = 1;
  paint.lineWidth = 2;
  paint.strokeStyle = colour("--line");
  paint.stroke();
}

/**
 * A length that is true at one depth only, because what is nearer looks larger: that of the point in the middle, which
 * the view turns about. None without millimetres.
 */
export function scale(app: App, paint: CanvasRenderingContext2D, colour: Colour): void {
  const { state } = app.store;
  const view = viewOf(app);
  const bar = hasMillimetres(state) ? scaleBar(mmPerPixel(view, view.targetLpsMm), LONGEST_BAR) : null;
  if (!bar) return;
  const isRightToLeft = paint.direction === "rtl";
  const edge = isRightToLeft ? MARGIN : PICTURE.width - MARGIN;
  const inwards = isRightToLeft ? 1 : -1;
  // From outer edge to outer edge it is as long as it says.
  const [from, to] = [edge + (inwards * STROKE) / 2, edge + inwards * (bar.pixels - STROKE / 2)];
  const y = PICTURE.height - MARGIN - 190;
  paint.lineCap = "butt";
  paint.lineJoin = "miter";
  paint.strokeStyle = colour("--ink");
  paint.lineWidth = STROKE;
  paint.beginPath();
  paint.moveTo(from, y - 22);
  paint.lineTo(from, y);
  paint.lineTo(to, y);
  paint.lineTo(to, y - 22);
  paint.stroke();
  paint.textAlign = "end";
  paint.textBaseline = "middle";
  paint.fillStyle = colour("--ink");
  paint.font = `600 48px ${colour("--sans")}`;
  paint.fillText(millimetres(bar.mm, bar.mm < 1 ? 2 : 0), edge, y - 62);
  paint.fillStyle = colour("--quiet");
  paint.font = `36px ${colour("--sans")}`;
  paint.fillText(word("True at the depth of the point that the view turns about; what is nearer looks larger."), edge, y + 58, RIGHT + 300);
}
