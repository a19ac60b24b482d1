// Bricks of the scan and of its labels: fetched in runs, kept compressed up to a stated size, decoded by workers.
import type { BrickEntry, BrickLevel } from "../model/manifest.ts";
import type { BrickShape } from "./brick_codec.ts";
import type { BrickAnswer, BrickOrder, BrickWish, TextureForm } from "./brick_worker.ts";
import { LoadFailed } from "./ranges.ts";

/** Bytes of a file of the build; rejects with words for a person. */
export type FetchRange = (file: string, offset: number, bytes: number, signal?: AbortSignal) => Promise<Uint8Array<ArrayBuffer>>;

/** What the page may keep of bricks besides its textures, in bytes. */
export interface BrickMemory {
  readonly compressed: number;
  readonly decoded: number;
}
export const BRICK_MEMORY: Readonly<Record<"desktop" | "phone", BrickMemory>> = {
  desktop: { compressed: 96 << 20, decoded: 32 << 20 },
  phone: { compressed: 16 << 20, decoded: 6 << 20 },
};

/** Neighbours in a file that lie closer than this are fetched as one. */
const GAP = 32 << 10;
const LONGEST_RUN = 2 << 20;

/** What was used last stays; the rest goes when the sum passes the limit. */
export class ByteCache<T extends { readonly byteLength: number }> {
  readonly limit: number;
  #kept = new Map<string, T>();
  #bytes = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): T | undefined {
    const found = this.#kept.get(key);
    if (found) {
      this.#kept.delete(key);
      this.#kept.set(key, found);
    }
    return found;
  }

  set(key: string, value: T): void {
    this.delete(key);
    if (value.byteLength > this.limit) return;
    this.#kept.set(key, value);
    this.#bytes += value.byteLength;
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= this.limit) break;
      this.#kept.delete(oldest);
      this.#bytes -= old.byteLength;
    }
  }

  delete(key: string): void {
    this.#bytes -= this.#kept.get(key)?.byteLength ?? 0;
    this.#kept.delete(key);
  }

  clear(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }
}

/** Where brick `index` of a level stands in its grid: slice, row, column. */
export function brickPlace(level: BrickLevel, index: number): BrickShape {
  const [, rows, columns] = level.grid;
  return [Math.floor(index / (rows * columns)), Math.floor(index / columns) % rows, index % columns];
}

/** Bricks at the far edges are smaller. */
export function brickShape(level: BrickLevel, index: number): BrickShape {
  const along = (axis: 0 | 1 | 2): number =>
    Math.min(level.brick, level.shape[axis] - brickPlace(level, index)[axis] * level.brick);
  return [along(0), along(1), along(2)];
}

/** Which brick holds a voxel, and where in it. */
export function brickOf(level: BrickLevel, [slice, row, column]: BrickShape): { index: number; place: number } | undefined {
  const [S, R, C] = level.shape;
  if (slice < 0 || row < 0 || column < 0 || slice >= S || row >= R || column >= C) return undefined;
  const [s, r, c] = [slice, row, column].map((at) => Math.floor(at / level.brick)) as [number, number, number];
  const index = (s * level.grid[1] + r) * level.grid[2] + c;
  const [, rows, columns] = brickShape(level, index);
  const at = (n: number): number => n % level.brick;
  return { index, place: (at(slice) * rows + at(row)) * columns + at(column) };
}

export const voxelsOf = (shape: BrickShape): number => shape[0] * shape[1] * shape[2];

interface Run {
  readonly offset: number;
  readonly end: number;
  readonly indices: readonly number[];
}

/** Bricks that lie side by side in the file, as few fetches. */
export function runsOf(bricks: readonly BrickEntry[], indices: readonly number[]): Run[] {
  const sorted = [...indices].filter((i) => bricks[i]?.[1]).sort((a, b) => bricks[a]![0] - bricks[b]![0]);
  const runs: { offset: number; end: number; indices: number[] }[] = [];
  for (const index of sorted) {
    const [offset, bytes] = bricks[index]!;
    const last = runs.at(-1);
    if (last && offset - last.end <= GAP && offset + bytes - last.offset <= LONGEST_RUN) {
      last.end = Math.max(last.end, offset + bytes);
      last.indices.push(index);
    } else runs.push({ offset, end: offset + bytes, indices: [index] });
  }
  return runs;
}

interface Asked {
  readonly order: BrickOrder;
  readonly resolve: (answer: BrickAnswer) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A few workers, each with one brick at a time, so that what was ordered last can still be ordered otherwise.
 *
 * One that breaks, or whose script never arrives, costs the order that it has; the next order starts another.
 */
export class BrickWorkers {
  readonly #count: number;
  #idle: Worker[] = [];
  readonly #all = new Map<Worker, Asked | undefined>();
  #waiting: Asked[] = [];
  #next = 0;

  constructor(count: number) {
    this.#count = count;
    for (let i = 0; i < count; i++) this.#idle.push(this.#start());
  }

  ask(order: DistributiveOmit<BrickOrder, "id">): Promise<BrickAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ order: { ...order, id: this.#next++ }, resolve, reject });
      this.#go();
    });
  }

  dispose(): void {
    for (const worker of this.#all.keys()) worker.terminate();
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("closed"));
  }

  #start(): Worker {
    const worker = new Worker(new URL("./brick_worker.ts", import.meta.url), { type: "module" });
    this.#all.set(worker, undefined);
    worker.onmessage = ({ data }: MessageEvent<BrickAnswer>): void => {
      const asked = this.#all.get(worker);
      this.#all.set(worker, undefined);
      this.#idle.push(worker);
      asked?.resolve(data);
      this.#go();
    };
    // It may come before the first order: then it is the next order that starts another.
    worker.onerror = (event): void => {
      const asked = this.#all.get(worker);
      worker.terminate();
      this.#all.delete(worker);
      this.#idle = this.#idle.filter((one) => one !== worker);
      asked?.reject(new LoadFailed("program", event.message || "the decoder did not start"));
      this.#go();
    };
    return worker;
  }

  #go(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#all.size < this.#count ? this.#start() : undefined);
      if (!worker) return;
      const asked = this.#waiting.shift()!;
      this.#all.set(worker, asked);
      // Copied, not transferred: the compressed bytes stay in the cache.
      worker.postMessage(asked.order);
    }
  }
}
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export interface Texels {
  readonly texels: Uint16Array | Uint8Array;
  readonly cells: Int16Array;
}

export interface Stored {
  readonly unmeasured: number | null;
  readonly range: readonly [number, number];
}

/** Reads bricks of one build. */
export class BrickReader {
  readonly #fetch: FetchRange;
  readonly #workers: BrickWorkers;
  readonly #compressed: ByteCache<Uint8Array<ArrayBuffer>>;
  readonly #decoded: ByteCache<Int16Array | Uint8Array | Uint16Array>;
  readonly #under_way = new Map<string, Promise<void>>();

  constructor(fetch: FetchRange, memory: BrickMemory, workers: number) {
    this.#fetch = fetch;
    this.#workers = new BrickWorkers(workers);
    this.#compressed = new ByteCache(memory.compressed);
    this.#decoded = new ByteCache(memory.decoded);
  }

  get bytesKept(): number {
    return this.#compressed.bytes + this.#decoded.bytes;
  }

  /** Bring these into the cache, in few fetches. Fails only for those that could not be had, one by one. */
  async bring(level: BrickLevel, indices: readonly number[], signal?: AbortSignal): Promise<void> {
    const missing = indices.filter((i) => !this.#compressed.get(keyOf(level, i)) && !this.#under_way.has(keyOf(level, i)));
    const waits = indices.map((i) => this.#under_way.get(keyOf(level, i)));
    const fetched = runsOf(level.bricks, missing).map((run) => {
      const going = this.#fetch(level.file, run.offset, run.end - run.offset, signal).then((bytes) => {
        for (const index of run.indices) {
          const [offset, length] = level.bricks[index]!;
          this.#compressed.set(keyOf(level, index), bytes.slice(offset - run.offset, offset - run.offset + length));
        }
      });
      for (const index of run.indices) this.#under_way.set(keyOf(level, index), going);
      const done = (): void => run.indices.forEach((index) => this.#under_way.delete(keyOf(level, index)));
      going.then(done, done);
      return going;
    });
    await Promise.all([...waits, ...fetched]);
  }

  async texels(level: BrickLevel, index: number, form: TextureForm, stored: Stored, signal?: AbortSignal): Promise<Texels> {
    const answer = await this.#decodedBy(level, index, { kind: "texels", form, ...stored }, signal);
    if (answer.kind === "texels") return answer;
    throw new Error("another answer");
  }

  async labels(level: BrickLevel, index: number, bytesEach: 1 | 2, signal?: AbortSignal): Promise<Uint8Array | Uint16Array> {
    const answer = await this.#decodedBy(level, index, { kind: "labels", bytesEach }, signal);
    if (answer.kind === "labels") return answer.labels;
    throw new Error("another answer");
  }

  /** The stored integers themselves, for what is said in numbers; `unmeasured` is the one that is no value. */
  async voxels(level: BrickLevel, index: number, unmeasured: number | null, signal?: AbortSignal): Promise<Int16Array> {
    const key = keyOf(level, index);
    const known = this.#decoded.get(key);
    if (known instanceof Int16Array) return known;
    const [, length, min] = level.bricks[index]!;
    let voxels: Int16Array;
    if (length === 0) voxels = new Int16Array(voxelsOf(brickShape(level, index))).fill(min);
    else {
      const answer = await this.#decodedBy(level, index, { kind: "voxels", unmeasured }, signal);
      if (answer.kind !== "voxels") throw new Error("another answer");
      voxels = answer.voxels;
    }
    this.#decoded.set(key, voxels);
    return voxels;
  }

  /** The stored integer at one place of a level (slice, row, column); undefined outside. */
  async voxelAt(level: BrickLevel, place: BrickShape, unmeasured: number | null, signal?: AbortSignal): Promise<number | undefined> {
    const found = brickOf(level, place);
    if (!found) return undefined;
    return (await this.voxels(level, found.index, unmeasured, signal))[found.place];
  }

  /** The label at one place. */
  async labelAt(level: BrickLevel, bytesEach: 1 | 2, place: BrickShape, signal?: AbortSignal): Promise<number | undefined> {
    const found = brickOf(level, place);
    if (!found) return undefined;
    const [, length, min] = level.bricks[found.index]!;
    if (length === 0) return min;
    const key = keyOf(level, found.index);
    const known = this.#decoded.get(key) ?? (await this.labels(level, found.index, bytesEach, signal));
    this.#decoded.set(key, known);
    return known[found.place];
  }

  dispose(): void {
    this.#workers.dispose();
    this.#compressed.clear();
    this.#decoded.clear();
  }

  /** Raises LoadFailed. What was damaged is not kept: whoever tries again fetches it anew. */
  async #decodedBy(level: BrickLevel, index: number, wish: BrickWish, signal?: AbortSignal): Promise<BrickAnswer> {
    const bytes = await this.#bytesOf(level, index, signal);
    const [, , least, greatest] = level.bricks[index]!;
    const expected = { shape: brickShape(level, index), least, greatest, sha256: level.sha256?.[index] ?? null };
    const answer = await this.#workers.ask({ ...wish, ...expected, bytes });
    if (answer.kind !== "damaged") return answer;
    this.#compressed.delete(keyOf(level, index));
    throw new LoadFailed("damaged", answer.why);
  }

  async #bytesOf(level: BrickLevel, index: number, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const key = keyOf(level, index);
    let bytes = this.#compressed.get(key);
    if (!bytes) {
      await this.bring(level, [index], signal);
      bytes = this.#compressed.get(key);
    }
    if (bytes) return bytes;
    // Larger than the whole cache: fetched past it.
    const [offset, length] = level.bricks[index]!;
    return await this.#fetch(level.file, offset, length, signal);
  }
}

const keyOf = (level: BrickLevel, index: number): string => `${level.file} ${index}`;
