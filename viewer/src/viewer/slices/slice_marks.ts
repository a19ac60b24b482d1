// What lies over a slice: letters of the directions, the crosshair, and what was measured in this plane.
import { type Orientation, type SliceView, awayFrom, crossing, letters, pixelOf } from "../model/slice_view.ts";
import { type Vec3, scale } from "../model/vectors.ts";
import type { Measurement, ViewState } from "../state/view_state.ts";

const SVG = "http://www.w3.org/2000/svg";
/** Free around the crosshair, so that it hides nothing, in pixels. */
const GAP = 14;
const NARROW = 440;

export interface OtherPlane {
  readonly orientation: Orientation;
  readonly normal: Vec3;
}

function drawn<Name extends keyof SVGElementTagNameMap>(name: Name, attributes: Record<string, string | number>): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** Draw all of it anew; the view counts in CSS pixels. */
export function drawMarks(
  svg: SVGSVGElement,
  view: SliceView,
  state: ViewState,
  others: readonly OtherPlane[],
  stepMm: number,
  labelOf: (measurement: Measurement) => string,
): void {
  const { width, height } = view;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const parts: SVGElement[] = [];
  const [x, y] = pixelOf(view, state.slices.crosshairLpsMm);
  for (const { orientation, normal } of others) {
    const along = crossing(view, normal);
    if (!along) continue;
    const far = width + height;
    for (const sign of [1, -1]) {
      const at = (by: number): [number, number] => [x + along[0] * by * sign, y + along[1] * by * sign];
      const [x1, y1] = at(GAP);
      const [x2, y2] = at(far);
      parts.push(drawn("line", { class: `cross cross-${orientation}`, x1, y1, x2, y2 }));
    }
  }
  parts.push(...lettersOf(view));
  const isHere = (p: Vec3): boolean => awayFrom(view, p) <= Math.max(stepMm, state.slices.slab.mm) / 2 + 1e-6;
  for (const one of state.measurements)
    if (one.pointsLpsMm.every(isHere)) parts.push(...measureOf(view, one.pointsLpsMm, labelOf(one)));
  if (state.pendingLpsMm.length > 0 && state.pendingLpsMm.every(isHere)) parts.push(...measureOf(view, state.pendingLpsMm, ""));
  const { probe, tool } = state;
  if (probe && tool === "pick" && isHere(probe.pointLpsMm)) parts.push(...measureOf(view, [probe.pointLpsMm], ""));
  svg.replaceChildren(...parts);
}

function lettersOf({ axes, width, height }: SliceView): SVGElement[] {
  const put = (text: string, x: number, y: number, anchor: string): SVGElement => {
    const made = drawn("text", { class: "letter", x, y, "text-anchor": anchor });
    made.textContent = text;
    return made;
  };
  return [
    put(letters(scale(axes.right, -1)), 10, height / 2 + 5, "start"),
    put(letters(axes.right), width - 10, height / 2 + 5, "end"),
    // On a narrow pane below its title.
    put(letters(scale(axes.down, -1)), width / 2, width < NARROW ? 46 : 22, "middle"),
    put(letters(axes.down), width / 2, height - 10, "middle"),
  ];
}

function measureOf(view: SliceView, points: readonly Vec3[], label: string): SVGElement[] {
  const at = points.map((p) => pixelOf(view, p));
  const path = at.map(([x, y]) => `${x},${y}`).join(" ");
  const parts: SVGElement[] = [drawn("polyline", { class: "measure under", points: path }), drawn("polyline", { class: "measure", points: path })];
  for (const [cx, cy] of at) parts.push(drawn("circle", { class: "measure-end", cx, cy, r: 3.5 }));
  const [lx, ly] = at[Math.floor((at.length - 1) / 2)] ?? [0, 0];
  if (label) {
    // Towards the middle, where there is room for a name.
    const side = lx > view.width / 2 ? -1 : 1;
    const text = drawn("text", { class: "measure-label", x: lx + 9 * side, y: ly - 9, "text-anchor": side < 0 ? "end" : "start" });
    text.textContent = label;
    parts.push(text);
  }
  return parts;
}
