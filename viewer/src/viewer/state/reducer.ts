// A state and a wish -> the next state. Nothing else makes one; nothing is changed in place.
import { POINTS_OF, measured } from "../model/measure.ts";
import type { Intent } from "./intents.ts";
import { MOST_PLANES, type Measurement, type OrganState, type ViewState, hasMillimetres } from "./view_state.ts";

const MOST_MEASUREMENTS = 500;
const LONGEST_NAME = 120;

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
      return isColour(intent.colour) ? { ...state, organs: changed(state, [intent.id], { colour: intent.colour }) } : state;
    case "recolour":
      return { ...state, organs: recoloured(state, intent.colours) };
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
      return { ...state, measurements: state.measurements.filter((one) => one.id !== intent.id) };
    case "measures-load":
      return { ...state, measurements: intent.measurements.slice(0, MOST_MEASUREMENTS), keptIds: new Set(intent.keptIds) };
    default:
      return undefined;
  }
}

/** One more point; the last one that a measurement needs makes it. */
function withPoint(state: ViewState, point: Extract<Intent, { type: "measure-point" }>): ViewState {
  const kind = state.tool;
  // Without millimetres there is nothing to say, not even an angle: pixels need not be square.
  if ((kind !== "distance" && kind !== "angle") || !hasMillimetres(state)) return state;
  const points = [...state.pendingLpsMm, point.pointLpsMm];
  if (points.length < POINTS_OF[kind]) return { ...state, pendingLpsMm: points };
  const value = measured(kind, points);
  if (!Number.isFinite(value) || state.measurements.length >= MOST_MEASUREMENTS) return { ...state, pendingLpsMm: [] };
  const done: Measurement = {
    id: point.id,
    kind,
    name: point.name,
    pointsLpsMm: points,
    value,
    unit: kind === "distance" ? "mm" : "deg",
  };
  return { ...state, pendingLpsMm: [], measurements: [...state.measurements, done] };
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

function recoloured(state: ViewState, colours: Readonly<Record<string, string>>): ViewState["organs"] {
  const organs = { ...state.organs };
  for (const [id, colour] of Object.entries(colours)) {
    const known = Object.hasOwn(organs, id) ? organs[id] : undefined;
    if (known && isColour(colour)) organs[id] = { ...known, colour };
  }
  return organs;
}
