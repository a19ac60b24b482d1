// Cuts that can be taken hold of: an outline, a grip that pushes, one that tilts; six grips on the box.
import { word } from "../../page/words.ts";
import { edges, foot, outline, reach } from "../model/plane.ts";
import { type View, mmPerPixel, onScreen, rayThrough } from "../model/rays.ts";
import { type Bounds, type Vec3, about, add, dot, middle, radius, scale, subtract, turned, unit } from "../model/vectors.ts";
import { axesOf } from "../model/viewpoint.ts";
import { boundsOf } from "../state/first_state.ts";
import type { Store } from "../state/store.ts";
import type { ClipPlane, ViewState } from "../state/view_state.ts";
import { faceName } from "./side_words.ts";
import { slides, tellRange } from "./slides.ts";

const SVG = "http://www.w3.org/2000/svg";
const TILT_PIXELS = 72;
const TILT_PER_KEY = 0.05;
/** From the middle of one grip to that of the next. */
const APART = 36;
const BESIDE_TOOLS = 84;
/** In the place of a cut's number. */
const OBLIQUE = "oblique";

export interface ClipHandles {
  readonly element: HTMLElement;
  update(state: ViewState, view: View): void;
}

export function makeClipHandles(store: Store, view: () => View): ClipHandles {
  const element = document.createElement("div");
  element.className = "clip-handles";
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("aria-hidden", "true");
  element.append(drawing);
  const grips = new Map<string, HTMLElement>();
  const lines = new Map<string, SVGPathElement>();
  const used = new Set<string>();
  const taken: { x: number; y: number }[] = [];

  function grip(key: string, kind: string, make: (button: HTMLElement) => void): HTMLElement {
    used.add(key);
    let one = grips.get(key);
    if (!one) {
      one = document.createElement("div");
      one.className = `grip ${kind}`;
      one.tabIndex = 0;
      one.setAttribute("role", "slider");
      make(one);
      one.title = one.getAttribute("aria-label") ?? "";
      grips.set(key, one);
      element.append(one);
    }
    return one;
  }

  function line(key: string, d: string, kind: string): void {
    used.add(key);
    let one = lines.get(key);
    if (!one) {
      one = document.createElementNS(SVG, "path");
      one.setAttribute("class", kind);
      lines.set(key, one);
      drawing.append(one);
    }
    one.setAttribute("d", d);
  }

  /** Beside those that are there already, and clear of the tools at the edges: each has to be met by a finger. */
  function put(one: HTMLElement, at: { x: number; y: number }, seen: View): void {
    const inside = {
      x: Math.max(BESIDE_TOOLS, Math.min(seen.width - BESIDE_TOOLS, at.x)),
      y: Math.max(APART, Math.min(seen.height - APART, at.y)),
    };
    const place = [inside, ...around(inside)].find((spot) => taken.every((other) => Math.hypot(other.x - spot.x, other.y - spot.y) >= APART)) ?? inside;
    taken.push(place);
    one.style.transform = `translate(${place.x.toFixed(1)}px, ${place.y.toFixed(1)}px) translate(-50%, -50%)`;
  }

  const planeNow = (id: string): ClipPlane | undefined =>
    id === OBLIQUE ? obliqueOf(store.state) : store.state.clip.planes.find((plane) => plane.id === id);
  const change = (id: string, by: Partial<Omit<ClipPlane, "id">>) => {
    if (id !== OBLIQUE) store.dispatch({ type: "clip-change", id, change: by });
    else store.dispatch({ type: "slices", change: obliqueWith(store.state, by) });
  };

  function plane(now: ClipPlane, bounds: Bounds, seen: View): void {
    const { id } = now;
    const kind = id === OBLIQUE ? OBLIQUE : "";
    const corners = outline(now, bounds).map((point) => onScreen(seen, point));
    if (corners.length && corners.every((one) => one !== undefined))
      line(`outline ${id}`, `M${corners.map((one) => `${one.x.toFixed(1)},${one.y.toFixed(1)}`).join("L")}Z`, `cut-outline ${kind}`);
    const at = foot(now, middle(bounds));
    const tip = add(at, scale(tiltDirection(now), TILT_PIXELS * mmPerPixel(seen, at)));
    const [from, to] = [onScreen(seen, at), onScreen(seen, tip)];
    if (!from || !to) return;
    line(`arm ${id}`, `M${from.x},${from.y}L${to.x},${to.y}`, `cut-arm ${kind}`);
    const [low, high] = reach(now.normal, bounds);
    const pushing = grip(`push ${id}`, `push ${kind}`, (button) => {
      button.setAttribute("aria-label", id === OBLIQUE ? word("Push the oblique plane") : word("Push cut {number}", { number: id }));
      slides(button, () => pushes(id, bounds, view), (steps) => push(id, steps, bounds));
    });
    put(pushing, from, seen);
    tellRange(pushing, now.offsetMm - low, 0, high - low);
    const tilting = grip(`tilt ${id}`, `tilt ${kind}`, (button) => {
      button.setAttribute("aria-label", id === OBLIQUE ? word("Tilt the oblique plane") : word("Tilt cut {number}", { number: id }));
      slides(button, () => tilts(id, bounds), (steps, isUpwards) => tiltBy(id, steps, isUpwards, bounds));
    });
    put(tilting, to, seen);
    tellRange(tilting, Math.round((Math.acos(Math.max(-1, Math.min(1, now.normal[2]))) * 180) / Math.PI), 0, 180);
  }

  function pushes(id: string, bounds: Bounds, seen: () => View): (dx: number, dy: number) => void {
    const first = planeNow(id);
    if (!first) return () => undefined;
    const along = onScreenPerMm(seen(), foot(first, middle(bounds)), first.normal);
    return (dx, dy) => push(id, 0, bounds, first.offsetMm + along(dx, dy));
  }

  function push(id: string, steps: number, bounds: Bounds, to?: number): void {
    const now = planeNow(id);
    if (!now) return;
    const [low, high] = reach(now.normal, bounds);
    change(id, { offsetMm: Math.max(low, Math.min(high, to ?? now.offsetMm + steps)) });
  }

  /** The arm follows the pointer over a ball around its foot. */
  function tilts(id: string, bounds: Bounds): (dx: number, dy: number) => void {
    const first = planeNow(id);
    if (!first) return () => undefined;
    const at = foot(first, middle(bounds));
    const long = TILT_PIXELS * mmPerPixel(view(), at);
    const tip = onScreen(view(), add(at, scale(tiltDirection(first), long)));
    return (dx, dy) => {
      // From where the tip is, not where its grip had to make room for another.
      const { originLpsMm, direction } = rayThrough(view(), (tip?.x ?? 0) + dx, (tip?.y ?? 0) + dy);
      const to = subtract(at, originLpsMm);
      const nearest = add(originLpsMm, scale(direction, dot(to, direction)));
      const from = subtract(nearest, at);
      const off = Math.hypot(...from);
      const back = off < long ? Math.sqrt(long * long - off * off) : 0;
      turnTo(id, unit(add(scale(unit(from), Math.min(off, long)), scale(direction, -back))), at);
    };
  }

  function tiltBy(id: string, steps: number, isUpwards: boolean, bounds: Bounds): void {
    const now = planeNow(id);
    if (!now) return;
    const { right, up } = axesOf(view().turn);
    const direction = turned(tiltDirection(now), about(isUpwards ? right : up, (isUpwards ? -steps : steps) * TILT_PER_KEY));
    turnTo(id, direction, foot(now, middle(bounds)));
  }

  function turnTo(id: string, direction: Vec3, at: Vec3): void {
    const now = planeNow(id);
    if (!now) return;
    const normal = now.isFlipped ? scale(direction, -1) : direction;
    change(id, { normal, offsetMm: dot(normal, at) });
  }

  function box(now: Bounds, whole: Bounds, seen: View): void {
    const lines_ = edges(now).map(([a, b]) => [onScreen(seen, a), onScreen(seen, b)] as const);
    if (lines_.every(([a, b]) => a && b))
      line("box", lines_.map(([a, b]) => `M${a?.x.toFixed(1)},${a?.y.toFixed(1)}L${b?.x.toFixed(1)},${b?.y.toFixed(1)}`).join(""), "cut-outline");
    for (let face = 0; face < 6; face += 1) {
      const axis = face % 3;
      const isHigh = face > 2;
      const at = middle(now).map((one, index) => (index === axis ? (now[isHigh ? 1 : 0][axis] ?? one) : one)) as unknown as Vec3;
      const spot = onScreen(seen, at);
      if (!spot) continue;
      const one = grip(`face ${face}`, "face", (button) => {
        button.setAttribute("aria-label", faceName(face, store.state.manifest));
        const along = [0, 1, 2].map((index) => (index === axis ? 1 : 0)) as unknown as Vec3;
        slides(
          button,
          () => {
            const first = store.state.clip.box;
            const shift = onScreenPerMm(view(), at, along);
            return (dx, dy) => first && moveFace(face, (first[isHigh ? 1 : 0][axis] ?? 0) + shift(dx, dy));
          },
          (steps) => moveFace(face, (store.state.clip.box?.[isHigh ? 1 : 0][axis] ?? 0) + steps),
        );
      });
      put(one, spot, seen);
      tellRange(one, Math.round(now[isHigh ? 1 : 0][axis] ?? 0), Math.floor(whole[0][axis] ?? 0), Math.ceil(whole[1][axis] ?? 0));
    }
  }

  function moveFace(face: number, to: number): void {
    const now = store.state.clip.box;
    if (now) store.dispatch({ type: "clip-box", box: withFace(now, face, to, boundsOf(store.state.manifest)) });
  }

  return {
    element,
    update(state, seen) {
      const { clip } = state;
      used.clear();
      taken.length = 0;
      if (clip.hasHandles) {
        const bounds = boundsOf(state.manifest);
        for (const one of clip.planes) plane(one, bounds, seen);
        if (clip.box) box(clip.box, bounds, seen);
      }
      const oblique = state.slices.isIn3d ? obliqueOf(state) : undefined;
      if (oblique) plane(oblique, boundsOf(state.manifest), seen);
      for (const all of [grips, lines] as Map<string, Element>[]) {
        for (const [key, one] of all) {
          if (used.has(key)) continue;
          one.remove();
          all.delete(key);
        }
      }
    },
  };
}

/** The oblique plane of the slices is pushed and tilted like a cut, and cuts nothing. */
function obliqueOf({ slices }: ViewState): ClipPlane | undefined {
  const { obliqueNormal: normal, crosshairLpsMm } = slices;
  return normal ? { id: OBLIQUE, normal, offsetMm: dot(normal, crosshairLpsMm), isFlipped: false, scope: "all" } : undefined;
}

/** All slices go through the crosshair: it moves with the plane, no farther than it has to. */
function obliqueWith(state: ViewState, by: Partial<Omit<ClipPlane, "id">>): Partial<ViewState["slices"]> {
  const { obliqueNormal, crosshairLpsMm } = state.slices;
  const normal = by.normal ?? obliqueNormal ?? [0, 0, 1];
  return { obliqueNormal: normal, crosshairLpsMm: foot({ normal, offsetMm: by.offsetMm ?? dot(normal, crosshairLpsMm) }, crosshairLpsMm) };
}

/** Where a grip may go instead, the nearest first. */
function around(at: { x: number; y: number }): { x: number; y: number }[] {
  return [1, 2, 3].flatMap((ring) =>
    [1, 3, 5, 7, 0, 2, 4, 6].map((eighth) => ({
      x: at.x + ring * APART * 1.02 * Math.cos((eighth * Math.PI) / 4),
      y: at.y + ring * APART * 1.02 * Math.sin((eighth * Math.PI) / 4),
    })),
  );
}

/** What is taken away lies this way: the arm stands there. */
const tiltDirection = (plane: ClipPlane): Vec3 => (plane.isFlipped ? scale(plane.normal, -1) : plane.normal);

/** Move one face; it stays inside the scene and never passes the one opposite. */
export function withFace(box: Bounds, face: number, to: number, whole: Bounds): Bounds {
  const axis = face % 3;
  const thin = Math.max(1e-3, radius(whole) * 0.005);
  const [low, high] = [[...box[0]], [...box[1]]];
  if (face < 3) low[axis] = Math.max(whole[0][axis] ?? 0, Math.min(to, (high[axis] ?? 0) - thin));
  else high[axis] = Math.min(whole[1][axis] ?? 0, Math.max(to, (low[axis] ?? 0) + thin));
  return [low as unknown as Vec3, high as unknown as Vec3];
}

/** How many millimetres along a direction a drag on the screen means. */
function onScreenPerMm(view: View, at: Vec3, direction: Vec3): (dx: number, dy: number) => number {
  const mm = mmPerPixel(view, at);
  const [from, to] = [onScreen(view, at), onScreen(view, add(at, scale(direction, mm)))];
  const x = (to?.x ?? 0) - (from?.x ?? 0);
  const y = (to?.y ?? 0) - (from?.y ?? 0);
  const long = x * x + y * y;
  // Straight towards the eye: pulling down pulls nearer.
  const isAway = dot(direction, axesOf(view.turn).back) < 0;
  return (dx, dy) => (long < 0.06 ? dy * (isAway ? -mm : mm) : ((dx * x + dy * y) / long) * mm);
}
