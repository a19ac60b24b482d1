// A brick's bytes, once inflated, as voxels; and voxels as what a texture holds. Known to the worker and to tests.

/** Slices, rows, columns of a brick. */
export type BrickShape = readonly [number, number, number];

/** In R16F nothing is exact beyond this: from 2048 on steps are 2, from 4096 on 4, from 16384 on 16. */
export const EXACT_TO = 2048;
export const UNMEASURED_HALF = 0xfc00; // minus infinity: whatever is mixed with it stays below every value
/** Voxels along an edge of the cells in which empty space is skipped. */
export const CELL = 8;

export class DamagedBrick extends Error {}

/** Rows delta-coded to the left, low bytes before high bytes. */
export function decodeVolumeBrick(bytes: Uint8Array, shape: BrickShape): Int16Array {
  const [slices, rows, columns] = shape;
  const count = slices * rows * columns;
  if (bytes.length !== 2 * count) throw new DamagedBrick(`${bytes.length} bytes where ${2 * count} belong`);
  const voxels = new Int16Array(count);
  for (let i = 0, start = 0; start < count; start += columns) {
    let value = 0;
    for (const end = start + columns; i < end; i++) {
      value = (value + (bytes[i]! | (bytes[count + i]! << 8))) & 0xffff;
      voxels[i] = value;
    }
  }
  return voxels;
}

/** As they are, in one byte each or in two planes. */
export function decodeLabelBrick(bytes: Uint8Array, shape: BrickShape, bytesEach: 1 | 2): Uint8Array | Uint16Array {
  const count = shape[0] * shape[1] * shape[2];
  if (bytes.length !== bytesEach * count) throw new DamagedBrick(`${bytes.length} bytes where ${bytesEach * count} belong`);
  if (bytesEach === 1) return bytes;
  const labels = new Uint16Array(count);
  for (let i = 0; i < count; i++) labels[i] = bytes[i]! | (bytes[count + i]! << 8);
  return labels;
}

/** Raises DamagedBrick where the least and the greatest measured value are not those of the list: by it, bricks are skipped. */
export function checkEnds(
  values: Int16Array | Uint16Array | Uint8Array,
  expected: { readonly least: number; readonly greatest: number },
  unmeasured: number | null,
): void {
  let least = Infinity;
  let greatest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === unmeasured) continue;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  const { least: low, greatest: high } = expected;
  if (least !== low || greatest !== high) throw new DamagedBrick(`${least} to ${greatest} where ${low} to ${high} belong`);
}

/** The half float nearest to an integer of 16 bits; exact within +-2048, ties to the even one beyond. */
export function halfOf(value: number): number {
  if (value === 0) return 0;
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  const exponent = 31 - Math.clz32(size);
  if (exponent <= 10) return sign | ((exponent + 15) << 10) | ((size << (10 - exponent)) & 0x3ff);
  const shift = exponent - 10;
  const rest = size & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  let kept = size >> shift;
  if (rest > half || (rest === half && kept & 1)) kept++;
  // A carry out of the mantissa counts the exponent up by itself.
  return sign | (((exponent + 15) << 10) + (kept - 1024));
}

let halves: Uint16Array | undefined;

function tableOfHalves(): Uint16Array {
  halves ??= Uint16Array.from({ length: 65536 }, (_, i) => halfOf(i < 32768 ? i : i - 65536));
  return halves;
}

export function asHalves(voxels: Int16Array, unmeasured: number | null): Uint16Array {
  const table = tableOfHalves();
  const out = new Uint16Array(voxels.length);
  for (let i = 0; i < voxels.length; i++) {
    const value = voxels[i]!;
    out[i] = value === unmeasured ? UNMEASURED_HALF : table[value & 0xffff]!;
  }
  return out;
}

/** 0 is unmeasured, 1 to 255 the range: 254 steps. */
export function asBytes(voxels: Int16Array, unmeasured: number | null, range: readonly [number, number]): Uint8Array {
  const [low, high] = range;
  const factor = 254 / Math.max(1, high - low);
  const out = new Uint8Array(voxels.length);
  for (let i = 0; i < voxels.length; i++) {
    const value = voxels[i]!;
    if (value !== unmeasured) out[i] = 1 + Math.round(Math.min(254, Math.max(0, (value - low) * factor)));
  }
  return out;
}

/**
 * Lowest and highest measured value of each cell, in pairs; (32767, -32768) where nothing was measured.
 *
 * Cell c holds what can be seen from voxel 8c up to voxel 8c + 8, because filtering mixes with the next voxel. So along
 * each axis the list has one more entry at its beginning: the first voxel alone, which belongs to the last cell of the
 * brick before this one as well.
 */
export function cellRanges(voxels: Int16Array, shape: BrickShape, unmeasured: number | null): Int16Array {
  const [slices, rows, columns] = shape;
  const counts = shape.map((n) => Math.ceil(n / CELL) + 1) as [number, number, number];
  const out = new Int16Array(counts[0] * counts[1] * counts[2] * 2);
  const span = (e: number, n: number): [number, number] =>
    e === 0 ? [0, 0] : [(e - 1) * CELL, Math.min(e * CELL, n - 1)];
  let place = 0;
  for (let es = 0; es < counts[0]; es++) {
    const [s0, s1] = span(es, slices);
    for (let er = 0; er < counts[1]; er++) {
      const [r0, r1] = span(er, rows);
      for (let ec = 0; ec < counts[2]; ec++) {
        const [c0, c1] = span(ec, columns);
        let low = 32767;
        let high = -32768;
        for (let s = s0; s <= s1; s++) {
          for (let r = r0; r <= r1; r++) {
            const row = (s * rows + r) * columns;
            for (let i = row + c0; i <= row + c1; i++) {
              const value = voxels[i]!;
              if (value === unmeasured) continue;
              if (value < low) low = value;
              if (value > high) high = value;
            }
          }
        }
        out[place++] = low;
        out[place++] = high;
      }
    }
  }
  return out;
}
