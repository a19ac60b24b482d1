// Measurements over the picture: points, lines, and the number beside them.
import { apart } from "../model/pills.ts";
import { type View, onScreen } from "../model/rays.ts";
import type { Vec3 } from "../model/vectors.ts";
import type { Measurement, ViewState } from "../state/view_state.ts";

const SVG = "http://www.w3.org/2000/svg";

/** From the picture's edge, in CSS pixels. */
const EDGE = 8;

export interface Marks {
  readonly element: HTMLElement;
  update(state: ViewState, view: View): void;
}

export function makeMarks(valueOf: (one: Measurement) => string, probed: (state: ViewState) => string): Marks {
  const element = document.createElement("div");
  element.className = "marks";
  element.setAttribute("aria-hidden", "true");
  const drawing = document.createElementNS(SVG, "svg");
  element.append(drawing);
  let shown = "";
  let labels: { readonly label: HTMLElement; readonly x: number; readonly y: number; readonly isBeside: boolean }[] = [];

  /** Pieces are few: drawn anew whenever anything moved. */
  function draw(points: readonly Vec3[], view: View, text: string | null): void {
    const seen = points.map((point) => onScreen(view, point));
    const line = seen.flatMap((one) => (one ? [`${one.x.toFixed(1)},${one.y.toFixed(1)}`] : []));
    for (const kind of ["under", "over"]) {
      const path = document.createElementNS(SVG, "polyline");
      path.setAttribute("points", line.join(" "));
      path.setAttribute("class", kind);
      drawing.append(path);
    }
    for (const one of seen) {
      if (!one) continue;
      const dot = document.createElementNS(SVG, "circle");
      dot.setAttribute("cx", one.x.toFixed(1));
      dot.setAttribute("cy", one.y.toFixed(1));
      dot.setAttribute("r", "4");
      drawing.append(dot);
    }
    const first = seen[0];
    const last = seen.length === 3 ? seen[1] : seen.at(-1);
    if (!text || !first || !last) return;
    const label = document.createElement("span");
    label.textContent = text;
    element.append(label);
    // Below a point or a line that lies, beside one that stands or a corner: never over an end, never outside.
    const isBelow = seen.length === 1 || (seen.length === 2 && Math.abs(first.x - last.x) > Math.abs(first.y - last.y));
    const middle = seen.length === 2 ? { x: (first.x + last.x) / 2, y: (first.y + last.y) / 2 } : last;
    labels.push({ label, x: middle.x, y: middle.y + (isBelow ? Math.abs(first.y - last.y) / 2 + 26 : 0), isBeside: !isBelow });
  }

  /** None over another; all are measured first, for each width asked in between would lay out the page anew. */
  function place(view: View): void {
    const pills = labels.map(({ label, x, y, isBeside }) => {
      const [width, height] = [label.offsetWidth, label.offsetHeight];
      return { x: x + (isBeside ? width / 2 + 16 : 0), y, width, height };
    });
    for (const [index, { x, y }] of apart(pills, view, EDGE).entries()) {
      const label = labels[index]?.label;
      if (label) label.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px) translate(-50%, -50%)`;
    }
    labels = [];
  }

  return {
    element,
    update(state, view) {
      const { measurements, pendingLpsMm, probe } = state;
      const isProbing = state.tool === "pick" && probe !== null;
      const now = JSON.stringify([measurements, pendingLpsMm, isProbing && probe, view]);
      if (now === shown) return;
      shown = now;
      drawing.replaceChildren();
      element.replaceChildren(drawing);
      for (const one of measurements) draw(one.pointsLpsMm, view, `${one.name}: ${valueOf(one)}`);
      if (pendingLpsMm.length) draw(pendingLpsMm, view, null);
      if (isProbing) draw([probe.pointLpsMm], view, probed(state));
      place(view);
    },
  };
}
