// Where everything stands: the picture, and beside or under it what can be done with it.
import { word } from "../../page/words.ts";
import type { Manifest } from "../model/manifest.ts";
import type { PageData } from "../page_data.ts";
import type { Room } from "../state/view_state.ts";
import { makeGrabber } from "./sheet.ts";
import { estimatedFrom, thingsOf } from "./shown_things.ts";
import { SIGNS } from "./signs.ts";

const SVG = "http://www.w3.org/2000/svg";
// As in the styles: a panel is a sheet under the picture; two pictures fit; one does.
const NARROW = "(max-width: 56rem)";
const PHONE = "(max-width: 40rem)";
const LOW = "(max-width: 56rem) and (max-height: 30rem)";

export interface Tab {
  readonly id: string;
  readonly label: string;
  readonly sign: string;
}

export interface Shell {
  readonly root: HTMLElement;
  readonly views: HTMLElement;
  readonly stage: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  /** For V3's panes, beside the stage. */
  readonly slices: HTMLElement;
  readonly panels: ReadonlyMap<string, HTMLElement>;
  /** Above and below in the stage, what other things take. */
  edges(): { top: number; bottom: number };
  open(tab: string): void;
  /** Tells at once, and whenever it changes, how many pictures have room beside each other. */
  watchRoom(listener: (room: Room) => void): void;
}

function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.className = className;
  made.append(...children);
  return made;
}

function drawn(path: string): SVGSVGElement {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.8", "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

export function tabs(manifest: Manifest): Tab[] {
  return [
    { id: "organs", label: thingsOf(manifest).all, sign: SIGNS.organs },
    ...(manifest.volume ? [{ id: "scan", label: word("Scan"), sign: SIGNS.scan }] : []),
    { id: "cut", label: word("Cuts"), sign: SIGNS.cut },
    { id: "measure", label: word("Measure"), sign: SIGNS.measure },
    { id: "take", label: word("Take away"), sign: SIGNS.take },
  ];
}

export function makeShell(page: PageData, manifest: Manifest): Shell {
  const isNarrow = matchMedia(NARROW);
  const canvas = element("canvas", "scene");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-roledescription", word("3D view"));
  canvas.setAttribute("aria-label", page.title);
  canvas.setAttribute("aria-describedby", "scene-in-words scene-keys");
  const keys = element("p", "unseen", word("Arrow keys turn, with Shift they move. Plus and minus come closer and go away, 1 to 6 look from a side, 0 goes back to the beginning. The letters in the buttons' names take up tools, Enter uses them in the middle of the picture, Escape lays them down."));
  keys.id = "scene-keys";
  const stage = element("div", "stage", canvas, keys);
  // On the picture itself: whoever copies it from the screen copies that too.
  if (manifest.estimate) stage.append(element("p", "estimated-mark", word("ESTIMATED")));
  const slices = element("div", "slices");
  slices.hidden = true;
  const views = element("section", "views", stage, slices);
  views.setAttribute("aria-label", word("Pictures"));
  views.dataset["layout"] = "3d";

  const back = element("a", "back", word("Case"));
  back.href = page.casePage;
  const certificate = element("a", "back", word("Certificate"));
  certificate.href = page.certificatePage;
  const title = element("h1", "", page.title);
  title.dir = "auto";
  const caseTitle = element("p", "quiet small", element("bdi", "", page.caseTitle));
  const head = element("header", "viewer-head", element("nav", "trail", back, certificate), title, caseTitle);
  head.querySelector("nav")?.setAttribute("aria-label", word("Back"));

  if (manifest.estimate) head.append(estimateBadge(manifest, page.said.lengthFrom));
  const { side, panels, open, watchRoom } = makeSide(manifest);
  const caution = element("p", "caution", word("For teaching, research and planning aid; not for diagnosis."));
  const root = element("div", manifest.estimate ? "viewer of-picture" : "viewer", head, views, caution, side);
  return {
    root,
    views,
    stage,
    canvas,
    slices,
    panels,
    open,
    watchRoom,
    edges: () => ({ top: stage.clientHeight > 420 ? 112 : isNarrow.matches ? 56 : 12, bottom: views.querySelector(".notices")?.childElementCount ? 96 : 20 }),
  };
}

/** What nobody may overlook: that it is a guess, and from where it has a length. */
function estimateBadge({ unit, estimate }: Manifest, lengthFrom: string): HTMLElement {
  const length = unit === "px" ? word("No length is known: units are pixels (px).") : lengthFrom;
  return element("p", "estimated", element("strong", "", `${estimatedFrom(estimate)}.`), " ", element("span", "", length));
}

/** Tabs; on a narrow page a bar at the foot, whose panel comes up as a sheet and goes down again. */
function makeSide(manifest: Manifest) {
  const list = element("div", "tabs");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", word("Panels"));
  const side = element("aside", "side", list);
  side.setAttribute("aria-label", word("Panels"));
  const panels = new Map<string, HTMLElement>();
  const buttons = new Map<string, HTMLButtonElement>();
  const [isNarrow, isPhone, isLow] = [matchMedia(NARROW), matchMedia(PHONE), matchMedia(LOW)];
  const told: ((room: Room) => void)[] = [];
  let opened: string | null = isNarrow.matches ? null : "organs";

  function show(): void {
    for (const [id, button] of buttons) {
      const isOpen = id === opened;
      button.setAttribute("aria-selected", String(isOpen));
      button.tabIndex = isOpen || (opened === null && id === "organs") ? 0 : -1;
      const shown = panels.get(id);
      if (shown) shown.hidden = !isOpen;
    }
    side.classList.toggle("closed", opened === null);
    for (const tell of told) tell(room());
  }
  const room = (): Room => (isLow.matches ? "one" : !isPhone.matches ? "wide" : opened === null ? "two" : "one");
  function open(id: string): void {
    opened = isNarrow.matches && opened === id ? null : id;
    show();
  }
  for (const tab of tabs(manifest)) {
    const button = element("button", "tab", drawn(tab.sign), element("span", "", tab.label));
    button.type = "button";
    button.id = `tab-${tab.id}`;
    button.setAttribute("role", "tab");
    button.setAttribute("aria-controls", `panel-${tab.id}`);
    button.addEventListener("click", () => open(tab.id));
    list.append(button);
    buttons.set(tab.id, button);
    const body = element("div", "panel");
    body.id = `panel-${tab.id}`;
    body.setAttribute("role", "tabpanel");
    body.setAttribute("aria-labelledby", button.id);
    panels.set(tab.id, body);
    side.append(body);
  }
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...buttons.values()];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    const turned = document.documentElement.dir === "rtl" ? -step : step;
    const next = all[(at + turned + all.length) % all.length];
    next?.focus();
    if (!isNarrow.matches) next?.click();
  });
  side.append(makeGrabber(side, () => opened && open(opened)));
  for (const query of [isPhone, isLow]) query.addEventListener("change", show);
  isNarrow.addEventListener("change", () => {
    if (!isNarrow.matches && opened === null) opened = "organs";
    show();
  });
  show();
  const watchRoom = (listener: (room: Room) => void): void => {
    told.push(listener);
    listener(room());
  };
  return { side, panels, open, watchRoom };
}
