// Which parts of a scan hold nothing to be seen: a grid of cells with the lowest and highest value of each.
import type { Vec3 } from "./vectors.ts";

/** x, y, z: columns, rows, slices. */
export type Size = Vec3;

export const NOTHING_LOW = 32767;
export const NOTHING_HIGH = -32768;

/** Lowest and highest of each cell, in pairs, x fastest. */
export class CellRanges {
  readonly size: Size;
  readonly ranges: Int16Array;

  constructor(size: Size) {
    this.size = size;
    this.ranges = new Int16Array(size[0] * size[1] * size[2] * 2);
    this.forget();
  }

  forget(): void {
    for (let i = 0; i < this.ranges.length; i += 2) {
      this.ranges[i] = NOTHING_LOW;
      this.ranges[i + 1] = NOTHING_HIGH;
    }
  }

  /** Widen a cell; places outside the grid are passed over. */
  widen(x: number, y: number, z: number, low: number, high: number): void {
    const [nx, ny, nz] = this.size;
    if (x < 0 || y < 0 || z < 0 || x >= nx || y >= ny || z >= nz) return;
    const i = 2 * ((z * ny + y) * nx + x);
    if (low < this.ranges[i]!) this.ranges[i] = low;
    if (high > this.ranges[i + 1]!) this.ranges[i + 1] = high;
  }
}

/** Which values show something, so that a range of them is asked in two looks. */
export interface ShownValues {
  readonly low: number;
  readonly high: number;
  /** For each of the steps from low to high, how many before it show something. */
  readonly before: Uint32Array;
}

/** From the opacities of as many values, evenly from low to high; the ends hold beyond themselves. */
export function shownValues(low: number, high: number, opacities: ArrayLike<number>): ShownValues {
  const before = new Uint32Array(opacities.length + 1);
  for (let i = 0; i < opacities.length; i++) before[i + 1] = before[i]! + (opacities[i]! > 0 ? 1 : 0);
  return { low, high, before };
}

/** Whether any value from `from` to `to` shows something; with one step of margin, because tables are filtered. */
export function isAnyShown({ low, high, before }: ShownValues, from: number, to: number): boolean {
  if (to < from) return false;
  const last = before.length - 2;
  const step = Math.max(1e-9, high - low) / last;
  const first = Math.min(last, Math.max(0, Math.floor((from - low) / step) - 1));
  const final = Math.min(last, Math.max(0, Math.ceil((to - low) / step) + 1));
  return before[final + 1]! > before[first]!;
}

/** Distance of each cell to the nearest shown one, counted as a king moves, at most 255; 0 where shown. */
export function distances(isShown: Uint8Array, size: Size): Uint8Array {
  const [nx, ny, nz] = size;
  const out = new Uint8Array(isShown.length);
  for (let i = 0; i < out.length; i++) out[i] = isShown[i] ? 0 : 255;
  const sweep = (forward: boolean): void => {
    const sign = forward ? -1 : 1;
    for (let k = 0; k < nz; k++) {
      const z = forward ? k : nz - 1 - k;
      for (let j = 0; j < ny; j++) {
        const y = forward ? j : ny - 1 - j;
        for (let i = 0; i < nx; i++) {
          const x = forward ? i : nx - 1 - i;
          const here = (z * ny + y) * nx + x;
          let best = out[here]!;
          if (best < 2) continue;
          const look = (dx: number, dy: number, dz: number): void => {
            const [a, b, c] = [x + dx, y + dy, z + dz];
            if (a < 0 || b < 0 || c < 0 || a >= nx || b >= ny || c >= nz) return;
            const d = out[(c * ny + b) * nx + a]! + 1;
            if (d < best) best = d;
          };
          look(sign, 0, 0);
          for (let dx = -1; dx <= 1; dx++) look(dx, sign, 0);
          for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) look(dx, dy, sign);
          out[here] = best;
        }
      }
    }
  };
  sweep(true);
  sweep(false);
  return out;
}
