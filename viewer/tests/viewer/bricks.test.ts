import { describe, expect, test } from "vitest";
import {
  asBytes, asHalves, cellRanges, DamagedBrick, decodeLabelBrick, decodeVolumeBrick, EXACT_TO, halfOf, UNMEASURED_HALF,
} from "../../src/viewer/loading/brick_codec.ts";
import { brickOf, brickPlace, brickShape, ByteCache, runsOf } from "../../src/viewer/loading/bricks.ts";
import type { BrickLevel } from "../../src/viewer/model/manifest.ts";

/** What the server writes before it deflates. */
function coded(voxels: readonly number[], columns: number): Uint8Array {
  const deltas = voxels.map((v, i) => (i % columns === 0 ? v : v - voxels[i - 1]!) & 0xffff);
  return Uint8Array.from([...deltas.map((d) => d & 255), ...deltas.map((d) => d >> 8)]);
}

/** The value of a half float, by its definition (IEEE 754 binary16). */
function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Infinity;
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
}

const LEVEL: BrickLevel = {
  file: "v", shape: [70, 64, 100], indexToLps: [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1], brick: 64, grid: [2, 1, 2],
  bricks: [[0, 100, 0, 9], [100, 50, 0, 9], [150, 0, 5, 5], [150, 70, 0, 9]],
};

describe("a brick of the scan", () => {
  test("comes back as it was, over all values and wherever rows begin", () => {
    const voxels = [-32768, 32767, 0, -1, 1, 1000, -1000, 3071, -32768, -32768, 7, 8];
    expect([...decodeVolumeBrick(coded(voxels, 4), [1, 3, 4])]).toEqual(voxels);
    expect([...decodeVolumeBrick(coded(voxels, 3), [2, 2, 3])]).toEqual(voxels);
  });

  test("is told to be damaged when its bytes are too few or too many", () => {
    expect(() => decodeVolumeBrick(new Uint8Array(7), [1, 2, 2])).toThrow(DamagedBrick);
    expect(() => decodeLabelBrick(new Uint8Array(5), [1, 2, 2], 1)).toThrow(DamagedBrick);
  });

  test("of labels comes back in one byte or in two planes", () => {
    expect([...decodeLabelBrick(Uint8Array.of(0, 1, 255, 3), [1, 2, 2], 1)]).toEqual([0, 1, 255, 3]);
    expect([...decodeLabelBrick(Uint8Array.of(44, 1, 1, 0), [1, 1, 2], 2)]).toEqual([44 + 256, 1]);
  });

  test("can be inflated by what browsers have", async () => {
    const voxels = Array.from({ length: 60 }, (_, i) => i * 37 - 1000);
    const through = async (bytes: Uint8Array<ArrayBuffer>, way: GenericTransformStream): Promise<Uint8Array<ArrayBuffer>> =>
      new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(way as ReadableWritablePair<BufferSource, BufferSource>)).arrayBuffer());
    const deflated = await through(Uint8Array.from(coded(voxels, 5)), new CompressionStream("deflate-raw"));
    const bytes = await through(deflated, new DecompressionStream("deflate-raw"));
    expect([...decodeVolumeBrick(bytes, [3, 4, 5])]).toEqual(voxels);
  });
});

describe("in a texture", () => {
  test("every integer up to 2048 either way is exact in half precision", () => {
    for (let value = -EXACT_TO; value <= EXACT_TO; value++) expect(valueOf(halfOf(value))).toBe(value + 0);
  });

  test("beyond that an integer is the nearest half, and no further than half a step", () => {
    for (let value = 2049; value < 32768; value += 7) {
      const step = 2 ** (Math.floor(Math.log2(value)) - 10);
      expect(Math.abs(valueOf(halfOf(value)) - value)).toBeLessThanOrEqual(step / 2);
      expect(halfOf(-value)).toBe(halfOf(value) | 0x8000);
    }
    expect(valueOf(halfOf(2049))).toBe(2048);
    expect(valueOf(halfOf(2051))).toBe(2052);
    expect(valueOf(halfOf(4095))).toBe(4096);
    expect(valueOf(halfOf(32767))).toBe(32768);
  });

  test("what was not measured is below every value", () => {
    const halves = asHalves(Int16Array.of(-32768, 0, 40), -32768);
    expect(halves[0]).toBe(UNMEASURED_HALF);
    expect(valueOf(halves[0]!)).toBe(-Infinity);
    expect([...halves].slice(1).map(valueOf)).toEqual([0, 40]);
    expect(valueOf(asHalves(Int16Array.of(-32768), null)[0]!)).toBe(-32768);
  });

  test("in eight bits 0 is left for what was not measured, and the ends of the range are the ends", () => {
    expect([...asBytes(Int16Array.of(-32768, -1000, 1000, 0), -32768, [-1000, 1000])]).toEqual([0, 1, 255, 128]);
  });
});

describe("cells", () => {
  test("hold their own voxels and the first of the next, because filtering mixes them", () => {
    const voxels = new Int16Array(1 * 1 * 20).map((_, i) => i);
    expect([...cellRanges(voxels, [1, 1, 20], null)].slice(-8)).toEqual([0, 0, 0, 8, 8, 16, 16, 19]);
  });

  test("know nothing where nothing was measured", () => {
    const voxels = new Int16Array(8).fill(-32768);
    expect([...cellRanges(voxels, [1, 1, 8], -32768)].slice(-4)).toEqual([32767, -32768, 32767, -32768]);
  });
});

describe("bricks of a level", () => {
  test("stand in the order of slices, rows and columns, and are smaller at the far edges", () => {
    expect(brickPlace(LEVEL, 3)).toEqual([1, 0, 1]);
    expect(brickShape(LEVEL, 0)).toEqual([64, 64, 64]);
    expect(brickShape(LEVEL, 3)).toEqual([6, 64, 36]);
  });

  test("are found from a voxel, with the place in them", () => {
    expect(brickOf(LEVEL, [65, 2, 70])).toEqual({ index: 3, place: (1 * 64 + 2) * 36 + 6 });
    expect(brickOf(LEVEL, [70, 0, 0])).toBeUndefined();
    expect(brickOf(LEVEL, [0, -1, 0])).toBeUndefined();
  });

  test("that lie side by side are fetched as one, and those of one value not at all", () => {
    const runs = runsOf(LEVEL.bricks, [3, 0, 1, 2]);
    expect(runs).toEqual([{ offset: 0, end: 220, indices: [0, 1, 3] }]);
    const far = [[0, 10, 0, 1], [1 << 20, 10, 0, 1]] as const;
    expect(runsOf(far, [0, 1]).length).toBe(2);
  });
});

describe("what is kept in memory", () => {
  test("never passes its limit, and what was used last stays", () => {
    const cache = new ByteCache<Uint8Array>(100);
    cache.set("a", new Uint8Array(40));
    cache.set("b", new Uint8Array(40));
    cache.get("a");
    cache.set("c", new Uint8Array(40));
    expect(cache.bytes).toBeLessThanOrEqual(100);
    expect([cache.get("a"), cache.get("b"), cache.get("c")].map((one) => one?.length)).toEqual([40, undefined, 40]);
    cache.set("huge", new Uint8Array(101));
    expect(cache.get("huge")).toBeUndefined();
    expect(cache.bytes).toBe(80);
  });
});
