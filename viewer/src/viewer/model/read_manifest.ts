// JSON of unknown worth -> a Manifest. What is damaged is left out and named; only what makes the whole useless throws.
import {
  type BrickEntry,
  type BrickLevel,
  type Group,
  type LabelsFile,
  type Light,
  type Manifest,
  type MeshFile,
  NEWEST_VERSION,
  type NotFound,
  type Organ,
  type Span,
  type Statistics,
  type VolumeFile,
} from "./manifest.ts";
import { inverse } from "./affine.ts";
import type { Bounds, Vec3 } from "./vectors.ts";

export type ManifestFlaw = "not-a-scene" | "newer-version" | "no-organs";

export class UnreadableManifest extends Error {
  readonly flaw: ManifestFlaw;
  readonly version: number;
  constructor(flaw: ManifestFlaw, version = 0) {
    super(`unreadable scene: ${flaw} ${version}`);
    this.flaw = flaw;
    this.version = version;
  }
}

/** A part that is not what it should be; the place is a path in the JSON. */
class Flaw extends Error {}

type Json = Readonly<Record<string, unknown>>;

// Above anything that is built; below what makes a browser fall over before it has looked.
const MOST_ORGANS = 500;
const MOST_GROUPS = 500;
const DEEPEST_GROUP = 12;
const MOST_REASONS = 50;
const MOST_VERTICES = 50_000_000;
const MOST_BYTES = 512 * 2 ** 20;
const LONGEST_NAME = 300;
/** Nobody is farther from the origin of his scan. */
const FARTHEST_MM = 1e5;
// Of the scan: shaders count in bricks of this edge; the rest keeps a lying scene from filling the memory.
const BRICK_EDGE = 64;
const LONGEST_EDGE = 2 ** 15;
const MOST_VOXELS = 2 ** 33;
const MOST_LEVELS = 12;
const MOST_BRICKS = 300_000;
const LAST_EDGE = 160;
const LARGEST_VALUE = 1e7;
const MOST_SAID = 100;

/** What was left out: how many in all, and where the first of them stand. */
class LeftOut {
  readonly places: string[] = [];
  count = 0;
  add(place: string, count = 1): void {
    this.count += count;
    if (this.places.length < MOST_SAID) this.places.push(place);
  }
}

/** Read a parsed scene.json. Raises UnreadableManifest. */
export function readManifest(json: unknown): Manifest {
  if (!isObject(json) || json["format"] !== "plastinate-view") throw new UnreadableManifest("not-a-scene");
  const version = json["version"];
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1)
    throw new UnreadableManifest("not-a-scene");
  if (version > NEWEST_VERSION) throw new UnreadableManifest("newer-version", version);
  const leftOut = new LeftOut();
  const organs = each(json["organs"], "organs", leftOut, organ, MOST_ORGANS);
  const known = new Set<string>();
  const unique = organs.filter((one) => !known.has(one.id) && known.add(one.id));
  const volume = perhaps(json["volume"], "volume", leftOut, volumeFile);
  const labels = perhaps(json["labels"], "labels", leftOut, labelsFile);
  if (!unique.length && !volume) throw new UnreadableManifest("no-organs");
  return {
    version,
    title: text(json["title"] ?? "", "title"),
    unit: json["unit"] === "px" ? "px" : "mm",
    organs: unique,
    groups: shallow(each(json["groups"] ?? [], "groups", leftOut, group, MOST_GROUPS)),
    notFound: each(json["not_found"] ?? [], "not_found", leftOut, notFound, MOST_ORGANS),
    volume,
    labels,
    leftOut: leftOut.places,
    leftOutCount: leftOut.count,
  };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function object(value: unknown, place: string): Json {
  if (!isObject(value)) throw new Flaw(place);
  return value;
}

/** Every entry that can be read; those that cannot are named. */
function each<T>(
  value: unknown,
  place: string,
  leftOut: LeftOut,
  read: (json: Json, place: string) => T,
  most: number,
): T[] {
  if (!Array.isArray(value)) {
    leftOut.add(place);
    return [];
  }
  if (value.length > most) leftOut.add(`${place}[${most}]`, value.length - most);
  return value.slice(0, most).flatMap((one: unknown, index) => {
    const read_ = perhaps(one, `${place}[${index}]`, leftOut, read);
    if (read_ === null && (one === null || one === undefined)) leftOut.add(`${place}[${index}]`);
    return read_ === null ? [] : [read_];
  });
}

/** A group that stands too deep, or in a circle, stands at the top. */
function shallow(groups: readonly Group[]): Group[] {
  const parents = new Map(groups.map(({ id, parent }) => [id, parent]));
  return groups.map((one) => {
    let depth = 0;
    for (let at = one.parent; at !== null && depth <= DEEPEST_GROUP; at = parents.get(at) ?? null) depth += 1;
    return depth > DEEPEST_GROUP ? { ...one, parent: null } : one;
  });
}

function perhaps<T>(
  value: unknown,
  place: string,
  leftOut: LeftOut | null,
  read: (json: Json, place: string) => T,
): T | null {
  if (value === null || value === undefined) return null;
  try {
    return read(object(value, place), place);
  } catch (flaw) {
    if (!(flaw instanceof Flaw)) throw flaw;
    leftOut?.add(flaw.message);
    return null;
  }
}

function text(value: unknown, place: string): string {
  if (typeof value !== "string") throw new Flaw(place);
  return value.length > LONGEST_NAME ? `${value.slice(0, LONGEST_NAME - 1)}…` : value;
}

function number(value: unknown, place: string, low = -Infinity, high = Infinity): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < low || value > high) throw new Flaw(place);
  return value;
}

function count(value: unknown, place: string, high = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isInteger(value)) throw new Flaw(place);
  return number(value, place, 0, high);
}

function numberOrNull(value: unknown, place: string): number | null {
  return value === null || value === undefined ? null : number(value, place);
}

function numbers(value: unknown, place: string, long: number): number[] {
  if (!Array.isArray(value) || value.length !== long) throw new Flaw(place);
  return value.map((one: unknown, index) => number(one, `${place}[${index}]`));
}

function vec3(value: unknown, place: string): Vec3 {
  const [x = 0, y = 0, z = 0] = numbers(value, place, 3);
  return [x, y, z];
}

function point(value: unknown, place: string): Vec3 {
  const read = vec3(value, place);
  if (read.some((one) => Math.abs(one) > FARTHEST_MM)) throw new Flaw(place);
  return read;
}

/** What may be a key and a part of an address; never a name that every object has. */
function id(value: unknown, place: string): string {
  if (typeof value !== "string" || !/^[\w.:-]{1,100}$/.test(value) || value in {}) throw new Flaw(place);
  return value;
}

function bounds(value: unknown, place: string): Bounds {
  if (!Array.isArray(value) || value.length !== 2) throw new Flaw(place);
  const low = point(value[0], `${place}[0]`);
  const high = point(value[1], `${place}[1]`);
  if (low[0] > high[0] || low[1] > high[1] || low[2] > high[2]) throw new Flaw(place);
  return [low, high];
}

function colour(value: unknown): string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : "#c9b8a5";
}

/** Its number among the voxels, which have sixteen bits; an organ whose number makes no sense has none. */
const label = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 0xffff ? value : null;

const share = (value: unknown): number | null =>
  typeof value === "number" && value >= 0 && value <= 1 ? value : null;

/** A file beside scene.json: never another address. */
function file(value: unknown, place: string): string {
  const name = text(value, place);
  if (!/^view\/\w[\w.-]*$/.test(name)) throw new Flaw(place);
  return name;
}

function span(value: unknown, place: string, within: number): Span {
  const [offset = 0, bytes = 0] = numbers(value, place, 2);
  if (count(offset, place) + count(bytes, place) > within) throw new Flaw(place);
  return [offset, bytes];
}

function meshFile(json: Json, place: string): MeshFile {
  const bytes = count(json["bytes"], `${place}.bytes`, MOST_BYTES);
  const streams = object(json["streams"], `${place}.streams`);
  const hash = json["sha256"];
  return {
    file: file(json["file"], `${place}.file`),
    offset: count(json["offset"], `${place}.offset`),
    bytes,
    vertices: count(json["vertices"], `${place}.vertices`, MOST_VERTICES),
    triangles: count(json["triangles"], `${place}.triangles`, MOST_VERTICES),
    origin: point(json["origin"], `${place}.origin`),
    step: number(json["step"], `${place}.step`, 1e-6, 100),
    streams: {
      positions: span(streams["positions"], `${place}.streams.positions`, bytes),
      normals: span(streams["normals"], `${place}.streams.normals`, bytes),
      indices: span(streams["indices"], `${place}.streams.indices`, bytes),
    },
    sha256: typeof hash === "string" && /^[0-9a-f]{64}$/.test(hash) ? hash : null,
  };
}

function organ(json: Json, place: string): Organ {
  const meshes = object(json["meshes"], `${place}.meshes`);
  const coarse = meshFile(object(meshes["coarse"], `${place}.meshes.coarse`), `${place}.meshes.coarse`);
  // A finer mesh that cannot be understood costs its detail alone.
  const finer = (level: string) => perhaps(meshes[level], `${place}.meshes.${level}`, null, meshFile);
  const light = json["light"];
  const number_ = label(json["label"]);
  const hasSenselessLabel = number_ === null && (json["label"] ?? null) !== null;
  const reasons = Array.isArray(json["reasons"]) ? json["reasons"].slice(0, MOST_REASONS) : [];
  return {
    id: id(json["id"], `${place}.id`),
    name: text(json["name"], `${place}.name`),
    code: code(json["code"]),
    side: json["side"] === "left" || json["side"] === "right" ? json["side"] : null,
    parent: typeof json["parent"] === "string" ? json["parent"] : null,
    colour: colour(json["colour"]),
    opacity: share(json["opacity"]),
    label: number_,
    hasSenselessLabel,
    // A light that is unknown is no green one.
    light: light === "green" || light === "amber" || light === "red" ? (light satisfies Light) : "red",
    reasons: reasons.filter((one): one is string => typeof one === "string"),
    volumeMl: numberOrNull(json["volume_ml"], `${place}.volume_ml`),
    areaMm2: numberOrNull(json["area_mm2"], `${place}.area_mm2`),
    boundsLpsMm: bounds(json["bounds_lps_mm"], `${place}.bounds_lps_mm`),
    centreLpsMm: point(json["centre_lps_mm"], `${place}.centre_lps_mm`),
    triangles: count(json["triangles"] ?? coarse.triangles, `${place}.triangles`),
    distanceMeanMm: numberOrNull(json["distance_mean_mm"], `${place}.distance_mean_mm`),
    distanceP95Mm: numberOrNull(json["distance_p95_mm"], `${place}.distance_p95_mm`),
    statistics: hasSenselessLabel ? null : perhaps(json["statistics"], `${place}.statistics`, null, statistics),
    meshes: { coarse, medium: finer("medium"), full: finer("full") },
  };
}

function code(value: unknown): Organ["code"] {
  if (!isObject(value)) return null;
  const { scheme, value: number_, meaning } = value;
  if (typeof scheme !== "string" || typeof number_ !== "string" || typeof meaning !== "string") return null;
  return { scheme, value: number_, meaning };
}

function statistics(json: Json, place: string): Statistics {
  const of = (name: string) => number(json[name], `${place}.${name}`);
  return {
    voxels: count(json["voxels"], `${place}.voxels`),
    mean: of("mean"),
    sd: of("sd"),
    min: of("min"),
    max: of("max"),
    p05: of("p05"),
    median: of("median"),
    p95: of("p95"),
  };
}

function group(json: Json, place: string): Group {
  return {
    id: id(json["id"], `${place}.id`),
    name: text(json["name"], `${place}.name`),
    parent: typeof json["parent"] === "string" ? json["parent"] : null,
  };
}

function notFound(json: Json, place: string): NotFound {
  return {
    id: id(json["id"], `${place}.id`),
    name: text(json["name"], `${place}.name`),
    reason: text(json["reason"], `${place}.reason`),
  };
}

function level(json: Json, place: string): BrickLevel {
  const shape = vec3(json["shape"], `${place}.shape`);
  const grid = vec3(json["grid"], `${place}.grid`);
  const brick = count(json["brick"], `${place}.brick`, BRICK_EDGE);
  const isFitting = shape.every(
    (long, axis) =>
      Number.isInteger(long) && long > 0 && long <= LONGEST_EDGE && brick === BRICK_EDGE && grid[axis] === Math.ceil(long / brick),
  );
  if (!isFitting || shape[0] * shape[1] * shape[2] > MOST_VOXELS) throw new Flaw(`${place}.grid`);
  const rows = json["index_to_lps"];
  if (!Array.isArray(rows) || rows.length !== 4) throw new Flaw(`${place}.index_to_lps`);
  const indexToLps = rows.flatMap((row: unknown, index) => numbers(row, `${place}.index_to_lps[${index}]`, 4));
  if (indexToLps.some((one) => Math.abs(one) > FARTHEST_MM) || !inverse(indexToLps)) throw new Flaw(`${place}.index_to_lps`);
  const entries = json["bricks"];
  if (!Array.isArray(entries) || entries.length !== grid[0] * grid[1] * grid[2]) throw new Flaw(`${place}.bricks`);
  return {
    file: file(json["file"], `${place}.file`),
    shape,
    indexToLps,
    brick,
    grid,
    bricks: entries.map((entry: unknown, index): BrickEntry => {
      const [offset = 0, bytes = 0, min = 0, max = 0] = numbers(entry, `${place}.bricks[${index}]`, 4);
      return [count(offset, place), count(bytes, place), min, max];
    }),
  };
}

function levels(value: unknown, place: string): BrickLevel[] {
  if (!Array.isArray(value) || !value.length || value.length > MOST_LEVELS) throw new Flaw(place);
  const read = value.map((one: unknown, index) => level(object(one, `${place}[${index}]`), `${place}[${index}]`));
  if (read.reduce((sum, one) => sum + one.bricks.length, 0) > MOST_BRICKS) throw new Flaw(place);
  // The last one is fetched whole and at once, on every device.
  if (Math.max(...(read.at(-1)?.shape ?? [])) > LAST_EDGE) throw new Flaw(place);
  return read;
}

function volumeFile(json: Json, place: string): VolumeFile {
  const [low = 0, high = 0] = numbers(json["range"], `${place}.range`, 2);
  const most = (value: unknown, where: string): number => number(value, where, -LARGEST_VALUE, LARGEST_VALUE);
  if (!(low <= high) || Math.abs(low) > LARGEST_VALUE || Math.abs(high) > LARGEST_VALUE) throw new Flaw(`${place}.range`);
  const by = number(json["scale"] ?? 1, `${place}.scale`);
  if (!(Math.abs(by) >= 1e-9 && Math.abs(by) <= 1e9)) throw new Flaw(`${place}.scale`);
  const unmeasured = numberOrNull(json["unmeasured"], `${place}.unmeasured`);
  if (unmeasured !== null && !(Number.isInteger(unmeasured) && Math.abs(unmeasured) <= 32768)) throw new Flaw(`${place}.unmeasured`);
  if ((json["dtype"] ?? "int16") !== "int16") throw new Flaw(`${place}.dtype`);
  const window = object(json["window"], `${place}.window`);
  return {
    quantity: json["quantity"] === "HU" ? "HU" : "a.u.",
    dtype: "int16",
    range: [low, high],
    unmeasured,
    scale: by,
    offset: most(json["offset"] ?? 0, `${place}.offset`),
    window: {
      centre: most(window["centre"], `${place}.window.centre`),
      width: number(window["width"], `${place}.window.width`, 1e-9, LARGEST_VALUE),
    },
    levels: levels(json["levels"], `${place}.levels`),
  };
}

function labelsFile(json: Json, place: string): LabelsFile {
  if (json["dtype"] !== undefined && json["dtype"] !== "uint8" && json["dtype"] !== "uint16") throw new Flaw(`${place}.dtype`);
  return {
    dtype: typeof json["dtype"] === "string" ? json["dtype"] : "uint8",
    levels: levels(json["levels"], `${place}.levels`),
  };
}
