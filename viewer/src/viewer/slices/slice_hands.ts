// Mouse, pen, fingers and keys on a slice.
import type { Vec3 } from "../model/vectors.ts";
import type { Window } from "../model/windows.ts";
import type { ViewState } from "../state/view_state.ts";

export interface SliceDeeds {
  state(): ViewState;
  at(x: number, y: number): Vec3;
  tell(lps: Vec3): void;
  untell(): void;
  jump(lps: Vec3): void;
  /** Whether the tool is one that is used at a point of a slice. */
  isPointing(): boolean;
  use(lps: Vec3): void;
  takeUp(key: string): boolean;
  window(from: Window, rightPx: number, upPx: number): void;
  scroll(by: number): void;
  end(isLast: boolean): void;
  nudge(right: number, down: number): void;
  zoom(by: number, x: number, y: number): void;
  pan(x: number, y: number): void;
  whole(): void;
  enlarge(): void;
}

/** Moved less than this, a press is a tap. */
const TAP_PX = 5;
const WHEEL_PX = 60;

export function listen(face: HTMLElement, deeds: SliceDeeds): () => void {
  const end = new AbortController();
  const on = <Kind extends keyof HTMLElementEventMap>(kind: Kind, act: (event: HTMLElementEventMap[Kind]) => void, passive = true): void =>
    face.addEventListener(kind, act, { signal: end.signal, passive });
  const spot = (event: MouseEvent): [number, number] => {
    const box = face.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const fingers = new Map<number, [number, number]>();
  let drag: { kind: "cross" | "window" | "pan" | "point"; from: [number, number]; last: [number, number]; window: Window } | null = null;
  let wheel = 0;

  on("pointerdown", (event) => {
    face.focus({ preventScroll: true });
    face.setPointerCapture(event.pointerId);
    const from = spot(event);
    fingers.set(event.pointerId, from);
    if (fingers.size > 1) {
      drag = null;
      return;
    }
    const { tool, slices } = deeds.state();
    const window = { centre: slices.windowCentre, width: slices.windowWidth };
    const kind =
      event.button === 1 || (event.button === 0 && event.shiftKey) ? "pan"
      : event.button === 2 || tool === "window-level" ? "window"
      : deeds.isPointing() ? "point"
      : "cross";
    drag = { kind, from, last: from, window };
    if (kind === "cross") deeds.jump(deeds.at(...from));
    deeds.tell(deeds.at(...from));
  });

  on("pointermove", (event) => {
    const to = spot(event);
    if (fingers.size === 2 && fingers.has(event.pointerId)) {
      pinch(event.pointerId, to);
      return;
    }
    deeds.tell(deeds.at(...to));
    if (!drag) return;
    if (drag.kind === "cross") deeds.jump(deeds.at(...to));
    else if (drag.kind === "window") deeds.window(drag.window, to[0] - drag.from[0], drag.from[1] - to[1]);
    else if (drag.kind === "pan") deeds.pan(to[0] - drag.last[0], to[1] - drag.last[1]);
    drag.last = to;
    fingers.set(event.pointerId, to);
  });

  function pinch(id: number, to: [number, number]): void {
    const other = [...fingers].find(([key]) => key !== id)?.[1];
    const before = fingers.get(id);
    fingers.set(id, to);
    if (!other || !before) return;
    const apart = (a: [number, number]): number => Math.max(8, Math.hypot(a[0] - other[0], a[1] - other[1]));
    deeds.pan((to[0] - before[0]) / 2, (to[1] - before[1]) / 2);
    deeds.zoom(apart(to) / apart(before), (to[0] + other[0]) / 2, (to[1] + other[1]) / 2);
  }

  const let_go = (event: PointerEvent): void => {
    const to = spot(event);
    if (drag?.kind === "point" && fingers.size === 1 && event.type === "pointerup" &&
      Math.hypot(to[0] - drag.from[0], to[1] - drag.from[1]) <= TAP_PX) deeds.use(deeds.at(...to));
    fingers.delete(event.pointerId);
    drag = null;
  };
  on("pointerup", let_go);
  on("pointercancel", let_go);
  on("pointerleave", () => {
    if (fingers.size === 0) deeds.untell();
  });
  on("contextmenu", (event) => event.preventDefault(), false);
  on("dblclick", () => {
    if (!deeds.isPointing()) deeds.enlarge();
  });
  on("wheel", (event) => {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      deeds.zoom(2 ** (-event.deltaY / 300), ...spot(event));
      return;
    }
    wheel += event.deltaMode === 0 ? event.deltaY : event.deltaY * WHEEL_PX;
    const steps = Math.trunc(wheel / WHEEL_PX);
    wheel -= steps * WHEEL_PX;
    if (steps !== 0) deeds.scroll(-steps);
  }, false);
  on("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (!pressed(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }, false);

  function pressed({ key, shiftKey }: KeyboardEvent): boolean {
    const way = ({ ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] } as const)[key as "ArrowUp"];
    const middle: [number, number] = [face.clientWidth / 2, face.clientHeight / 2];
    if (way && shiftKey) deeds.nudge(way[0], way[1]);
    else if (way) deeds.scroll(key === "ArrowUp" || key === "ArrowRight" ? 1 : -1);
    else if (key === "PageUp") deeds.scroll(10);
    else if (key === "PageDown") deeds.scroll(-10);
    else if (key === "Home") deeds.end(false);
    else if (key === "End") deeds.end(true);
    else if (key === "+" || key === "=") deeds.zoom(1.25, ...middle);
    else if (key === "-") deeds.zoom(0.8, ...middle);
    else if (key === "0") deeds.whole();
    else if (key === "Enter") deeds.use(deeds.state().slices.crosshairLpsMm);
    else return deeds.takeUp(key);
    // The eye is on the crosshair, wherever the pointer was left.
    deeds.tell(deeds.state().slices.crosshairLpsMm);
    return true;
  }
  return () => end.abort();
}
