// What stands over the scene in a picture: names, measurements, and which side of the patient is where.
import type { App } from "../app.ts";
import { type Anchor, placed } from "../model/label_places.ts";
import { onScreen } from "../model/rays.ts";
import type { Vec3 } from "../model/vectors.ts";
import { axesOf } from "../model/viewpoint.ts";
import { isVisible } from "../state/view_state.ts";
import { valueOf } from "./measures.ts";

export const PICTURE = { width: 3840, height: 2160 } as const;
/** As in viewer_stage.css: seen on bone and on lung. */
const MARK = "#14213d";
const MARK_EDGE = "#ffffff";
const ROOM = { width: PICTURE.width, top: 260, bottom: PICTURE.height - 220, margin: 760, lineHeight: 72 } as const;
const EDGE = 48;

type Colour = (name: string) => string;
const viewOf = ({ store: { state } }: App) => ({ ...state.camera, width: PICTURE.width, height: PICTURE.height });

/** In columns beside the scene, each with a line to where its organ is seen. */
export function names(app: App, paint: CanvasRenderingContext2D, colour: Colour): void {
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
  for (const place of placed(anchors, ROOM)) {
    const anchor = anchors.find(({ id }) => id === place.id);
    const name = shown.find(({ id }) => id === place.id)?.name ?? "";
    if (!anchor) continue;
    const away = place.side === "left" ? 1 : -1;
    paint.strokeStyle = colour("--quiet");
    paint.lineWidth = 3;
    paint.beginPath();
    paint.moveTo(place.x + away * 16, place.y);
    paint.lineTo(place.x + away * 60, place.y);
    paint.lineTo(anchor.x, anchor.y);
    paint.stroke();
    paint.fillStyle = colour("--ink");
    paint.beginPath();
    paint.arc(anchor.x, anchor.y, 8, 0, 2 * Math.PI);
    paint.fill();
    paint.textAlign = place.side === "left" ? "right" : "left";
    paint.fillText(name, place.x, place.y);
  }
}

/** L or R, A or P, S or I at each edge: the side of the patient that lies most in that direction. */
export function letters(app: App, paint: CanvasRenderingContext2D, colour: Colour): void {
  const { right, up } = axesOf(app.store.state.camera.turn);
  const { width, height } = PICTURE;
  paint.font = `600 56px ${colour("--sans")}`;
  paint.fillStyle = colour("--quiet");
  paint.textAlign = "center";
  paint.textBaseline = "middle";
  paint.fillText(letterOf(right, 1), width - EDGE, height / 2);
  paint.fillText(letterOf(right, -1), EDGE, height / 2);
  paint.fillText(letterOf(up, 1), width / 2, EDGE);
  paint.fillText(letterOf(up, -1), width / 2, height - EDGE);
}

function letterOf(axis: Vec3, sign: 1 | -1): string {
  const pairs = ["LR", "PA", "SI"] as const;
  const most = [0, 1, 2].reduce((best, at) => (Math.abs(axis[at] ?? 0) > Math.abs(axis[best] ?? 0) ? at : best), 0);
  return pairs[most]?.[(axis[most] ?? 0) * sign > 0 ? 0 : 1] ?? "";
}

/** What was measured, where it lies in the picture. */
export function marks(app: App, paint: CanvasRenderingContext2D, colour: Colour): void {
  const { state } = app.store;
  const view = viewOf(app);
  paint.lineJoin = "round";
  paint.lineCap = "round";
  paint.textAlign = "start";
  paint.textBaseline = "middle";
  paint.font = `600 40px ${colour("--sans")}`;
  for (const one of state.measurements) {
    const points = one.pointsLpsMm.flatMap((point) => onScreen(view, point) ?? []);
    if (points.length < one.pointsLpsMm.length) continue;
    for (const [width, stroke] of [[14, MARK_EDGE], [6, MARK]] as const) {
      paint.beginPath();
      for (const { x, y } of points) paint.lineTo(x, y);
      paint.lineWidth = width;
      paint.strokeStyle = stroke;
      paint.stroke();
    }
    const [first, second] = points;
    if (!first || !second) continue;
    const at = points.length === 3 ? second : { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 };
    const text = `${one.name}: ${valueOf(one)}`;
    const wide = paint.measureText(text).width;
    paint.fillStyle = MARK;
    paint.beginPath();
    paint.roundRect(at.x + 24, at.y - 32, wide + 48, 64, 32);
    paint.fill();
    paint.fillStyle = MARK_EDGE;
    paint.fillText(text, at.x + 48, at.y);
  }
}
