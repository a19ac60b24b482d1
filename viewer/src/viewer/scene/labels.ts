// The organs' names beside the picture, each with a line to its organ.
import { type Anchor, placed } from "../model/label_places.ts";
import { type View, onScreen } from "../model/rays.ts";
import type { Vec3 } from "../model/vectors.ts";
import { type ViewState, isVisible } from "../state/view_state.ts";

const SVG = "http://www.w3.org/2000/svg";
const LINE_PIXELS = 26;
const NARROW_PIXELS = 480;
const MOST_ON_NARROW = 4;
const BESIDE_TOOLS = 74;

export interface Labels {
  readonly element: HTMLElement;
  update(state: ViewState, view: View): void;
  /** Where each organ is seen from now on; those that are not there are hidden by others. */
  anchor(points: ReadonlyMap<string, Vec3>): void;
}

interface Label {
  readonly button: HTMLButtonElement;
  /** The line, and under it one of the colour of the ground, so that it is seen on light and on dark. */
  readonly lines: readonly SVGPolylineElement[];
  readonly dot: SVGCircleElement;
  width: number;
}

export interface LabelOptions {
  readonly nameOf: (id: string) => string;
  readonly choose: (id: string) => void;
  /** Pixels above and below that other things take. */
  readonly edges: () => { top: number; bottom: number };
}

export function makeLabels({ nameOf, choose, edges }: LabelOptions): Labels {
  const element = document.createElement("div");
  element.className = "labels";
  // The tree says all of this, in an order: here it is for the eye.
  element.setAttribute("aria-hidden", "true");
  const drawing = document.createElementNS(SVG, "svg");
  element.append(drawing);
  const labels = new Map<string, Label>();
  let seenAt: ReadonlyMap<string, Vec3> | undefined;

  function make(id: string): Label {
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1;
    button.className = "label";
    button.textContent = nameOf(id);
    button.addEventListener("click", () => choose(id));
    const lines = ["under", "over"].map((kind) => {
      const line = document.createElementNS(SVG, "polyline");
      line.setAttribute("class", kind);
      return line;
    });
    const dot = document.createElementNS(SVG, "circle");
    dot.setAttribute("r", "2.5");
    element.append(button);
    drawing.append(...lines, dot);
    const label = { button, lines, dot, width: 0 };
    labels.set(id, label);
    return label;
  }

  /** All new ones first, then all widths: each width asked in between would lay out the page anew. */
  function measure(): void {
    for (const label of labels.values()) {
      if (label.width > 0) continue;
      label.button.hidden = false;
      label.width = label.button.offsetWidth;
    }
  }

  function anchors(state: ViewState, view: View): Anchor[] {
    const isNarrow = view.width < NARROW_PIXELS;
    const found = state.manifest.organs.flatMap((organ) => {
      const look = state.organs[organ.id];
      if (!isVisible(state, organ.id) || !look || look.opacity < 0.05) return [];
      if (!state.hasLabels && organ.id !== state.selected) return [];
      // What is hidden by others has no name, unless it was chosen.
      if (seenAt && !seenAt.has(organ.id) && organ.id !== state.selected) return [];
      const seen = onScreen(view, seenAt?.get(organ.id) ?? organ.centreLpsMm);
      if (!seen || seen.x < 0 || seen.y < 0 || seen.x > view.width || seen.y > view.height) return [];
      const label = labels.get(organ.id) ?? make(organ.id);
      const weight = organ.id === state.selected ? Infinity : organ.triangles;
      return [{ id: organ.id, x: seen.x, y: seen.y, label, weight }];
    });
    measure();
    // A narrow picture has room for a few, the largest.
    const kept = isNarrow ? found.sort((a, b) => b.weight - a.weight).slice(0, MOST_ON_NARROW) : found;
    return kept.map(({ label, ...anchor }) => ({ ...anchor, width: label.width }));
  }

  return {
    element,
    anchor(points) {
      seenAt = points;
    },
    update(state, view) {
      const wanted = anchors(state, view);
      const { top, bottom } = edges();
      const room = { width: view.width, top, bottom: view.height - bottom, margin: BESIDE_TOOLS, lineHeight: LINE_PIXELS };
      const places = new Map(placed(wanted, room).map((place) => [place.id, place]));
      const byId = new Map(wanted.map((anchor) => [anchor.id, anchor]));
      for (const [id, label] of labels) {
        const place = places.get(id);
        const anchor = byId.get(id);
        const isShown = place !== undefined && anchor !== undefined;
        label.button.hidden = !isShown;
        for (const part of [...label.lines, label.dot]) part.toggleAttribute("hidden", !isShown);
        if (!place || !anchor) continue;
        const left = place.side === "left" ? place.x - anchor.width : place.x;
        label.button.style.transform = `translate(${left.toFixed(1)}px, ${(place.y - LINE_PIXELS / 2).toFixed(1)}px)`;
        label.button.classList.toggle("chosen", id === state.selected);
        const isHidden = seenAt !== undefined && !seenAt.has(id);
        for (const part of [label.button, ...label.lines, label.dot]) part.classList.toggle("behind", isHidden);
        const [from, bend] = place.side === "left" ? [place.x + 5, place.x + 19] : [place.x - 5, place.x - 19];
        for (const line of label.lines) line.setAttribute("points", `${from},${place.y} ${bend},${place.y} ${anchor.x},${anchor.y}`);
        label.dot.setAttribute("cx", String(anchor.x));
        label.dot.setAttribute("cy", String(anchor.y));
      }
    },
  };
}
