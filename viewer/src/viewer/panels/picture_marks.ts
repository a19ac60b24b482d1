// What stands over the scene in a picture: names, measurements, and which side of the patient is where.
import type { App } from "../app.ts";
import { type Anchor, placed } from "../model/label_places.ts";
import { apart } from "../model/pills.ts";
import { onScreen } from "../model/rays.ts";
import { type Vec3, scale } from "../model/vectors.ts";
import { axesOf, sideOf } from "../model/viewpoint.ts";
import { sideWords } from "../scene/side_words.ts";
import { isVisible } from "../state/view_state.ts";
import { valueOf } from "./measures.ts";
import { probeWords } from "./readings.ts";

export const PICTURE = { width: 3840, height: 2160 } as const;
/** As in viewer_stage.css: seen on bone and on lung. */
const MARK = "#14213d";
const MARK_EDGE = "#ffffff";
/** On every side, for what is written. */
export const MARGIN = 96;
const ROOM = { width: PICTURE.width, top: 260, margin: 760, lineHeight: 72 } as const;
const LOWEST = PICTURE.height - 460;
const EDGE = 48;

export type Colour = (name: string) => string;
export const viewOf = ({ store: { state } }: App) => ({ ...state.camera, width: PICTURE.width, height: PICTURE.height });

/** In columns beside the scene and above the legend, each with a line to where its organ is seen. */
export function names(app: App, paint: CanvasRenderingContext2D, colour: Colour, legendTop: number): void {
  const { state } = app.store;
  const view = viewOf(app);
  paint.font = `46px ${colour("--serif")}`;
  paint.textBaseline = "middle";
  const shown = state.manifest.organs.filter(({ id }) => isVisible(state, id));
  const anchors = shown.flatMap((organ): Anchor[] => {
    const point = app.seenAt.get(organ.id);
    const seen = point && onScreen(view, point);
    if (!seen) return [];
    return [{ id: organ.id, x: seen.x, y: seen.y, width: paint.measureText(organ.name).width, weight: organ.triangles }];
  });
  for (const place of placed(anchors, { ...ROOM, bottom: Math.min(LOWEST, legendTop - 20) })) {
    const anchor = anchors.find(({ id }) => id === place.id);
    const name = shown.find(({ id }) => id === place.id)?.name ?? "";
    if (!anchor) continue;
    const away = place.side === "left" ? 1 : -1;
    // On a ground of its own, or it would be lost in what it leads over.
    for (const [width, stroke] of [[9, "--plate-top"], [3, "--quiet"]] as const) {
      paint.strokeStyle = colour(stroke);
      paint.lineWidth = width;
      paint.beginPath();
      paint.moveTo(place.x + away * 16, place.y);
      paint.lineTo(place.x + away * 60, place.y);
      paint.lineTo(anchor.x, anchor.y);
      paint.stroke();
    }
    paint.fillStyle = colour("--ink");
    paint.strokeStyle = colour("--plate-top");
    paint.lineWidth = 4;
    paint.beginPath();
    paint.arc(anchor.x, anchor.y, 10, 0, 2 * Math.PI);
    paint.fill();
    paint.stroke();
    paint.textAlign = place.side === "left" ? "right" : "left";
    plate(paint, colour, { x: place.x - (place.side === "left" ? anchor.width : 0), y: place.y, width: anchor.width });
    paint.fillStyle = colour("--ink");
    paint.fillText(name, place.x, place.y);
  }
}

/** Under a name: what lies behind it may be as dark as the writing, or as light. */
function plate(paint: CanvasRenderingContext2D, colour: Colour, at: { x: number; y: number; width: number }): void {
  paint.globalAlpha = 0.86;
  paint.fillStyle = colour("--plate-top");
  paint.beginPath();
  paint.roundRect(at.x - 12, at.y - 32, at.width + 24, 64, 14);
  paint.fill();
  paint.globalAlpha = 1;
}

/** L or R, A or P, S or I at each edge: the side of the patient that lies most in that direction; of a picture in words. */
export function letters(app: App, paint: CanvasRenderingContext2D, colour: Colour): void {
  const { right, up } = axesOf(app.store.state.camera.turn);
  const { width, height } = PICTURE;
  paint.font = `600 56px ${colour("--sans")}`;
  paint.fillStyle = colour("--quiet");
  paint.textBaseline = "middle";
  const { marks } = sideWords(app.store.state.manifest);
  const put = (direction: Vec3, align: "left" | "right" | "center", x: number, y: number): void => {
    paint.textAlign = align;
    paint.fillText(marks[sideOf(direction)], x, y);
  };
  put(right, "right", width - EDGE / 2, height / 2);
  put(scale(right, -1), "left", EDGE / 2, height / 2);
  put(up, "center", width / 2, EDGE);
  put(scale(up, -1), "center", width / 2, height - EDGE);
}

/** What was measured, and what is probed while that tool is taken up: as over the view itself. */
export function marks(app: App, paint: CanvasRenderingContext2D, colour: Colour): void {
  const { state } = app.store;
  const view = viewOf(app);
  paint.lineJoin = "round";
  paint.lineCap = "round";
  paint.textAlign = "start";
  paint.textBaseline = "middle";
  paint.font = `600 40px ${colour("--sans")}`;
  const { probe, measurements } = state;
  const probed = probe && state.tool === "pick" ? [{ pointsLpsMm: [probe.pointLpsMm], text: probeWords(state) }] : [];
  const pills: Pill[] = [];
  for (const one of [...measurements.map((each) => ({ ...each, text: `${each.name}: ${valueOf(each)}` })), ...probed]) {
    const points = one.pointsLpsMm.flatMap((point) => onScreen(view, point) ?? []);
    if (points.length < one.pointsLpsMm.length) continue;
    for (const [width, stroke] of [[14, MARK_EDGE], [6, MARK]] as const) {
      paint.beginPath();
      for (const { x, y } of points) paint.lineTo(x, y);
      paint.lineWidth = width;
      paint.strokeStyle = stroke;
      paint.stroke();
    }
    paint.strokeStyle = MARK_EDGE;
    for (const { x, y } of points) {
      paint.beginPath();
      paint.arc(x, y, 13, 0, 2 * Math.PI);
      paint.fillStyle = MARK;
      paint.fill();
      paint.lineWidth = 5;
      paint.stroke();
    }
    const place = pillPlace(points);
    if (place) pills.push({ ...place, text: one.text });
  }
  // Over all lines: a number that one of them runs across cannot be read.
  const places = apart(
    pills.map(({ text, isBelow, x, y }) => {
      const width = paint.measureText(text).width + 48;
      return { x: isBelow ? x : x + 28 + width / 2, y, width, height: 64 };
    }),
    PICTURE,
    EDGE,
  );
  for (const [index, { x, y }] of places.entries()) pill(paint, pills[index]?.text ?? "", x, y);
}

interface Pill {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly isBelow: boolean;
}

/** Below a line that lies, beside one that stands, a corner and a point. */
function pillPlace(points: readonly { readonly x: number; readonly y: number }[]): Omit<Pill, "text"> | undefined {
  const [first, second] = points;
  if (!first) return undefined;
  if (points.length !== 2 || !second) return { ...(second ?? first), isBelow: false };
  const at = { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
  const isBelow = Math.abs(first.x - second.x) > Math.abs(first.y - second.y);
  return { x: at.x, y: isBelow ? at.y + Math.abs(first.y - second.y) / 2 + 64 : at.y, isBelow };
}

function pill(paint: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  const wide = paint.measureText(text).width + 48;
  paint.fillStyle = MARK;
  paint.beginPath();
  paint.roundRect(x - wide / 2, y - 32, wide, 64, 32);
  paint.fill();
  paint.fillStyle = MARK_EDGE;
  paint.textAlign = "center";
  paint.fillText(text, x, y);
}
