// Where the oblique plane crosses a slice its line can be taken hold of: at its ends to turn it, between to push it.
import { word } from "../../page/words.ts";
import { type LineOnScreen, lineIn, pushedIn, slantDegrees, turnedIn } from "../model/oblique.ts";
import { type SliceView, pixelOf, reachOf } from "../model/slice_view.ts";
import { type Bounds, type Vec3, add, dot } from "../model/vectors.ts";
import { degrees } from "../panels/format.ts";
import { slides, tellRange } from "../scene/slides.ts";
import type { Store } from "../state/store.ts";

/** From the crosshair, as parts of the smaller side of the pane. */
const END = 0.36;
const BETWEEN = 0.19;
const INSIDE_PX = 18;
/** In a smaller pane three would lie on one another: one to turn and one to push, at the two ends of the line. */
const ROOM_PX = 160;
const SMALL_END = 0.38;
/** Two grips, the crosshair between them, and the picture. */
const LEAST_PX = 90;
const DEGREE = Math.PI / 180;

export interface ObliqueGrips {
  readonly element: HTMLElement;
  update(): void;
}

export interface GripParts {
  readonly store: Store;
  /** Of the scan. */
  readonly bounds: Bounds;
  /** In CSS pixels. */
  view(): SliceView;
  /** Within the scan. */
  jump(lps: Vec3): void;
  /** One step of the plane along itself. */
  stepMm(normal: Vec3): number;
}

export function obliqueGrips(name: string, { store, bounds, view, jump, stepMm }: GripParts): ObliqueGrips {
  const element = document.createElement("div");
  element.className = "pane-grips";
  const turning = [1, -1].map((sign) => made("tilt", word("Turn the oblique plane in the slice: {plane}", { plane: name }), sign));
  const pushing = made("push", word("Push the oblique plane in the slice: {plane}", { plane: name }), 1);
  element.append(...turning.map(({ grip }) => grip), pushing.grip);

  function made(kind: string, label: string, sign: number): { grip: HTMLElement; sign: number } {
    const grip = document.createElement("div");
    grip.className = `grip oblique ${kind}`;
    grip.tabIndex = sign > 0 ? 0 : -1;
    grip.setAttribute("role", "slider");
    grip.setAttribute("aria-label", label);
    grip.title = label;
    // Both ends do the same: one is enough for keys and for whoever listens.
    if (sign < 0) grip.setAttribute("aria-hidden", "true");
    if (kind === "tilt") slides(grip, (from) => turns(from, grip), (steps) => turn(steps * DEGREE));
    else slides(grip, pushes, push);
    return { grip, sign };
  }

  const now = (): { seen: SliceView; normal: Vec3; line: LineOnScreen } | undefined => {
    const { obliqueNormal: normal } = store.state.slices;
    const seen = view();
    const line = normal && lineIn(seen, normal);
    return normal && line ? { seen, normal, line } : undefined;
  };
  const tilt = (obliqueNormal: Vec3): void => store.dispatch({ type: "slices", change: { obliqueNormal } });

  /** About the crosshair, as far as the pointer goes around it. */
  function turns(from: PointerEvent, grip: HTMLElement): (dx: number, dy: number) => void {
    const first = now();
    if (!first) return () => undefined;
    const [x, y] = pixelOf(first.seen, store.state.slices.crosshairLpsMm);
    const box = grip.getBoundingClientRect();
    const pane = element.getBoundingClientRect();
    // From the middle of the grip, wherever on it the finger lies.
    const [gx, gy] = [box.left + box.width / 2 - pane.left - x, box.top + box.height / 2 - pane.top - y];
    const [ox, oy] = [from.clientX - pane.left - x - gx, from.clientY - pane.top - y - gy];
    const start = Math.atan2(gy + oy, gx + ox);
    return (dx, dy) => tilt(turnedIn(first.seen, first.normal, Math.atan2(gy + oy + dy, gx + ox + dx) - start));
  }

  /** Counter-clockwise for more, as the angle that is told counts. */
  function turn(radians: number): void {
    const here = now();
    if (here) tilt(turnedIn(here.seen, here.normal, -radians));
  }

  function pushes(): (dx: number, dy: number) => void {
    const first = now();
    const from = store.state.slices.crosshairLpsMm;
    return (dx, dy) => first && jump(add(from, pushedIn(first.seen, first.line, dx, dy)));
  }

  function push(steps: number): void {
    const here = now();
    if (!here) return;
    // Upwards, or to the right where the line stands: as the keys point.
    const [x, y] = here.line.across;
    const sign = Math.abs(y) > Math.abs(x) ? -Math.sign(y) : Math.sign(x);
    const pixels = (steps * sign * stepMm(here.normal)) / here.seen.mmPerPixel;
    jump(add(store.state.slices.crosshairLpsMm, pushedIn(here.seen, here.line, x * pixels, y * pixels)));
  }

  return {
    element,
    update() {
      const here = now();
      const far = here ? Math.min(here.seen.width, here.seen.height) : 0;
      const isSmall = far < ROOM_PX;
      element.hidden = far < LEAST_PX;
      if (!here || element.hidden) return;
      const { seen, line } = here;
      const [x, y] = pixelOf(seen, store.state.slices.crosshairLpsMm);
      const put = (grip: HTMLElement, by: number): void => {
        const within = (at: number, size: number): number => Math.max(INSIDE_PX, Math.min(size - INSIDE_PX, at));
        const [px, py] = [within(x + line.along[0] * by, seen.width), within(y + line.along[1] * by, seen.height)];
        grip.style.transform = `translate(${px.toFixed(1)}px, ${py.toFixed(1)}px) translate(-50%, -50%)`;
      };
      for (const { grip, sign } of turning) {
        grip.hidden = isSmall && sign < 0;
        put(grip, sign * (isSmall ? SMALL_END : END) * far);
      }
      put(pushing.grip, (isSmall ? -SMALL_END : BETWEEN) * far);
      for (const { grip } of turning) tellRange(grip, slantDegrees(line), -90, 90);
      turning[0]?.grip.setAttribute("aria-valuetext", degrees(slantDegrees(line), 0));
      const [low, high] = reachOf(bounds, here.normal);
      tellRange(pushing.grip, dot(here.normal, store.state.slices.crosshairLpsMm) - low, 0, high - low);
    },
  };
}
