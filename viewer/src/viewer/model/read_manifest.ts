// JSON of unknown worth -> a Manifest. What is damaged is left out and named; only what makes the whole useless throws.
import {
  type Estimate, type Group, type Light, type Manifest, type MeshFile, NEWEST_VERSION, type NotFound, type Organ, type Span, type Statistics,
  type TextureFile,
} from "./manifest.ts";
import {
  Flaw, type Json, LeftOut, count, each, file, id, isDigest, isObject, number, numbers, object, perhaps, text, vec3,
} from "./read_json.ts";
import { FARTHEST_MM, LARGEST_VALUE, labelsFile, volumeFile } from "./read_scan.ts";
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

// Above anything that is built; below what makes a browser fall over before it has looked.
const MOST_ORGANS = 500;
const MOST_GROUPS = 500;
const DEEPEST_GROUP = 12;
const MOST_REASONS = 50;
const MOST_EXTREMES = 100;
const MOST_VERTICES = 50_000_000;
/** A cubic metre, and a hundred square metres: above any organ of any patient. */
const LARGEST_ML = 1e6;
const LARGEST_MM2 = 1e8;
const MEAN_ROUNDED = 1e-4;
const MOST_BYTES = 512 * 2 ** 20;
/** Above any photograph that is laid on a model. */
const MOST_TEXTURE_BYTES = 64 * 2 ** 20;

/** Read a parsed scene.json. Raises UnreadableManifest. */
export function readManifest(json: unknown): Manifest {
  try {
    return read(json);
  } catch (fault) {
    throw fault instanceof Flaw ? new UnreadableManifest("not-a-scene") : fault;
  }
}

function read(json: unknown): Manifest {
  if (!isObject(json) || json["format"] !== "plastinate-view") throw new UnreadableManifest("not-a-scene");
  const version = json["version"];
  if (typeof version !== "number" || !Number.isInteger(version) || version < 1)
    throw new UnreadableManifest("not-a-scene");
  if (version > NEWEST_VERSION) throw new UnreadableManifest("newer-version", version);
  const leftOut = new LeftOut();
  const organs = each(json["organs"], "organs", leftOut, onlyOnce(organ), MOST_ORGANS);
  const volume = perhaps(json["volume"], "volume", leftOut, volumeFile);
  const labels = perhaps(json["labels"], "labels", leftOut, labelsFile);
  if (!organs.length && !volume) throw new UnreadableManifest("no-organs");
  return {
    version,
    title: text(json["title"] ?? "", "title"),
    unit: json["unit"] === "px" ? "px" : "mm",
    organs,
    groups: shallow(each(json["groups"] ?? [], "groups", leftOut, group, MOST_GROUPS)),
    notFound: each(json["not_found"] ?? [], "not_found", leftOut, notFound, MOST_ORGANS),
    volume,
    labels,
    // What cannot be understood of it must not make an estimate look like a measurement.
    estimate: json["estimate"] === undefined || json["estimate"] === null ? null : estimate(json["estimate"]),
    leftOut: leftOut.places,
    leftOutCount: leftOut.count,
  };
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

function point(value: unknown, place: string): Vec3 {
  const read = vec3(value, place);
  if (read.some((one) => Math.abs(one) > FARTHEST_MM)) throw new Flaw(place);
  return read;
}

function bounds(value: unknown, place: string): Bounds {
  if (!Array.isArray(value) || value.length !== 2) throw new Flaw(place);
  const low = point(value[0], `${place}[0]`);
  const high = point(value[1], `${place}[1]`);
  if (low[0] > high[0] || low[1] > high[1] || low[2] > high[2]) throw new Flaw(place);
  return [low, high];
}

/** For a good distance only: what makes no sense of them costs no organ. */
function extremes(value: unknown, place: string): readonly Vec3[] | null {
  if (!Array.isArray(value) || value.length < 2 || value.length > MOST_EXTREMES) return null;
  try {
    return value.map((one, index) => point(one, `${place}[${index}]`));
  } catch (fault) {
    if (fault instanceof Flaw) return null;
    throw fault;
  }
}

function colour(value: unknown): string {
  return typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value) ? value.toLowerCase() : "#c9b8a5";
}

/** Its number among the voxels, which have sixteen bits; an organ whose number makes no sense has none. */
const label = (value: unknown): number | null =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 0xffff ? value : null;

const share = (value: unknown): number | null =>
  typeof value === "number" && value >= 0 && value <= 1 ? value : null;

function span(value: unknown, place: string, within: number): Span {
  const [offset = 0, bytes = 0] = numbers(value, place, 2);
  if (count(offset, place) + count(bytes, place) > within) throw new Flaw(place);
  return [offset, bytes];
}

function meshFile(json: Json, place: string): MeshFile {
  const bytes = count(json["bytes"], `${place}.bytes`, MOST_BYTES);
  const streams = object(json["streams"], `${place}.streams`);
  const sha256 = json["sha256"];
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
      places: streams["places"] === undefined ? null : span(streams["places"], `${place}.streams.places`, bytes),
    },
    sha256: isDigest(sha256) ? sha256 : null,
  };
}

/** A figure that is shown as a fact: null where there is none, or where no scan could have it. */
const figure = (value: unknown, most: number): number | null =>
  typeof value === "number" && value >= 0 && value <= most ? value : null;

/** Raises Flaw at the second of a name: the first one stays. */
function onlyOnce(readOne: (json: Json, place: string) => Organ): typeof readOne {
  const known = new Set<string>();
  return (json, place) => {
    const one = readOne(json, place);
    if (known.has(one.id)) throw new Flaw(`${place}.id`);
    known.add(one.id);
    return one;
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
    volumeMl: figure(json["volume_ml"], LARGEST_ML),
    areaMm2: figure(json["area_mm2"], LARGEST_MM2),
    boundsLpsMm: bounds(json["bounds_lps_mm"], `${place}.bounds_lps_mm`),
    centreLpsMm: point(json["centre_lps_mm"], `${place}.centre_lps_mm`),
    extremesLpsMm: extremes(json["extremes_lps_mm"], `${place}.extremes_lps_mm`),
    triangles: count(json["triangles"] ?? coarse.triangles, `${place}.triangles`),
    distanceMeanMm: figure(json["distance_mean_mm"], FARTHEST_MM),
    distanceP95Mm: figure(json["distance_p95_mm"], FARTHEST_MM),
    statistics: hasSenselessLabel ? null : perhaps(json["statistics"], `${place}.statistics`, null, statistics),
    texture: perhaps(json["texture"], `${place}.texture`, null, texture),
    confidence: perhaps(json["confidence"], `${place}.confidence`, null, texture),
    meshes: { coarse, medium: finer("medium"), full: finer("full") },
  };
}

function texture(json: Json, place: string): TextureFile {
  const mediaType = json["media_type"];
  if (mediaType !== "image/jpeg" && mediaType !== "image/png") throw new Flaw(`${place}.media_type`);
  const sha256 = json["sha256"];
  return {
    file: file(json["file"], `${place}.file`),
    bytes: count(json["bytes"], `${place}.bytes`, MOST_TEXTURE_BYTES),
    mediaType,
    sha256: isDigest(sha256) ? sha256 : null,
  };
}

function estimate(json: unknown): Estimate {
  const { invented = "", pictures = 1 } = isObject(json) ? json : {};
  return { invented: typeof invented === "string" ? invented : "", pictures: pictures === 2 ? 2 : 1 };
}

function code(value: unknown): Organ["code"] {
  if (!isObject(value)) return null;
  const { scheme, value: number_, meaning } = value;
  if (typeof scheme !== "string" || typeof number_ !== "string" || typeof meaning !== "string") return null;
  return { scheme, value: number_, meaning };
}

/** All of them or none: where one cannot be, the others are no facts either. */
function statistics(json: Json, place: string): Statistics {
  const of = (name: string, low = -LARGEST_VALUE) => number(json[name], `${place}.${name}`, low, LARGEST_VALUE);
  const found = {
    voxels: count(json["voxels"], `${place}.voxels`),
    mean: of("mean"),
    sd: of("sd", 0),
    min: of("min"),
    max: of("max"),
    p05: of("p05"),
    median: of("median"),
    p95: of("p95"),
  };
  const { min, p05, median, p95, max, mean } = found;
  // The mean is rounded otherwise than the rest.
  const isMeanWithin = mean >= min - MEAN_ROUNDED && mean <= max + MEAN_ROUNDED;
  if (!(min <= p05 && p05 <= median && median <= p95 && p95 <= max && isMeanWithin)) throw new Flaw(place);
  return found;
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
