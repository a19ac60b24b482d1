// What can be taken hold of: pulled by mouse, pen and finger, and stepped by keys.

/** Arrows make a step, Page Up and Page Down ten. */
const KEYS: Readonly<Record<string, readonly [number, boolean]>> = {
  ArrowUp: [1, true],
  ArrowDown: [-1, true],
  ArrowRight: [1, false],
  ArrowLeft: [-1, false],
  PageUp: [10, true],
  PageDown: [-10, true],
};

/** `begin` answers with what to do when it was pulled by so many pixels; the second place of a step: an upright key. */
export function slides(
  grip: HTMLElement,
  begin: (from: PointerEvent) => (dx: number, dy: number) => void,
  step: (steps: number, isUpwards: boolean) => void,
): void {
  grip.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    grip.focus({ preventScroll: true });
    const move = begin(event);
    const moved = (now: PointerEvent) => now.pointerId === event.pointerId && move(now.clientX - event.clientX, now.clientY - event.clientY);
    const over = (now: PointerEvent) => {
      if (now.pointerId !== event.pointerId) return;
      removeEventListener("pointermove", moved);
      removeEventListener("pointerup", over);
      removeEventListener("pointercancel", over);
    };
    addEventListener("pointermove", moved);
    addEventListener("pointerup", over);
    addEventListener("pointercancel", over);
  });
  grip.addEventListener("keydown", (event) => {
    const meant = KEYS[event.key];
    if (!meant) return;
    event.preventDefault();
    event.stopPropagation();
    step(...meant);
  });
}

export function tellRange(grip: HTMLElement, now: number, low: number, high: number): void {
  grip.setAttribute("aria-valuemin", low.toFixed(0));
  grip.setAttribute("aria-valuemax", high.toFixed(0));
  grip.setAttribute("aria-valuenow", now.toFixed(1));
}
