// One slice on the page: its picture, what lies over it, and what hands and keys do to it.
import { word } from "../../page/words.ts";
import { busy } from "../busy.ts";
import {
  type Orientation, type SliceView, anglesOf, axesOf, fittedView, lpsAt, reachOf, stepAlong,
} from "../model/slice_view.ts";
import { type Bounds, type Vec3, add, dot, scale } from "../model/vectors.ts";
import { dragged } from "../model/windows.ts";
import { organWords, placeWords, valueWords } from "../panels/readings.ts";
import type { Store } from "../state/store.ts";
import type { Measurement, ToolId, ViewState } from "../state/view_state.ts";
import { cutThrough } from "../tools/clip.ts";
import { nextName } from "../tools/measuring.ts";
import { takeUp } from "../tools/take_up.ts";
import { obliqueGrips } from "./oblique_grips.ts";
import type { Reading } from "./probe.ts";
import { listen } from "./slice_hands.ts";
import { drawMarks, type OtherPlane } from "./slice_marks.ts";
import type { SlicePainter } from "./slice_painter.ts";

export interface PaneParts {
  readonly store: Store;
  readonly painter: SlicePainter;
  readonly bounds: Bounds;
  readonly lpsToIndex: readonly number[];
  /** Counts the changes of what a slice would show besides the state. */
  version(): number;
  read(lps: Vec3): Promise<Reading | undefined>;
  others(orientation: Orientation): readonly OtherPlane[];
  labelOf(measurement: Measurement): string;
  /** The double click: this pane alone, or back. */
  enlarge(orientation: Orientation): void;
  /** A stage that can draw: false while the graphics are lost. */
  canDraw(): boolean;
}

export interface SlicePane {
  readonly element: HTMLElement;
  readonly orientation: Orientation;
  refresh(): void;
  dispose(): void;
}

export function orientationName(orientation: Orientation): string {
  if (orientation === "axial") return word("Axial");
  if (orientation === "coronal") return word("Coronal");
  if (orientation === "sagittal") return word("Sagittal");
  return word("Oblique");
}

const SHARPEST = 2;
/** Tools that are used at a point; the others move the crosshair. */
const POINTING: readonly ToolId[] = ["distance", "angle", "clip", "pick"];

export function slicePane(orientation: Orientation, parts: PaneParts): SlicePane {
  const { store } = parts;
  const canvas = document.createElement("canvas");
  const marks = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  marks.setAttribute("aria-hidden", "true");
  const title = document.createElement("p");
  title.className = "pane-title";
  const told = document.createElement("output");
  told.className = "pane-reading";
  const slider = document.createElement("input");
  slider.type = "range";
  slider.className = "pane-slider";
  slider.setAttribute("aria-label", word("{plane}: which slice", { plane: orientationName(orientation) }));
  const face = document.createElement("div");
  face.className = "pane-face";
  face.tabIndex = 0;
  face.setAttribute("role", "application");
  face.setAttribute("aria-roledescription", word("slice"));
  face.append(canvas, marks);
  const element = document.createElement("section");
  element.className = `slice-pane pane-${orientation}`;
  element.dataset["orientation"] = orientation;
  element.append(face, title, told, slider);
  const ground = canvas.getContext("2d");

  let zoom = 1;
  let pan: readonly [number, number] = [0, 0];
  let isPainting = false;
  let isStale = false;
  let seen: readonly unknown[] = [];
  let isAlive = true;

  const axes = () => axesOf(orientation, store.state.slices.obliqueNormal);
  const stepMm = () => stepAlong(parts.lpsToIndex, axes().across);
  const offset = (): number => dot(store.state.slices.crosshairLpsMm, axes().across);
  const view = (ratio = 1): SliceView =>
    fittedView(axes(), parts.bounds, store.state.slices.crosshairLpsMm,
      Math.max(1, Math.round(face.clientWidth * ratio)), Math.max(1, Math.round(face.clientHeight * ratio)), zoom, pan);

  /** Slices count from the feet, the front and the left of the patient. */
  function place(): { at: number; count: number; low: number } {
    const [low, high] = reachOf(parts.bounds, axes().across);
    const step = stepMm();
    const count = Math.max(1, Math.round((high - low) / step));
    return { at: Math.min(count - 1, Math.max(0, Math.floor((offset() - low) / step))), count, low };
  }

  const grips =
    orientation === "oblique"
      ? undefined
      : obliqueGrips(orientationName(orientation), {
          store, bounds: parts.bounds, view: () => view(), jump, stepMm: (normal) => stepAlong(parts.lpsToIndex, normal),
        });
  if (grips) face.after(grips.element);

  function moveTo(index: number): void {
    const { count, low } = place();
    const step = stepMm();
    const to = low + (Math.min(count - 1, Math.max(0, index)) + 0.5) * step;
    jump(add(store.state.slices.crosshairLpsMm, scale(axes().across, to - offset())));
  }

  function jump(crosshairLpsMm: Vec3): void {
    const [low, high] = parts.bounds;
    const within = crosshairLpsMm.map((v, i) => Math.min(high[i] ?? v, Math.max(low[i] ?? v, v))) as unknown as Vec3;
    store.dispatch({ type: "slices", change: { crosshairLpsMm: within } });
  }

  async function paint(): Promise<void> {
    if (isPainting) {
      isStale = true;
      return;
    }
    if (!isAlive || face.clientWidth < 2 || !parts.canDraw()) return;
    isPainting = true;
    busy(orientation, true);
    try {
      do {
        isStale = false;
        const shown = view(Math.min(SHARPEST, devicePixelRatio));
        const image = await parts.painter.paint(shown, store.state.slices.slab);
        if (!isAlive || !image) return;
        if (canvas.width !== image.width || canvas.height !== image.height) {
          canvas.width = image.width;
          canvas.height = image.height;
        }
        ground?.putImageData(image, 0, 0);
        canvas.dataset["painted"] = String(Number(canvas.dataset["painted"] ?? 0) + 1);
      } while (isStale);
    } finally {
      isPainting = false;
      busy(orientation, false);
    }
  }

  function refresh(): void {
    if (!isAlive || element.hidden || face.clientWidth < 2) return;
    const { state } = store;
    const { slices } = state;
    const picture = [slices.crosshairLpsMm, slices.windowCentre, slices.windowWidth, slices.slab, slices.overlay,
      slices.outline, slices.obliqueNormal, state.organs, state.solo, zoom, pan, face.clientWidth, face.clientHeight, parts.version()];
    const over = [...picture, state.measurements, state.pendingLpsMm, state.probe, state.tool, slices.layout, slices.isIn3d];
    if (over.every((one, i) => one === seen[i])) return;
    const isPicture = picture.some((one, i) => one !== seen[i]);
    seen = over;
    drawMarks(marks, view(), state, parts.others(orientation), stepMm(), parts.labelOf);
    grips?.update();
    say();
    if (isPicture) void paint();
  }

  function say(): void {
    const { at, count } = place();
    slider.min = "1";
    slider.max = String(count);
    slider.value = String(at + 1);
    const which = word("{plane} {number} of {count}", { plane: orientationName(orientation), number: at + 1, count });
    slider.setAttribute("aria-valuetext", which);
    title.textContent = which;
    const keys = word("Arrow keys go from slice to slice, with Shift they move the crosshair. Plus and minus zoom, 0 shows all. The letters in the tools' names take them up, Enter uses them at the crosshair.");
    face.setAttribute("aria-label", orientation === "oblique" ? `${which}. ${anglesText()} ${keys}` : `${which}. ${keys}`);
  }

  function anglesText(): string {
    const { turn, tilt } = anglesOf(axes().across);
    return word("Turned by {turn}°, tilted by {tilt}°.", { turn, tilt });
  }

  let reading = 0;
  async function tell(lps: Vec3): Promise<void> {
    const mine = ++reading;
    try {
      const found = await parts.read(lps);
      if (mine !== reading || !isAlive) return;
      told.value = found ? readingText(found, store.state) : "";
    } catch {
      if (mine === reading) told.value = word("This part of the scan could not be read.");
    }
  }

  async function probe(pointLpsMm: Vec3): Promise<void> {
    const found = await parts.read(pointLpsMm).catch(() => null);
    if (found === undefined) return;
    const { value, organ = null, isOrganUnread = true } = found ?? { value: "unread" as const };
    store.dispatch({ type: "probe", probe: { pointLpsMm, organ: organ?.id ?? null, isInside: true, value, isOrganUnread } });
    if (organ) store.dispatch({ type: "select", id: organ.id });
    jump(pointLpsMm);
  }

  const stop = listen(face, {
    state: () => store.state,
    at: (x, y) => lpsAt(view(), x, y),
    tell,
    untell: () => {
      reading++;
      told.value = "";
    },
    jump,
    isPointing: () => POINTING.includes(store.state.tool),
    use: (lps) => {
      const { tool } = store.state;
      if (tool === "distance" || tool === "angle") store.dispatch({ type: "measure-point", pointLpsMm: lps, ...nextName(store, tool) });
      else if (tool === "clip") cutThrough(store, lps, scale(axes().across, -1));
      else if (tool === "pick") void probe(lps);
    },
    takeUp: (key) => takeUp(key, store),
    window: (from, right, up) => {
      const { centre, width } = dragged(from, right, up);
      store.dispatch({ type: "slices", change: { windowCentre: centre, windowWidth: width } });
    },
    scroll: (by) => moveTo(place().at + by),
    end: (isLast) => moveTo(isLast ? Infinity : 0),
    nudge: (right, down) => {
      const { right: r, down: d } = axes();
      const { crosshairLpsMm } = store.state.slices;
      jump(add(crosshairLpsMm, add(scale(r, right * stepAlong(parts.lpsToIndex, r)), scale(d, down * stepAlong(parts.lpsToIndex, d)))));
    },
    zoom: (by, x, y) => {
      const before = lpsAt(view(), x, y);
      zoom = Math.min(40, Math.max(0.5, zoom * by));
      const after = lpsAt(view(), x, y);
      const { right: r, down: d } = axes();
      pan = [pan[0] + dot(before, r) - dot(after, r), pan[1] + dot(before, d) - dot(after, d)];
      refresh();
    },
    pan: (x, y) => {
      const { mmPerPixel } = view();
      pan = [pan[0] - x * mmPerPixel, pan[1] - y * mmPerPixel];
      refresh();
    },
    whole: () => {
      zoom = 1;
      pan = [0, 0];
      refresh();
    },
    enlarge: () => parts.enlarge(orientation),
  });
  slider.addEventListener("input", () => moveTo(Number(slider.value) - 1));
  const sizes = new ResizeObserver(refresh);
  sizes.observe(face);

  return {
    element,
    orientation,
    refresh,
    dispose() {
      isAlive = false;
      stop();
      sizes.disconnect();
      element.remove();
    },
  };
}

/** "R 12.4  A 3.1  S 40.0 mm · 57 HU · Left lung". */
export function readingText({ lpsMm, value, organ, isOrganUnread }: Reading, { manifest }: ViewState): string {
  const which = isOrganUnread ? word("the organ here could not be read") : organWords(organ, true);
  return [placeWords(lpsMm, manifest), valueWords(value, manifest), which].filter(Boolean).join(" · ");
}
