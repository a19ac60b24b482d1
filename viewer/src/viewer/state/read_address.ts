// The text after # in an address -> wishes that lead to the view it tells of. Read as warily as any input.
import type { TransferPoint } from "../model/transfer.ts";
import type { Bounds, Quaternion, Vec3 } from "../model/vectors.ts";
import { dot, normal, unit } from "../model/vectors.ts";
import type { Intent } from "./intents.ts";
import { type ClipPlane, LAYOUTS, MOST_PLANES, MOST_POINTS, type ViewState } from "./view_state.ts";

const LARGEST = 1e7;
const FARTHEST_MM = 1e5;
const THICKEST_MM = 200;
const SLABS = ["mean", "mip", "minip"] as const;

/** What the text says under a name, and whether anything of it made no sense. */
class Said {
  readonly of: URLSearchParams;
  isSenseless = false;
  constructor(text: string) {
    this.of = new URLSearchParams(text);
  }

  /** As many numbers, none beyond the limit; undefined where there are none or they make no sense. */
  numbers(name: string, count: number, most = LARGEST): number[] | undefined {
    const text = this.of.get(name);
    return text === null ? undefined : this.sense(numbersIn(text, count, most));
  }

  each<T>(name: string, read: (text: string) => T | undefined): T[] {
    return this.of.getAll(name).flatMap((text) => {
      const value = this.sense(read(text));
      return value === undefined ? [] : [value];
    });
  }

  sense<T>(value: T | undefined): T | undefined {
    if (value === undefined) this.isSenseless = true;
    return value;
  }
}

/** What makes no sense is left out, and that is said; an address that tells of no view leads nowhere. */
export function fromAddress(address: string, state: ViewState): Intent[] {
  const said = new Said(address.replace(/^#/, ""));
  if (!said.of.has("camera")) return [];
  const intents = [...cameraOf(said), ...organsOf(said, state), ...clipOf(said, state), ...scanOf(said, state)];
  if (said.isSenseless)
    intents.push({ type: "notice", notice: { id: "link", key: "link-senseless", places: {}, kind: "warn", retry: null } });
  return intents;
}

function cameraOf(said: Said): Intent[] {
  const [x = 0, y = 0, z = 0, qx = 0, qy = 0, qz = 0, qw = 0, distanceMm = 0] = said.numbers("camera", 8) ?? [];
  const isTurn = Math.hypot(qx, qy, qz, qw) > 0.1;
  const isNear = Math.max(Math.abs(x), Math.abs(y), Math.abs(z), distanceMm) <= FARTHEST_MM;
  if (!(distanceMm > 0) || !isTurn || !isNear) {
    said.isSenseless = true;
    return [];
  }
  // A link is kept short: its turn is rounded, and has to be of length one again.
  const turn: Quaternion = normal([qx, qy, qz, qw]);
  return [{ type: "camera", camera: { targetLpsMm: [x, y, z], turn, distanceMm } }];
}

/** An organ that this build does not have is no nonsense: the link may be an older one. */
function organsOf(said: Said, state: ViewState): Intent[] {
  const known = knownIn(state);
  const intents: Intent[] = [{ type: "show-all", isShown: true }];
  intents.push({ type: "show", ids: (said.of.get("hidden") ?? "").split(",").filter(known), isShown: false });
  for (const [id, opacity] of said.each("opacity", (text) => pair(text, (value) => within(value, 0, 1))))
    if (known(id)) intents.push({ type: "opacity", ids: [id], opacity });
  for (const [id, colour] of said.each("colour", (text) => pair(text, colourIn))) if (known(id)) intents.push({ type: "colour", id, colour });
  const [alone, chosen] = [said.of.get("alone"), said.of.get("chosen")];
  if (known(alone)) intents.push({ type: "solo", id: alone });
  if (known(chosen)) intents.push({ type: "select", id: chosen });
  const names = said.of.get("names");
  if (names === "0" || names === "1") intents.push({ type: "labels", hasLabels: names === "1" });
  if (said.of.get("paint") === "confidence") intents.push({ type: "paint", paint: "confidence" });
  return intents;
}

function clipOf(said: Said, state: ViewState): Intent[] {
  const known = knownIn(state);
  const planes = said.each("cut", (text) => planeIn(text, known)).slice(0, MOST_PLANES);
  const intents = planes.map((plane, index): Intent => ({ type: "clip-add", plane: { ...plane, id: String(index + 1) } }));
  if (said.of.has("box")) {
    const box = said.sense(boxOf(said.numbers("box", 6, FARTHEST_MM)));
    if (box) intents.push({ type: "clip-box", box });
  }
  if (said.of.get("grey-cuts") === "0") intents.push({ type: "clip-scan", hasScan: false });
  return intents;
}

function planeIn(text: string, known: (id: string) => boolean): Omit<ClipPlane, "id"> | undefined {
  const [place = "", scope] = text.split(":", 2);
  const [a = 0, b = 0, c = 0, offsetMm = 0, isFlipped = 0] = numbersIn(place, 5, FARTHEST_MM) ?? [];
  const long = Math.hypot(a, b, c);
  if (!(long > 0.5 && long < 2)) return undefined;
  const organs = scope?.split(",").filter(known) ?? [];
  return { normal: unit([a, b, c]), offsetMm, isFlipped: isFlipped === 1, scope: organs.length ? organs : "all" };
}

function scanOf(said: Said, state: ViewState): Intent[] {
  if (!state.manifest.volume) return [];
  const intents: Intent[] = [];
  const at = said.numbers("at", 3, FARTHEST_MM) as Vec3 | undefined;
  if (at) intents.push({ type: "slices", change: { crosshairLpsMm: at } });
  const [windowCentre, windowWidth = 1] = said.numbers("window", 2) ?? [];
  if (!(windowWidth > 0)) said.isSenseless = true;
  else if (windowCentre !== undefined) intents.push({ type: "slices", change: { windowCentre, windowWidth } });
  const across = said.numbers("oblique", 3) as Vec3 | undefined;
  if (across && !(dot(across, across) > 0.25)) said.isSenseless = true;
  else if (across) intents.push({ type: "slices", change: { obliqueNormal: unit(across) } });
  const slab = said.of.has("slab") ? said.sense(slabIn(said.of.get("slab") ?? "")) : undefined;
  if (slab) intents.push({ type: "slices", change: { slab } });
  const off = (said.of.get("without") ?? "").split(",");
  if (off.includes("tint")) intents.push({ type: "slices", change: { overlay: false } });
  if (off.includes("outline")) intents.push({ type: "slices", change: { outline: false } });
  if (said.of.get("planes") === "1") intents.push({ type: "slices", change: { isIn3d: true } });
  if (said.of.has("layout")) {
    const layout = said.sense(LAYOUTS.find((one) => one === said.of.get("layout")));
    if (layout) intents.push({ type: "layout", layout });
  }
  return [...intents, ...volumeOf(said)];
}

function volumeOf(said: Said): Intent[] {
  const text = said.of.get("volume");
  if (text === null) return [];
  const [mode, presetId = "", light] = text.split(",");
  if (mode !== "mip" && mode !== "composite") {
    said.isSenseless = true;
    return [];
  }
  const curve = said.of.get("curve");
  const transferPoints = curve === null ? undefined : said.sense(pointsIn(curve));
  const look = transferPoints ? { presetId: "", transferPoints } : { presetId: presetId.slice(0, 60) };
  return [{ type: "volume", change: { isShown: true, mode, lighting: light !== "flat", ...look } }];
}

/** "-20*6b2f26*0_60*c9705c*0.08": value, colour and density of each point, in the order of their values. */
function pointsIn(text: string): TransferPoint[] | undefined {
  const points = text.split("_", MOST_POINTS + 1).map((one): TransferPoint | undefined => {
    const [value, colour = "", opacity, ...more] = one.split("*", 4);
    const [v, c, o] = [within(value, -LARGEST, LARGEST), colourIn(colour), within(opacity, 0, 1)];
    return v === undefined || c === undefined || o === undefined || more.length ? undefined : { value: v, colour: c, opacity: o };
  });
  const all = points.flatMap((one) => one ?? []);
  const isRising = all.every((one, index) => one.value >= (all[index - 1]?.value ?? -Infinity));
  return all.length === points.length && all.length >= 2 && all.length <= MOST_POINTS && isRising ? all : undefined;
}

function slabIn(text: string): ViewState["slices"]["slab"] | undefined {
  const [name, thick] = text.split(",");
  const mode = SLABS.find((one) => one === name);
  const mm = within(thick, 0, THICKEST_MM);
  return mode && mm !== undefined ? { mode, mm } : undefined;
}

const knownIn =
  ({ organs }: ViewState) =>
  (id: string | null): id is string =>
    id !== null && Object.hasOwn(organs, id);

function pair<T>(text: string, read: (value: string) => T | undefined): [string, T] | undefined {
  const at = text.lastIndexOf(":");
  const value = at > 0 ? read(text.slice(at + 1)) : undefined;
  return value === undefined ? undefined : [text.slice(0, at), value];
}

function numbersIn(text: string, count: number, most: number): number[] | undefined {
  const all = text.split(",").map((one) => within(one, -most, most));
  return all.length === count && all.every((one) => one !== undefined) ? (all as number[]) : undefined;
}

function within(text: string | undefined, low: number, high: number): number | undefined {
  const value = text?.trim() ? Number(text) : Number.NaN;
  return value >= low && value <= high ? value : undefined;
}

const colourIn = (text: string): string | undefined => (/^[0-9a-f]{6}$/i.test(text) ? `#${text.toLowerCase()}` : undefined);

function boxOf(n: readonly number[] | undefined): Bounds | undefined {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = n ?? [];
  return a < d && b < e && c < f ? [[a, b, c], [d, e, f]] : undefined;
}
