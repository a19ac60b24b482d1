// The grid of cells over the scan: what each can show, how far it is to the next that shows something, and whether its
// fine brick is there. One texel each; shaders skip by it.
import { Data3DTexture, NearestFilter, RGBAIntegerFormat, UnsignedByteType } from "three";
import { CELL } from "../loading/brick_codec.ts";
import { brickPlace, brickShape } from "../loading/bricks.ts";
import { CellRanges, distances, isAnyShown, NOTHING_HIGH, NOTHING_LOW, type ShownValues } from "../model/cells.ts";
import type { BrickLevel } from "../model/manifest.ts";

export class ScanCells {
  readonly texture: Data3DTexture;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #level: BrickLevel;
  readonly #unmeasured: number | null;
  readonly #ranges: CellRanges;
  /** Cell ranges of bricks that were written, for the borders of those that come later. */
  readonly #borders = new Map<number, Int16Array>();

  constructor(level: BrickLevel, unmeasured: number | null) {
    this.#level = level;
    this.#unmeasured = unmeasured;
    const [slices, rows, columns] = level.shape;
    const [nx, ny, nz] = [columns, rows, slices].map((n) => Math.ceil(n / CELL)) as [number, number, number];
    this.#ranges = new CellRanges([nx, ny, nz]);
    this.bytes = new Uint8Array(nx * ny * nz * 4);
    this.texture = new Data3DTexture(this.bytes, nx, ny, nz);
    this.texture.format = RGBAIntegerFormat;
    this.texture.type = UnsignedByteType;
    this.texture.internalFormat = "RGBA8UI";
    this.texture.minFilter = this.texture.magFilter = NearestFilter;
    this.texture.needsUpdate = true;
    this.#fromBricks();
  }

  /** After a lost context. */
  forget(): void {
    this.#borders.clear();
    this.#fromBricks();
    this.texture.needsUpdate = true;
  }

  // Until a fine brick is there, its cells know only the range of the brick and, because the coarse picture is mixed
  // across its borders, of those around it.
  #fromBricks(): void {
    this.#ranges.forget();
    const { grid, bricks, brick } = this.#level;
    const perBrick = brick / CELL;
    for (let index = 0; index < bricks.length; index++) {
      const [s, r, c] = brickPlace(this.#level, index);
      let [low, high] = [NOTHING_LOW, NOTHING_HIGH];
      for (let ds = -1; ds <= 1; ds++)
        for (let dr = -1; dr <= 1; dr++)
          for (let dc = -1; dc <= 1; dc++) {
            const [a, b, d] = [s + ds, r + dr, c + dc];
            if (a < 0 || b < 0 || d < 0 || a >= grid[0] || b >= grid[1] || d >= grid[2]) continue;
            const entry = bricks[(a * grid[1] + b) * grid[2] + d]!;
            if (entry[3] === this.#unmeasured) continue;
            low = Math.min(low, entry[2]);
            high = Math.max(high, entry[3]);
          }
      for (let z = s * perBrick; z < (s + 1) * perBrick; z++)
        for (let y = r * perBrick; y < (r + 1) * perBrick; y++)
          for (let x = c * perBrick; x < (c + 1) * perBrick; x++) this.#ranges.widen(x, y, z, low, high);
    }
  }

  /** A brick was written: its own cells are known exactly now. */
  add(index: number, cells: Int16Array): void {
    const shape = brickShape(this.#level, index);
    const perBrick = this.#level.brick / CELL;
    const [z0, y0, x0] = brickPlace(this.#level, index).map((p) => p * perBrick) as [number, number, number];
    const [nz, ny, nx] = shape.map((n) => Math.ceil(n / CELL) + 1) as [number, number, number];
    const { ranges, size } = this.#ranges;
    // What its far neighbours add comes with them.
    for (let z = 1; z < nz; z++)
      for (let y = 1; y < ny; y++)
        for (let x = 1; x < nx; x++) {
          const at = 2 * (((z0 + z - 1) * size[1] + y0 + y - 1) * size[0] + x0 + x - 1);
          ranges[at] = NOTHING_LOW;
          ranges[at + 1] = NOTHING_HIGH;
        }
    this.#widenFrom(index, cells, 0);
    const [s, r, c] = brickPlace(this.#level, index);
    for (let k = 1; k < 8; k++) {
      const [a, b, d] = [s + (k >> 2), r + ((k >> 1) & 1), c + (k & 1)];
      const [gs, gr, gc] = this.#level.grid;
      if (a >= gs || b >= gr || d >= gc) continue;
      const other = (a * gr + b) * gc + d;
      const kept = this.#borders.get(other);
      if (kept) this.#widenFrom(other, kept, 1);
    }
    this.#borders.set(index, cells);
  }

  /** Add a brick's ranges; only its first layers, which its neighbours see, where `layers` is 1. */
  #widenFrom(index: number, cells: Int16Array, layers: 0 | 1): void {
    const perBrick = this.#level.brick / CELL;
    const [z0, y0, x0] = brickPlace(this.#level, index).map((p) => p * perBrick - 1) as [number, number, number];
    const [nz, ny, nx] = brickShape(this.#level, index).map((n) => Math.ceil(n / CELL) + 1) as [number, number, number];
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++)
        for (let x = 0; x < nx; x++) {
          if (layers === 1 && z > 0 && y > 0 && x > 0) continue;
          const i = 2 * ((z * ny + y) * nx + x);
          this.#ranges.widen(x0 + x, y0 + y, z0 + z, cells[i]!, cells[i + 1]!);
        }
  }

  /** Write the texture: what may be seen of the stored range, give or take the margin. */
  write(shown: ShownValues | null, written: Uint8Array | undefined, range: readonly [number, number], margin: number): void {
    const { ranges, size } = this.#ranges;
    const [low, high] = range;
    const span = Math.max(1, high - low);
    const count = size[0] * size[1] * size[2];
    const isShown = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const [from, to] = [ranges[2 * i]!, ranges[2 * i + 1]!];
      isShown[i] = shown === null || isAnyShown(shown, from - margin, to + margin) ? 1 : 0;
      this.bytes[4 * i + 1] = to < from ? 0 : Math.min(255, Math.max(0, Math.ceil(((to - low) / span) * 255) + 1));
    }
    const far = distances(isShown, size);
    const perBrick = this.#level.brick / CELL;
    const [, gr, gc] = this.#level.grid;
    for (let z = 0, i = 0; z < size[2]; z++)
      for (let y = 0; y < size[1]; y++)
        for (let x = 0; x < size[0]; x++, i++) {
          this.bytes[4 * i] = far[i]!;
          const brick = (Math.floor(z / perBrick) * gr + Math.floor(y / perBrick)) * gc + Math.floor(x / perBrick);
          this.bytes[4 * i + 2] = written?.[brick] ? 1 : 0;
        }
    this.texture.needsUpdate = true;
  }

  dispose(): void {
    this.texture.dispose();
  }
}
