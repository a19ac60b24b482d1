// The scan on the graphics card: the whole of it coarsely and at once, then finely, brick by brick, where it is seen.
import { type Data3DTexture, Matrix4, Vector3, type WebGLRenderer } from "three";
import { type BrickReader, brickPlace, brickShape, type Texels, voxelsOf } from "../loading/bricks.ts";
import { BrickStream, type BrickWish } from "../loading/brick_stream.ts";
import { asBytes, asHalves, cellRanges, UNMEASURED_HALF } from "../loading/brick_codec.ts";
import type { LoadFlaw } from "../loading/ranges.ts";
import { type Affine, applied, appliedToDirection, chained, forColumnsFirst, inverse, spacings } from "../model/affine.ts";
import { isAnyShown, type ShownValues } from "../model/cells.ts";
import type { BrickLevel, VolumeFile } from "../model/manifest.ts";
import { dot, length, subtract, type Vec3 } from "../model/vectors.ts";
import { BrickTexture, bytesOfTexel, emptyTexture } from "./brick_texture.ts";
import { ScanCells } from "./scan_cells.ts";

/** Most bytes of the 3D texture of the scan, and its longest edge. */
export const TEXTURE_BUDGET = {
  desktop: { form: "r16f", bytes: 448 << 20, edge: 2048 },
  phone: { form: "r8", bytes: 16 << 20, edge: 256 },
} as const;

const CELLS_EVERY_MS = 200;
/** Nothing written for so long: what is there is worth a fine picture, though more may come. */
const SHARPENING_MS = 1500;

/** The finest level that fits; the coarsest where none does. */
export function levelWithin(levels: readonly BrickLevel[], bytesEach: number, bytes: number, edge: number): BrickLevel | undefined {
  return levels.find((l) => voxelsOf(l.shape) * bytesEach <= bytes && Math.max(...l.shape) <= edge) ?? levels.at(-1);
}

/** What is looked at, so that it sharpens first. */
export interface Wish {
  readonly planes: readonly { readonly point: Vec3; readonly normal: Vec3 }[];
  /** Which stored values the volume shows; null where it is not drawn. */
  readonly shown: ShownValues | null;
  readonly eye: Vec3 | null;
}

/** From indices (x, y, z) of one level to those of another: axes never turn between levels. */
export function betweenLevels(from: BrickLevel, to: BrickLevel): { scale: Vec3; offset: Vec3 } {
  const back = inverse(forColumnsFirst(to.indexToLps));
  const way: Affine = back ? chained(back, forColumnsFirst(from.indexToLps)) : [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  return { scale: [way[0]!, way[5]!, way[10]!], offset: [way[3]!, way[7]!, way[11]!] };
}

const xyz = (shape: readonly [number, number, number]): Vec3 => [shape[2], shape[1], shape[0]];

export class ScanTextures {
  readonly volume: VolumeFile;
  readonly form: "r16f" | "r8";
  /** Lowest and highest, as stored. */
  readonly range: readonly [number, number];
  readonly level: BrickLevel;
  /** From (column, row, slice) of the level on the card to millimetres, and back. */
  readonly indexToLps: Affine;
  readonly lpsToIndex: Affine;
  readonly uniforms;
  /** Counts every change of what a picture would show. */
  version = 0;
  /** Called when something arrived that a frame would show, and when a part could not be had. */
  onArrival: () => void = () => undefined;
  onTrouble: (missing: number, flaw: LoadFlaw) => void = () => undefined;

  readonly #reader: BrickReader;
  readonly #coarse: BrickTexture;
  #fine: BrickTexture | null = null;
  readonly #isOneLevel: boolean;
  readonly #cells: ScanCells;
  readonly #stream: BrickStream<Texels>;
  #wish: Wish = { planes: [], shown: null, eye: null };
  #shown: ShownValues | null = null;
  #isCellsStale = true;
  #cellsAt = -Infinity;
  #changedAt = -Infinity;

  constructor(volume: VolumeFile, reader: BrickReader, profile: "desktop" | "phone", longestEdge: number) {
    const budget = TEXTURE_BUDGET[profile];
    this.volume = volume;
    this.form = budget.form;
    const level = levelWithin(volume.levels, bytesOfTexel(budget.form), budget.bytes, Math.min(longestEdge, budget.edge));
    const coarse = volume.levels.at(-1);
    const back = level && inverse(forColumnsFirst(level.indexToLps));
    if (!level || !coarse || !back) throw new Error("a volume without levels");
    this.level = level;
    this.indexToLps = forColumnsFirst(level.indexToLps);
    this.lpsToIndex = back;
    this.#reader = reader;
    this.#stream = new BrickStream<Texels>({
      bring: (of, indices, signal) => reader.bring(of, indices, signal),
      read: (of, index, signal) => this.#texelsOf(of, index, signal),
      next: () => this.#next(),
      // Coarse voxels that cannot be had are as if not measured: what is fine there is still to be seen.
      standIn: (of, index) => (of === this.#coarse.level ? this.#unmeasured(of, index) : undefined),
      arrived: () => this.onArrival(),
      failed: (missing, flaw) => this.onTrouble(missing, flaw),
    });
    this.#coarse = new BrickTexture(coarse, this.form);
    this.#isOneLevel = coarse === level;
    const size = xyz(level.shape);
    this.#cells = new ScanCells(level, volume.unmeasured);
    this.range = volume.range.map((value) => this.storedOf(value)) as [number, number];
    const [low, high] = this.range;
    const way = betweenLevels(level, coarse);
    const coarseSize = xyz(coarse.shape);
    const over = (f: (axis: 0 | 1 | 2) => number): Vector3 => new Vector3(f(0), f(1), f(2));
    const span = Math.max(1, high - low);
    this.uniforms = {
      uFine: { value: emptyTexture(this.form) as Data3DTexture },
      uCoarse: { value: this.#coarse.texture },
      uCells: { value: this.#cells.texture },
      uSize: { value: new Vector3(...size) },
      uCoarseScale: { value: over((a) => way.scale[a] / coarseSize[a]) },
      uCoarseOffset: { value: over((a) => (way.offset[a] + 0.5) / coarseSize[a]) },
      uStage: { value: 0 },
      uValueScale: { value: this.form === "r16f" ? 1 / span : 255 / 254 },
      uValueOffset: { value: this.form === "r16f" ? -low / span : -1 / 254 },
      uLpsToIndex: { value: matrixOf(this.lpsToIndex) },
    };
  }

  /** Steps of the picture's values: 1 where every integer is exact, more beyond +-2048 or in 8 bits. */
  get largestStep(): number {
    const [low, high] = this.range;
    if (this.form === "r8") return Math.max(1, (high - low) / 254);
    const far = Math.max(Math.abs(low), Math.abs(high));
    return far <= 2048 ? 1 : 2 ** (Math.floor(Math.log2(far - 1)) - 10);
  }

  /** A value in the scan's quantity, as it is stored, and as a part of the stored range. */
  storedOf(value: number): number {
    return (value - this.volume.offset) / this.volume.scale;
  }

  partOf(value: number): number {
    const [low, high] = this.range;
    return (this.storedOf(value) - low) / Math.max(1, high - low);
  }

  get coarseSpacingMm(): number {
    return Math.min(...spacings(this.#coarse.level.indexToLps));
  }

  /** Bytes of all textures made so far. */
  get bytes(): number {
    return this.#coarse.bytes + (this.#fine?.bytes ?? 0) + this.#cells.bytes.byteLength;
  }

  get isCoarseThere(): boolean {
    return this.#coarse.isComplete;
  }

  /** Whether everything that is wished for was written. */
  get isSettled(): boolean {
    return this.#stream.isQuiet && !this.#isCellsStale && this.#wanted().length === 0;
  }

  /** Bricks are being written one after the other: a fine picture of now would be thrown away. */
  get isSharpening(): boolean {
    return performance.now() - this.#changedAt < SHARPENING_MS && !this.isSettled;
  }

  wish(wish: Wish): void {
    if (wish.shown !== this.#wish.shown) {
      this.#shown = wish.shown;
      this.#isCellsStale = true;
      this.#cellsAt = -Infinity;
    }
    this.#wish = wish;
    this.#stream.order();
  }

  /** Write what has arrived; true where more waits for the next frame. */
  pump(renderer: WebGLRenderer, most = 8): boolean {
    for (const { level, index, content } of this.#stream.take(most)) {
      const texture = level === this.#coarse.level ? this.#coarse : this.#fine;
      texture?.write(renderer, index, content.texels);
      if (level === this.level) this.#cells.add(index, content.cells);
      this.#isCellsStale = true;
      this.#changedAt = performance.now();
      this.version++;
    }
    // What waited to be written held back what comes next.
    this.#stream.order();
    if (this.#isOneLevel) this.uniforms.uStage.value = 0;
    else this.uniforms.uStage.value = this.#fine?.isComplete ? 2 : this.#fine ? 1 : 0;
    const now = performance.now();
    if (this.#isCellsStale && (now - this.#cellsAt > CELLS_EVERY_MS || this.#stream.isQuiet)) {
      this.#cells.write(this.#shown, this.#fine?.written, this.range, this.largestStep / 2);
      this.#isCellsStale = false;
      this.version++;
      this.#cellsAt = now;
    }
    return this.#stream.isWaiting || this.#isCellsStale;
  }

  /** After a lost context. */
  restore(): void {
    this.#coarse.forget();
    this.#fine?.forget();
    this.#stream.retry();
    this.#cells.forget();
    this.#isCellsStale = true;
    this.#stream.order();
  }

  /** Try once more what could not be had. */
  retry(): void {
    for (const { level, index } of this.#stream.retry()) if (level === this.#coarse.level) this.#coarse.unwrite(index);
    this.#stream.order();
  }

  dispose(): void {
    this.#stream.end();
    this.#coarse.dispose();
    this.#fine?.dispose();
    this.#cells.dispose();
    this.uniforms.uFine.value.dispose();
  }

  /** Bricks that are looked at and not there, the most wanted first. */
  #wanted(): number[] {
    if (this.#isOneLevel || !this.#coarse.isComplete) return [];
    const { planes, shown, eye } = this.#wish;
    if (planes.length === 0 && !shown) return [];
    const { level } = this;
    const half = this.#halfDiagonal();
    const order: [number, number][] = [];
    for (let index = 0; index < level.bricks.length; index++) {
      if (this.#fine?.written[index] || !this.#stream.isOpen(level, index)) continue;
      const centre = this.#centreOf(index);
      let rank = Infinity;
      for (const { point, normal } of planes) {
        const away = Math.abs(dot(subtract(centre, point), normal));
        // First what is cut, from the crosshair outwards; then what the next slices will cut.
        if (away <= half) rank = Math.min(rank, length(subtract(centre, point)));
        else if (away <= 3 * half) rank = Math.min(rank, 2e6 + away);
      }
      const [, , min, max] = level.bricks[index]!;
      if (shown && isAnyShown(shown, min, max))
        rank = Math.min(rank, 1e6 + (eye ? length(subtract(centre, eye)) : 0));
      if (rank < Infinity) order.push([rank, index]);
    }
    return order.sort((a, b) => a[0] - b[0]).map(([, index]) => index);
  }

  #centreOf(index: number): Vec3 {
    const [s, r, c] = brickPlace(this.level, index);
    const [ns, nr, nc] = brickShape(this.level, index);
    const edge = this.level.brick;
    return applied(this.indexToLps, [c * edge + (nc - 1) / 2, r * edge + (nr - 1) / 2, s * edge + (ns - 1) / 2]);
  }

  #halfDiagonal(): number {
    const half = this.level.brick / 2;
    return length(appliedToDirection(this.indexToLps, [half, half, half]));
  }

  #next(): BrickWish | null {
    const { level } = this.#coarse;
    if (!this.#coarse.isComplete) {
      const all = level.bricks.map((_, index) => index);
      return { level, indices: all.filter((i) => !this.#coarse.written[i] && this.#stream.isOpen(level, i)) };
    }
    const indices = this.#wanted();
    if (indices.length === 0) return null;
    if (!this.#fine) {
      this.#fine = new BrickTexture(this.level, this.form);
      this.uniforms.uFine.value.dispose();
      this.uniforms.uFine.value = this.#fine.texture;
    }
    return { level: this.level, indices };
  }

  #unmeasured(level: BrickLevel, index: number): Texels {
    const shape = brickShape(level, index);
    const count = voxelsOf(shape);
    const texels = this.form === "r16f" ? new Uint16Array(count).fill(UNMEASURED_HALF) : new Uint8Array(count);
    return { texels, cells: cellRanges(new Int16Array(count), shape, 0) };
  }

  async #texelsOf(level: BrickLevel, index: number, signal: AbortSignal): Promise<Texels> {
    const stored = { unmeasured: this.volume.unmeasured, range: this.range };
    const [, bytes, min] = level.bricks[index]!;
    if (bytes > 0) return await this.#reader.texels(level, index, this.form, stored, signal);
    const shape = brickShape(level, index);
    const voxels = new Int16Array(voxelsOf(shape)).fill(min);
    const texels = this.form === "r16f" ? asHalves(voxels, stored.unmeasured) : asBytes(voxels, stored.unmeasured, stored.range);
    return { texels, cells: cellRanges(voxels, shape, stored.unmeasured) };
  }
}

/** three keeps columns after one another; here it is rows. */
export function matrixOf(m: Affine): Matrix4 {
  return new Matrix4().fromArray([...m]).transpose();
}
