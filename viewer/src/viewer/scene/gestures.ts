// Fingers, pens, mice and keys on the canvas -> turns of the camera, and taps and drags of the tool.
import type { ToolContext, Spot } from "../tools/tool.ts";
import { VIEW_NAMES, type ViewName } from "../model/viewpoint.ts";
import { takeUp } from "../tools/take_up.ts";
import { hindrance, toolOf } from "../tools/tools.ts";
import type { CameraMover } from "./camera.ts";

/** A finger trembles more than a mouse. */
const STILL_PIXELS = { mouse: 4, pen: 6, touch: 10 } as const;
const LONGEST_TAP_MS = 600;
/** Speeds of a throw are taken over so long before letting go. */
const THROW_MS = 90;
const RADIANS_PER_PIXEL = 0.008;
const RADIANS_PER_KEY = 0.13;
const PIXELS_PER_KEY = 24;

interface Pointer {
  readonly id: number;
  readonly kind: keyof typeof STILL_PIXELS;
  readonly start: Spot;
  readonly startedAt: number;
  at: Spot;
  hasMoved: boolean;
  readonly trail: { x: number; y: number; time: number }[];
}

export interface GestureOptions {
  readonly canvas: HTMLElement;
  readonly mover: CameraMover;
  readonly context: ToolContext;
  /** The mouse is over the scene without pressing; undefined when it left. */
  readonly hover: (spot: Spot | undefined) => void;
  readonly reset: () => void;
  readonly look: (name: ViewName) => void;
  readonly hold: (isHeld: boolean) => void;
}

export function listenToGestures({ canvas, mover, context, hover, reset, look, hold }: GestureOptions): void {
  const pointers = new Map<number, Pointer>();
  let mode: "turn" | "pan" | "tool" = "turn";
  let drag: ReturnType<NonNullable<ReturnType<typeof toolOf>["drag"]>> | undefined;
  let hadTwo = false;

  const spotOf = (event: MouseEvent): Spot => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  const tool = () => {
    const chosen = toolOf(context.store.state.tool);
    return hindrance(chosen, context.store.state) ? toolOf("turn") : chosen;
  };

  canvas.addEventListener("pointerdown", (event) => {
    mover.halt();
    // The focus is here for the keys; whoever presses need not be shown where it is.
    canvas.classList.add("pressed");
    canvas.focus({ preventScroll: true });
    try {
      canvas.setPointerCapture(event.pointerId);
    } catch {
      // A pointer made by a script cannot be captured; it works without.
    }
    const kind = event.pointerType === "touch" || event.pointerType === "pen" ? event.pointerType : "mouse";
    const at = spotOf(event);
    const time = event.timeStamp;
    pointers.set(event.pointerId, { id: event.pointerId, kind, start: at, startedAt: time, at, hasMoved: false, trail: [] });
    if (pointers.size === 1) {
      hadTwo = false;
      mode = event.button > 0 || event.shiftKey ? "pan" : "turn";
      const begin = mode === "turn" ? tool().drag : undefined;
      if (begin) {
        mode = "tool";
        drag = begin(at, context);
      }
    } else {
      hadTwo = true;
      drag?.end();
      drag = undefined;
    }
    hold(true);
    hover(undefined);
  });

  canvas.addEventListener("pointermove", (event) => {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) {
      if (event.pointerType !== "touch" && pointers.size === 0) hover(spotOf(event));
      return;
    }
    const before = pointer.at;
    const at = spotOf(event);
    if (!pointer.hasMoved && distance(at, pointer.start) < STILL_PIXELS[pointer.kind]) return;
    pointer.hasMoved = true;
    const others = [...pointers.values()].filter((one) => one !== pointer);
    const other = others[0];
    if (other) pinch(before, at, other.at);
    else if (mode === "tool") drag?.move(at);
    else if (!hadTwo) {
      if (mode === "pan") mover.pan(at.x - before.x, at.y - before.y);
      else mover.turn((at.x - before.x) * RADIANS_PER_PIXEL, (at.y - before.y) * RADIANS_PER_PIXEL);
    }
    pointer.at = at;
    pointer.trail.push({ ...at, time: event.timeStamp });
    while ((pointer.trail[0]?.time ?? Infinity) < event.timeStamp - THROW_MS) pointer.trail.shift();
  });

  /** Enter uses the tool, letters take one up, numbers look from a side, Escape goes one step back. */
  function pressed(key: string): boolean {
    if (key === "Enter" || key === " ") {
      // What lies under the cross in the middle, which shows while keys are used.
      void tool().tap({ x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 }, context);
      return true;
    }
    const side = VIEW_NAMES[Number(key) - 1];
    if (!side) return takeUp(key, context.store);
    look(side);
    return true;
  }

  /** Two fingers: apart, together, around, and along. */
  function pinch(before: Spot, now: Spot, other: Spot): void {
    const [was, is] = [distance(before, other), distance(now, other)];
    if (was < 1 || is < 1) return;
    const centre = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
    mover.zoom(is / was, centre);
    let around = Math.atan2(now.y - other.y, now.x - other.x) - Math.atan2(before.y - other.y, before.x - other.x);
    if (around > Math.PI) around -= 2 * Math.PI;
    if (around < -Math.PI) around += 2 * Math.PI;
    mover.twist(-around);
    mover.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
  }

  function up(event: PointerEvent, isCancelled: boolean): void {
    const pointer = pointers.get(event.pointerId);
    if (!pointer) return;
    pointers.delete(event.pointerId);
    if (pointers.size) return;
    hold(false);
    drag?.end();
    drag = undefined;
    if (isCancelled || hadTwo) return;
    const isTap = !pointer.hasMoved && event.timeStamp - pointer.startedAt < LONGEST_TAP_MS && event.button === 0;
    if (isTap) void tool().tap(pointer.start, context);
    else if (mode === "turn" && pointer.hasMoved) throwFrom(pointer, event.timeStamp);
  }

  function throwFrom(pointer: Pointer, now: number): void {
    const first = pointer.trail[0];
    const last = pointer.trail.at(-1);
    if (!first || !last || now - last.time > 50 || last.time - first.time < 8) return;
    const speed = RADIANS_PER_PIXEL / (last.time - first.time);
    mover.throw((last.x - first.x) * speed, (last.y - first.y) * speed);
  }

  canvas.addEventListener("pointerup", (event) => up(event, false));
  canvas.addEventListener("pointercancel", (event) => up(event, true));
  canvas.addEventListener("pointerleave", () => hover(undefined));
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      mover.halt();
      // Lines and pages of some mice, pixels of others; a pinch on a touchpad comes as a wheel with ctrl.
      const pixels = event.deltaY * (event.deltaMode === 1 ? 18 : event.deltaMode === 2 ? 240 : 1);
      mover.zoom(Math.exp(-Math.max(-240, Math.min(240, pixels)) * (event.ctrlKey ? 0.01 : 0.0016)), spotOf(event));
    },
    { passive: false },
  );
  canvas.addEventListener("dblclick", async (event) => {
    const hit = await context.pick(spotOf(event));
    const organ = hit && context.store.state.manifest.organs.find((one) => one.id === hit.id);
    if (organ) mover.fit(organ.boundsLpsMm);
    else reset();
  });
  canvas.addEventListener("keydown", (event) => {
    canvas.classList.remove("pressed");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (steer(event, mover, reset) || pressed(event.key)) event.preventDefault();
  });
}

const distance = (a: Spot, b: Spot): number => Math.hypot(a.x - b.x, a.y - b.y);

const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Arrows turn, with shift they push; + and - come closer and go away; comma and full stop lean the head. */
function steer(event: KeyboardEvent, mover: CameraMover, reset: () => void): boolean {
  const arrow = ARROWS[event.key];
  mover.halt();
  if (arrow && event.shiftKey) mover.pan(arrow[0] * PIXELS_PER_KEY, arrow[1] * PIXELS_PER_KEY);
  else if (arrow) mover.turn(arrow[0] * RADIANS_PER_KEY, arrow[1] * RADIANS_PER_KEY);
  else if (event.key === "+" || event.key === "=") mover.zoom(1.15);
  else if (event.key === "-" || event.key === "_") mover.zoom(1 / 1.15);
  else if (event.key === ",") mover.twist(-0.1);
  else if (event.key === ".") mover.twist(0.1);
  else if (event.key === "0" || event.key === "Home") reset();
  else return false;
  return true;
}
