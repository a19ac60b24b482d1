// The part of a scene's list that tells of the scan and its labels: read warily, refused as a whole where it lies.
import { inverse } from "./affine.ts";
import type { BrickEntry, BrickLevel, LabelsFile, VolumeFile } from "./manifest.ts";
import { Flaw, type Json, count, file, isDigest, number, numberOrNull, numbers, object, vec3 } from "./read_json.ts";

// Of the scan: shaders count in bricks of this edge; the rest keeps a lying scene from filling the memory.
const BRICK_EDGE = 64;
const LONGEST_EDGE = 2 ** 15;
const MOST_VOXELS = 2 ** 33;
const MOST_LEVELS = 12;
const MOST_BRICKS = 300_000;
const LAST_EDGE = 160;
export const LARGEST_VALUE = 1e7;
/** A brick's voxels, two bytes each, and more than any packing adds. */
const MOST_BRICK_BYTES = 2 ** 20;
/** What a stored number of these types can be. */
const STORED = { int16: [-32768, 32767], uint8: [0, 255], uint16: [0, 65535] } as const;
type Stored = keyof typeof STORED;
/** Nobody is farther from the origin of his scan. */
export const FARTHEST_MM = 1e5;

/** Raises Flaw where its least and greatest are none of its type, or the wrong way round. */
function brickEntry(value: unknown, place: string, [low, high]: readonly [number, number]): BrickEntry {
  const [offset, bytes, least, greatest] = numbers(value, place, 4) as [number, number, number, number];
  const areStored = Number.isInteger(least) && Number.isInteger(greatest) && low <= least && least <= greatest && greatest <= high;
  // Without bytes all voxels are alike.
  if (!areStored || (bytes === 0 && least !== greatest)) throw new Flaw(place);
  return [count(offset, place), count(bytes, place, MOST_BRICK_BYTES), least, greatest];
}

/** Of each brick that has bytes; raises Flaw where one is missing, since what is not checked would pass as whole. */
function digests(value: unknown, place: string, bricks: readonly BrickEntry[]): (string | null)[] {
  if (!Array.isArray(value) || value.length !== bricks.length) throw new Flaw(place);
  return value.map((one: unknown, index) => {
    if (bricks[index]?.[1] === 0) return null;
    if (!isDigest(one)) throw new Flaw(`${place}[${index}]`);
    return one;
  });
}

function level(json: Json, place: string, dtype: Stored): BrickLevel {
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
  const entries: unknown = json["bricks"];
  if (!Array.isArray(entries) || entries.length !== grid[0] * grid[1] * grid[2]) throw new Flaw(`${place}.bricks`);
  const bricks = entries.map((entry: unknown, index) => brickEntry(entry, `${place}.bricks[${index}]`, STORED[dtype]));
  return {
    file: file(json["file"], `${place}.file`),
    shape,
    indexToLps,
    brick,
    grid,
    bricks,
    ...(json["sha256"] === undefined ? {} : { sha256: digests(json["sha256"], `${place}.sha256`, bricks) }),
  };
}

function levels(value: unknown, place: string, dtype: Stored): BrickLevel[] {
  if (!Array.isArray(value) || !value.length || value.length > MOST_LEVELS) throw new Flaw(place);
  const read = value.map((one: unknown, index) => level(object(one, `${place}[${index}]`), `${place}[${index}]`, dtype));
  if (read.reduce((sum, one) => sum + one.bricks.length, 0) > MOST_BRICKS) throw new Flaw(place);
  // The last one is fetched whole and at once, on every device.
  if (Math.max(...(read.at(-1)?.shape ?? [])) > LAST_EDGE) throw new Flaw(place);
  return read;
}

export function volumeFile(json: Json, place: string): VolumeFile {
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
    levels: levels(json["levels"], `${place}.levels`, "int16"),
  };
}

export function labelsFile(json: Json, place: string): LabelsFile {
  const dtype = json["dtype"] ?? "uint8";
  if (dtype !== "uint8" && dtype !== "uint16") throw new Flaw(`${place}.dtype`);
  return { dtype, levels: levels(json["levels"], `${place}.levels`, dtype) };
}
