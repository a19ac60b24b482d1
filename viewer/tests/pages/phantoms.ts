// Scans whose value is known at every voxel, written as the server writes them, into memory.
import { type Affine, applied, chained, inverse } from "../../src/viewer/model/affine.ts";
import type { BrickEntry, BrickLevel, LabelsFile, VolumeFile } from "../../src/viewer/model/manifest.ts";
import type { FetchRange } from "../../src/viewer/loading/bricks.ts";
import type { Vec3 } from "../../src/viewer/model/vectors.ts";

export interface Phantom {
  readonly volume: VolumeFile;
  readonly labels: LabelsFile | null;
  readonly fetchRange: FetchRange;
  readonly valueAt: (slice: number, row: number, column: number) => number;
  readonly shape: Vec3;
  readonly indexToLps: Affine;
  /** As stored, column after column. */
  readonly voxels: Int16Array<ArrayBuffer>;
}

const files = new Map<string, Uint8Array<ArrayBuffer>>();
/** How many fetches there were, and of how many bytes. */
export const traffic = { fetches: 0, bytes: 0 };

export const fetchFromMemory: FetchRange = async (file, offset, bytes) => {
  traffic.fetches++;
  traffic.bytes += bytes;
  const whole = files.get(file);
  if (!whole) throw new Error(`no ${file}`);
  return whole.slice(offset, offset + bytes);
};

async function deflated(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function planes(voxels: Int16Array | Uint16Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(voxels.length * 2);
  voxels.forEach((v, i) => {
    out[i] = v & 255;
    out[voxels.length + i] = (v >> 8) & 255;
  });
  return out;
}

function deltaCoded(voxels: Int16Array, columns: number): Int16Array {
  const out = new Int16Array(voxels.length);
  for (let i = 0; i < voxels.length; i++) out[i] = i % columns === 0 ? voxels[i]! : voxels[i]! - voxels[i - 1]!;
  return out;
}

interface Grid {
  readonly shape: Vec3;
  readonly indexToLps: Affine;
}

/** Write one level of int16 (delta-coded) or labels (as they are). */
async function writeLevel(file: string, grid: Grid, data: Int16Array | Uint8Array, unmeasured: number | null = null): Promise<BrickLevel> {
  const edge = 64;
  const [S, R, C] = grid.shape;
  const count: Vec3 = [Math.ceil(S / edge), Math.ceil(R / edge), Math.ceil(C / edge)];
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const bricks: BrickEntry[] = [];
  let offset = 0;
  for (let s = 0; s < count[0]; s++)
    for (let r = 0; r < count[1]; r++)
      for (let c = 0; c < count[2]; c++) {
        const [ns, nr, nc] = [Math.min(edge, S - s * edge), Math.min(edge, R - r * edge), Math.min(edge, C - c * edge)];
        const brick = data instanceof Int16Array ? new Int16Array(ns * nr * nc) : new Uint8Array(ns * nr * nc);
        for (let i = 0; i < ns; i++)
          for (let j = 0; j < nr; j++) {
            const from = ((s * edge + i) * R + r * edge + j) * C + c * edge;
            brick.set(data.subarray(from, from + nc), (i * nr + j) * nc);
          }
        let [min, max] = [32767, -32768];
        for (const v of brick) {
          if (v === unmeasured) continue;
          if (v < min) min = v;
          if (v > max) max = v;
        }
        if (min > max) [min, max] = [brick[0]!, brick[0]!];
        const bytes =
          brick.every((v) => v === brick[0])
            ? new Uint8Array(0)
            : await deflated(brick instanceof Int16Array ? planes(deltaCoded(brick, nc)) : (brick as Uint8Array<ArrayBuffer>));
        parts.push(bytes);
        bricks.push([offset, bytes.length, min, max]);
        offset += bytes.length;
      }
  const whole = new Uint8Array(offset);
  parts.forEach((p, i) => whole.set(p, bricks[i]![0]));
  files.set(file, whole);
  return { file, shape: grid.shape, indexToLps: grid.indexToLps, brick: edge, grid: count, bricks };
}

/** Half as many voxels along each axis: the mean of eight, where measured. */
function halved(grid: Grid, data: Int16Array, unmeasured: number | null): { grid: Grid; data: Int16Array } {
  const [S, R, C] = grid.shape;
  const shape: Vec3 = [Math.ceil(S / 2), Math.ceil(R / 2), Math.ceil(C / 2)];
  const out = new Int16Array(shape[0] * shape[1] * shape[2]);
  let place = 0;
  for (let s = 0; s < shape[0]; s++)
    for (let r = 0; r < shape[1]; r++)
      for (let c = 0; c < shape[2]; c++) {
        let [sum, n] = [0, 0];
        for (let k = 0; k < 8; k++) {
          const [a, b, d] = [2 * s + (k >> 2), 2 * r + ((k >> 1) & 1), 2 * c + (k & 1)];
          if (a >= S || b >= R || d >= C) continue;
          const v = data[(a * R + b) * C + d]!;
          if (v === unmeasured) continue;
          sum += v;
          n++;
        }
        out[place++] = n ? Math.round(sum / n) : (unmeasured ?? 0);
      }
  const step: Affine = [2, 0, 0, 0.5, 0, 2, 0, 0.5, 0, 0, 2, 0.5, 0, 0, 0, 1];
  return { grid: { shape, indexToLps: chained(grid.indexToLps, step) }, data: out };
}

function smoothed(data: Int16Array, [S, R, C]: Vec3): Int16Array<ArrayBuffer> {
  let from = Float32Array.from(data);
  for (const [stride, count] of [[1, C], [C, R], [C * R, S]] as const) {
    const to = new Float32Array(from.length);
    for (let i = 0; i < from.length; i++) {
      const at = Math.floor(i / stride) % count;
      const before = from[at > 0 ? i - stride : i]!;
      const after = from[at < count - 1 ? i + stride : i]!;
      to[i] = (before + 2 * from[i]! + after) / 4;
    }
    from = to;
  }
  return Int16Array.from(from, Math.round);
}

export interface PhantomOptions {
  readonly shape: Vec3;
  readonly indexToLps: Affine;
  readonly valueAt: (slice: number, row: number, column: number) => number;
  readonly labelAt?: (slice: number, row: number, column: number) => number;
  readonly quantity?: "HU" | "a.u.";
  readonly unmeasured?: number | null;
  readonly levels?: number;
  /** Average with the nearest neighbours along each axis, as scanners do. */
  readonly isSmooth?: boolean;
}

export async function writePhantom(options: PhantomOptions): Promise<Phantom> {
  const { shape, indexToLps, valueAt, labelAt } = options;
  const unmeasured = options.unmeasured ?? null;
  const name = `phantom-${files.size}`;
  let grid: Grid = { shape, indexToLps };
  let data = new Int16Array(shape[0] * shape[1] * shape[2]);
  const fill = (out: Int16Array | Uint8Array, at: (s: number, r: number, c: number) => number): void => {
    let i = 0;
    for (let s = 0; s < shape[0]; s++) for (let r = 0; r < shape[1]; r++) for (let c = 0; c < shape[2]; c++) out[i++] = at(s, r, c);
  };
  fill(data, valueAt);
  if (options.isSmooth) data = smoothed(data, shape);
  const voxels = data;
  let [low, high] = [32767, -32768];
  for (const v of data) {
    if (v === unmeasured) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  const levels: BrickLevel[] = [];
  for (let i = 0; i < (options.levels ?? 3); i++) {
    levels.push(await writeLevel(`${name}-volume-${i}`, grid, data, unmeasured));
    ({ grid, data } = halved(grid, data, unmeasured) as { grid: Grid; data: Int16Array<ArrayBuffer> });
  }
  let labels: LabelsFile | null = null;
  if (labelAt) {
    const marks = new Uint8Array(shape[0] * shape[1] * shape[2]);
    fill(marks, labelAt);
    labels = { dtype: "uint8", levels: [await writeLevel(`${name}-labels`, { shape, indexToLps }, marks)] };
  }
  const volume: VolumeFile = {
    quantity: options.quantity ?? "HU", dtype: "int16", range: [low, high], unmeasured, scale: 1, offset: 0,
    window: { centre: 40, width: 400 }, levels,
  };
  return { volume, labels, fetchRange: fetchFromMemory, valueAt, shape, indexToLps, voxels };
}

/** Break a file's bytes in the middle of a brick. */
export function damage(level: BrickLevel, brick: number): void {
  const whole = files.get(level.file);
  const entry = level.bricks[brick];
  if (whole && entry) whole.fill(255, entry[0], entry[0] + entry[1]);
}

const turnedBy = (degrees: number, spacing: Vec3, centre: Vec3, shape: Vec3): Affine => {
  // (slice, row, column) with columns towards the patient's left, rows towards the back, slices towards the head; turned about z.
  const a = (degrees * Math.PI) / 180;
  const [ds, dr, dc] = spacing;
  const m = [0, -Math.sin(a) * dr, Math.cos(a) * dc, 0, 0, Math.cos(a) * dr, Math.sin(a) * dc, 0, ds, 0, 0, 0, 0, 0, 0, 1];
  const middle = applied(m, [(shape[0] - 1) / 2, (shape[1] - 1) / 2, (shape[2] - 1) / 2]);
  m[3] = centre[0] - middle[0];
  m[7] = centre[1] - middle[1];
  m[11] = centre[2] - middle[2];
  return m;
};

/** A chest of sorts: skin, ribs, a spine, a heart with contrast medium, and lungs. About `edge` voxels wide. */
export async function writeBody(edge: number, spacing: Vec3 = [1, 1, 1], degrees = 0, isSmooth = false): Promise<Phantom> {
  const shape: Vec3 = [edge, edge, edge].map((n, i) => Math.max(8, Math.round(n / spacing[i as 0 | 1 | 2]))) as unknown as Vec3;
  const indexToLps = turnedBy(degrees, spacing, [0, 0, 0], shape);
  const unit = edge / 256;
  // Its own axes, in millimetres from its middle, so that turning it turns all of it.
  const straight = turnedBy(0, spacing, [0, 0, 0], shape);
  const place = (s: number, r: number, c: number): Vec3 => applied(straight, [s, r, c]).map((x) => x / unit) as unknown as Vec3;
  const kind = (s: number, r: number, c: number): [number, number] => {
    const [x, y, z] = place(s, r, c);
    const trunk = Math.hypot(x / 108, y / 80);
    if (trunk > 1) return [-1000, 0];
    const grain = ((s * 7 + r * 13 + c * 29) % 21) - 10;
    if (Math.hypot(x, y - 52) < 17) return [420 + grain * 6, 4];
    const ribs = Math.abs(trunk - 0.88) < 0.05 && Math.abs(((z + 120 + Math.abs(y) * 0.12) % 36) - 18) < 6.5;
    if (ribs) return [720 + grain * 8, 4];
    const heart = Math.hypot((x - 14) / 34, (y + 8) / 34, (z + 12) / 44);
    if (heart < 1) return [260 + grain, 3];
    for (const side of [-1, 1]) {
      const lung = Math.hypot((x - side * 52) / 38, (y - 2) / 56, z / 100);
      if (lung < 1) {
        const vessel = Math.hypot(((x + 200) % 18) - 9, ((z + 200) % 18) - 9) < 1.8;
        return [vessel ? -120 : -860 + grain * 2, side < 0 ? 1 : 2];
      }
    }
    return [trunk > 0.96 ? 20 : trunk > 0.91 ? -90 + grain : 45 + grain, 0];
  };
  return await writePhantom({ shape, indexToLps, valueAt: (s, r, c) => kind(s, r, c)[0], labelAt: (s, r, c) => kind(s, r, c)[1], isSmooth });
}

/** Every voxel tells its place: value = -1000 + 2 column + 3 row + 5 slice. Smooth, so that filtering changes nothing. */
export async function writeRamp(shape: Vec3, indexToLps: Affine, levels = 2): Promise<Phantom> {
  const valueAt = (s: number, r: number, c: number): number => -1000 + 2 * c + 3 * r + 5 * s;
  return await writePhantom({ shape, indexToLps, valueAt, levels });
}

/** Which voxel holds a point, rounded. */
export function voxelAt(phantom: Phantom, lps: Vec3): Vec3 {
  const back = inverse(phantom.indexToLps);
  if (!back) throw new Error("flat");
  return applied(back, lps).map(Math.round) as unknown as Vec3;
}

export { turnedBy };
