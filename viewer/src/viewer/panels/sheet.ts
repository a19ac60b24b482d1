// On a narrow page the open panel is a sheet: its upper edge is pulled higher and lower, and down until it is closed.
import { word } from "../../page/words.ts";

/** Shares of the window's height that a sheet comes to rest at. */
const HALF = 0.42;
const TALL = 0.64;
const CLOSED_BELOW = 0.22;
/** Moved less than this, it was pressed. */
const STILL_PX = 6;

/** The edge of the sheet, which stands over its panel. */
export function makeGrabber(side: HTMLElement, close: () => void): HTMLElement {
  const grabber = document.createElement("button");
  grabber.type = "button";
  grabber.className = "grabber";
  let isTall = false;
  let wasPulled = false;
  let from: { y: number; height: number } | undefined;

  function rest(tall: boolean): void {
    isTall = tall;
    side.style.removeProperty("--sheet");
    side.classList.toggle("tall", tall);
    grabber.setAttribute("aria-label", tall ? word("Lower the panel") : word("Raise the panel"));
    grabber.setAttribute("aria-expanded", String(tall));
  }
  const height = (): number => side.querySelector<HTMLElement>(".panel:not([hidden])")?.offsetHeight ?? 0;

  grabber.addEventListener("pointerdown", (event) => {
    from = { y: event.clientY, height: height() };
    wasPulled = false;
    grabber.setPointerCapture(event.pointerId);
  });
  grabber.addEventListener("pointermove", (event) => {
    if (!from || Math.abs(event.clientY - from.y) < STILL_PX) return;
    const wanted = from.height + from.y - event.clientY;
    side.style.setProperty("--sheet", `${Math.max(0, Math.min(innerHeight * TALL, wanted))}px`);
  });
  const end = (event: PointerEvent): void => {
    if (!from) return;
    const isPulled = Math.abs(event.clientY - from.y) >= STILL_PX;
    from = undefined;
    if (!isPulled) return;
    const share = height() / innerHeight;
    rest(share > (HALF + TALL) / 2);
    if (share < CLOSED_BELOW) close();
    wasPulled = true;
  };
  grabber.addEventListener("pointerup", end);
  grabber.addEventListener("pointercancel", end);
  grabber.addEventListener("click", () => {
    // The press that a browser makes of a pull is none.
    if (!wasPulled) rest(!isTall);
    wasPulled = false;
  });
  rest(false);
  return grabber;
}
