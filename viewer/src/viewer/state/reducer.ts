// A state and a wish -> the next state. Nothing else makes one; nothing is changed in place.
import { MOST_MEASUREMENTS, POINTS_OF, inOrder, measured } from "../model/measure.ts";
import { tellApart } from "../model/palettes.ts";
import { firstLook } from "./first_state.ts";
import type { Intent } from "./intents.ts";
import { MOST_PLANES, type Measurement, type Notice, type OrganState, type ViewState, hasConfidence, hasLengths } from "./view_state.ts";

const LONGEST_NAME = 120;
const REMOVED = "measure-removed";

export function reduce(state: ViewState, intent: Intent): ViewState {
  switch (intent.type) {
    case "show":
      return { ...state, solo: null, organs: changed(state, intent.ids, { isShown: intent.isShown }) };
    case "show-all":
      return { ...state, solo: null, organs: changed(state, Object.keys(state.organs), { isShown: intent.isShown }) };
    case "solo":
      return intent.id === null || Object.hasOwn(state.organs, intent.id) ? { ...state, solo: intent.id } : state;
    case "opacity":
      return { ...state, organs: changed(state, intent.ids, { opacity: Math.min(1, Math.max(0, intent.opacity)) }) };
    case "colour":
      return isColour(intent.colour) ? coloured(state, intent.id, intent.colour) : state;
    case "palette":
      return { ...state, organs: recoloured(state, intent.colours ?? withoutPalette(state)) };
    case "look-reset":
      return { ...state, solo: null, organs: firstLook(state.manifest), ownColours: {}, paint: "picture" };
    case "paint":
      return state.paint === intent.paint || !hasConfidence(state.manifest) ? state : { ...state, paint: intent.paint };
    case "select":
      return intent.id === null || Object.hasOwn(state.organs, intent.id) ? { ...state, selected: intent.id } : state;
    case "hover":
      return state.hovered === intent.id ? state : { ...state, hovered: intent.id };
    case "details":
      return { ...state, details: { ...state.details, ...intent.details } };
    case "camera":
      return { ...state, camera: intent.camera };
    case "labels":
      return { ...state, hasLabels: intent.hasLabels };
    case "tool":
      return state.tool === intent.tool ? state : { ...state, tool: intent.tool, pendingLpsMm: [] };
    case "probe":
      return { ...state, probe: intent.probe };
    case "room":
      return state.room === intent.room ? state : { ...state, room: intent.room };
    case "profile":
      return { ...state, profile: intent.profile };
    case "layout":
      return { ...state, slices: { ...state.slices, layout: intent.layout } };
    case "slices":
      return { ...state, slices: { ...state.slices, ...intent.change } };
    case "volume":
      return { ...state, volume: { ...state.volume, ...intent.change } };
    case "notice":
      return { ...state, notices: [...state.notices.filter((one) => one.id !== intent.notice.id), intent.notice] };
    case "notice-close":
      return { ...state, notices: state.notices.filter((one) => one.id !== intent.id) };
    default:
      return reduceClip(state, intent) ?? reduceMeasures(state, intent) ?? state;
  }
}

function reduceClip(state: ViewState, intent: Intent): ViewState | undefined {
  const { clip } = state;
  const withClip = (change: Partial<ViewState["clip"]>): ViewState => ({ ...state, clip: { ...clip, ...change } });
  switch (intent.type) {
    case "clip-add":
      if (clip.planes.length >= MOST_PLANES || clip.planes.some((plane) => plane.id === intent.plane.id)) return state;
      return withClip({ planes: [...clip.planes, intent.plane] });
    case "clip-change":
      return withClip({
        planes: clip.planes.map((plane) => (plane.id === intent.id ? { ...plane, ...intent.change } : plane)),
      });
    case "clip-remove":
      return withClip({ planes: clip.planes.filter((plane) => plane.id !== intent.id) });
    case "clip-box":
      return withClip({ box: intent.box });
    case "clip-handles":
      return withClip({ hasHandles: intent.hasHandles });
    case "clip-scan":
      return withClip({ hasScan: intent.hasScan });
    default:
      return undefined;
  }
}

function reduceMeasures(state: ViewState, intent: Intent): ViewState | undefined {
  switch (intent.type) {
    case "measure-point":
      return withPoint(state, intent);
    case "measure-cancel":
      return { ...state, pendingLpsMm: [] };
    case "measure-rename":
      return {
        ...state,
        measurements: state.measurements.map((one) =>
          one.id === intent.id ? { ...one, name: intent.name.trim().slice(0, LONGEST_NAME) || one.name } : one,
        ),
      };
    case "measure-remove":
      return without(state, intent.id);
    case "measure-put-back": {
      if (state.measurements.some(({ id }) => id === intent.measurement.id)) return state;
      return { ...state, measurements: inOrder(state.measurements.toSpliced(intent.at, 0, intent.measurement)), notices: withoutRemoved(state) };
    }
    case "measures-load":
      return { ...state, measurements: inOrder(intent.measurements), keptIds: new Set(intent.keptIds) };
    default:
      return undefined;
  }
}

/** Taken away, and offered to be put back until another is made or taken away. */
function without(state: ViewState, id: string): ViewState {
  const at = state.measurements.findIndex((one) => one.id === id);
  const measurement = state.measurements[at];
  if (!measurement) return state;
  const notice: Notice = {
    id: REMOVED, key: REMOVED, places: { name: measurement.name }, kind: "good", retry: null, offer: { kind: "put-back", measurement, at },
  };
  return { ...state, measurements: state.measurements.toSpliced(at, 1), notices: [...withoutRemoved(state), notice] };
}

const withoutRemoved = ({ notices }: ViewState): readonly Notice[] => notices.filter((one) => one.id !== REMOVED);

/** One more point; the last one that a measurement needs makes it. */
function withPoint(state: ViewState, point: Extract<Intent, { type: "measure-point" }>): ViewState {
  const kind = state.tool;
  // Without lengths there is nothing to say, not even an angle: pixels need not be square.
  if ((kind !== "distance" && kind !== "angle") || !hasLengths(state)) return state;
  if (state.measurements.length >= MOST_MEASUREMENTS) return withoutRoom(state);
  const points = [...state.pendingLpsMm, point.pointLpsMm];
  if (points.length < POINTS_OF[kind]) return { ...state, pendingLpsMm: points };
  const value = measured(kind, points);
  if (!Number.isFinite(value)) return { ...state, pendingLpsMm: [] };
  const done: Measurement = {
    id: point.id,
    kind,
    name: point.name,
    pointsLpsMm: points,
    value,
    unit: kind === "distance" ? state.manifest.unit : "deg",
  };
  return { ...state, pendingLpsMm: [], measurements: inOrder([...state.measurements, done]), notices: withoutRemoved(state) };
}

/** At the first point already, rather than after the last. */
function withoutRoom(state: ViewState): ViewState {
  const notice = { id: "measures-full", key: "measures-full", places: { most: MOST_MEASUREMENTS }, kind: "warn", retry: null } as const;
  return { ...reduce(state, { type: "notice", notice }), pendingLpsMm: [] };
}

const isColour = (text: string): boolean => /^#[0-9a-f]{6}$/i.test(text);

function changed(state: ViewState, ids: readonly string[], change: Partial<OrganState>): ViewState["organs"] {
  const organs = { ...state.organs };
  for (const id of ids) {
    const known = Object.hasOwn(organs, id) ? organs[id] : undefined;
    if (known) organs[id] = { ...known, ...change };
  }
  return organs;
}

function coloured(state: ViewState, id: string, colour: string): ViewState {
  if (!Object.hasOwn(state.organs, id)) return state;
  return { ...state, organs: changed(state, [id], { colour }), ownColours: { ...state.ownColours, [id]: colour } };
}

/** By hand where it was, else the scene's. A link gives a palette as colours by hand: those are none. */
function withoutPalette({ manifest, ownColours }: ViewState): Record<string, string> {
  const palette = tellApart(manifest.organs.map(({ id }) => id));
  const own = (id: string) => (ownColours[id] === palette[id] ? undefined : ownColours[id]);
  return Object.fromEntries(manifest.organs.map(({ id, colour }) => [id, own(id) ?? colour]));
}

function recoloured(state: ViewState, colours: Readonly<Record<string, string>>): ViewState["organs"] {
  const organs = { ...state.organs };
  for (const [id, colour] of Object.entries(colours)) {
    const known = Object.hasOwn(organs, id) ? organs[id] : undefined;
    if (known && isColour(colour)) organs[id] = { ...known, colour };
  }
  return organs;
}
