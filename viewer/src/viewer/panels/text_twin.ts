// The scene in words, told anew when it has changed and rested: for whoever listens instead of looking.
import { word } from "../../page/words.ts";
import { busy } from "../busy.ts";
import { facing } from "../model/viewpoint.ts";
import { sizeMm } from "../model/measure.ts";
import { sideWords } from "../scene/side_words.ts";
import type { Store } from "../state/store.ts";
import { type ViewState, hasLengths, hasMillimetres, isVisible } from "../state/view_state.ts";
import { measured, millilitres, sizes } from "./format.ts";
import { placeWords, probedOrgan, valueWords } from "./readings.ts";
import { estimatedFrom, thingsOf } from "./shown_things.ts";
import { lightName } from "./signs.ts";

const REST_MS = 600;
const MOST_NAMES = 8;

export function makeTextTwin(store: Store): HTMLElement {
  const element = document.createElement("p");
  element.className = "unseen";
  element.id = "scene-in-words";
  element.setAttribute("role", "status");
  element.textContent = inWords(store.state);
  let timer: ReturnType<typeof setTimeout> | undefined;
  store.subscribe(() => {
    clearTimeout(timer);
    busy("words", true);
    timer = setTimeout(() => {
      const now = inWords(store.state);
      if (element.textContent !== now) element.textContent = now;
      busy("words", false);
    }, REST_MS);
  });
  return element;
}

export function inWords(state: ViewState): string {
  const guess = state.manifest.estimate ? `${estimatedFrom(state.manifest.estimate)}.` : "";
  return [guess, sight(state), sure(state), from(state), chosen(state), probed(state), cuts(state), lastMeasure(state)].filter(Boolean).join(" ");
}

function sight(state: ViewState): string {
  const { organs } = state.manifest;
  const shown = organs.filter(({ id }) => isVisible(state, id));
  const hidden = organs.filter(({ id }) => !isVisible(state, id));
  const names = (list: typeof organs) => {
    const some = list.slice(0, MOST_NAMES).map((organ) => organ.name).join(", ");
    return list.length > MOST_NAMES ? word("{names} and {count} more", { names: some, count: list.length - MOST_NAMES }) : some;
  };
  const inSight = shown.length ? word("In sight: {names}.", { names: names(shown) }) : thingsOf(state.manifest).noneInSight;
  return hidden.length ? `${inSight} ${word("Hidden: {names}.", { names: names(hidden) })}` : inSight;
}

function sure({ paint }: ViewState): string {
  return paint === "confidence" ? word("Its colours say how sure the depth is: violet unsure, yellow sure, white where nobody saw it.") : "";
}

function from(state: ViewState): string {
  return word("Seen: {side}.", { side: sideWords(state.manifest).from(facing(state.camera.turn)) });
}

function chosen(state: ViewState): string {
  const organ = state.manifest.organs.find(({ id }) => id === state.selected);
  if (!organ) return "";
  const parts = [organ.name];
  if (organ.side) parts.push(organ.side === "left" ? word("left side") : word("right side"));
  if (organ.volumeMl !== null && hasMillimetres(state)) parts.push(millilitres(organ.volumeMl));
  if (hasLengths(state)) parts.push(sizes(sizeMm(organ.boundsLpsMm), state.manifest));
  parts.push(lightName(organ.light));
  return word("Chosen: {facts}.", { facts: parts.join(", ") });
}

function probed({ probe, manifest }: ViewState): string {
  if (!probe) return "";
  const organ = probedOrgan(probe, manifest);
  const value = probe.value === undefined ? "" : ` ${valueWords(probe.value, manifest)}.`;
  return `${word("Probe: {organ} at {place}.", { organ, place: placeWords(probe.pointLpsMm, manifest) })}${value}`;
}

function cuts({ clip }: ViewState): string {
  const told = [];
  if (clip.planes.length) told.push(word("Cuts: {count}.", { count: clip.planes.length }));
  if (clip.box) told.push(word("Only what lies in the box is shown."));
  return told.join(" ");
}

function lastMeasure({ measurements }: ViewState): string {
  const last = measurements.at(-1);
  if (!last) return "";
  return `${last.name}: ${measured(last)}.`;
}
