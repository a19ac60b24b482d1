import { describe, expect, test } from "vitest";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { sceneJson } from "./scenes.ts";

type Json = Record<string, unknown>;

const MATRIX = [[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]];
const level = (more: Json = {}): Json => ({
  file: "view/volume-0.bin", shape: [70, 64, 64], index_to_lps: MATRIX, brick: 64, grid: [2, 1, 1],
  bricks: [[0, 10, -5, 9], [10, 0, 4, 4]], ...more,
});
const volume = (more: Json = {}): Json => ({
  quantity: "HU", dtype: "int16", range: [-1000, 2000], unmeasured: -32768, scale: 1, offset: 0,
  window: { centre: 40, width: 400 }, levels: [level()], ...more,
});
const read = (more: Json, labels: Json | null = null) => readManifest(sceneJson({ volume: volume(more), labels }));

describe("a scan's list is read warily", () => {
  test("what the server writes is read whole", () => {
    const { volume: found, leftOut } = read({});
    expect(leftOut).toEqual([]);
    expect(found?.levels[0]?.bricks).toEqual([[0, 10, -5, 9], [10, 0, 4, 4]]);
    expect(found?.unmeasured).toBe(-32768);
  });

  const LIES: readonly (readonly [string, Json])[] = [
    ["a scale of nothing", { scale: 0 }],
    ["a scale too small to divide by", { scale: 5e-324 }],
    ["a range upside down", { range: [5, -5] }],
    ["a range without end", { range: [0, 1e308] }],
    ["an offset without end", { offset: 1e300 }],
    ["a window without width", { window: { centre: 0, width: 0 } }],
    ["an unmeasured value that no voxel can have", { unmeasured: 70000 }],
    ["a type that is not known", { dtype: "float64" }],
    ["no levels", { levels: [] }],
    ["too many levels", { levels: Array<Json>(13).fill(level()) }],
    ["bricks of another edge", { levels: [level({ brick: 512, grid: [1, 1, 1], bricks: [[0, 0, 5, 5]] })] }],
    ["a coarsest level that fills the memory", { levels: [level({ shape: [161, 64, 64], grid: [3, 1, 1], bricks: Array<number[]>(3).fill([0, 0, 5, 5]) })] }],
    ["an edge that no card can hold", { levels: [level({ shape: [51200, 1, 1], grid: [800, 1, 1], bricks: Array<number[]>(800).fill([0, 0, 5, 5]) })] }],
    ["fewer bricks than the grid has", { levels: [level({ bricks: [[0, 10, 0, 9]] })] }],
    ["a flat matrix", { levels: [level({ index_to_lps: [[0, 0, 0, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]] })] }],
    ["a scan as large as the solar system", { levels: [level({ index_to_lps: [[0, 0, 1e9, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]] })] }],
  ];

  const BRICKS: readonly (readonly [string, Json])[] = [
    ["a brick without bytes and a value that no voxel can have", { bricks: [[0, 10, -5, 9], [10, 0, 40000, 40000]] }],
    ["a brick without bytes and two values", { bricks: [[0, 10, -5, 9], [10, 0, 4, 5]] }],
    ["a brick whose least is above its greatest", { bricks: [[0, 10, 9, -5], [10, 0, 4, 4]] }],
    ["a brick with a fraction", { bricks: [[0, 10, -5.5, 9], [10, 0, 4, 4]] }],
    ["a brick larger than all it can hold", { bricks: [[0, 2 ** 21, -5, 9], [10, 0, 4, 4]] }],
    ["hashes of fewer bricks than there are", { sha256: ["0".repeat(64)] }],
    ["a brick with bytes and no hash among those that have one", { sha256: [null, null] }],
  ];
  const LEVEL_LIES = BRICKS.map(([name, more]) => [name, { levels: [level(more)] }] as const);

  test("hashes of bricks are taken up where there are any", () => {
    const hashes = ["a".repeat(64), null];
    expect(read({ levels: [level({ sha256: hashes })] }).volume?.levels[0]?.sha256).toEqual(hashes);
    expect(read({}).volume?.levels[0]?.sha256).toBeUndefined();
  });

  test("a label that its type cannot hold costs the labels alone", () => {
    const bricks = [[0, 0, 300, 300], [0, 0, 1, 1]];
    expect(read({}, { dtype: "uint8", levels: [level({ bricks })] }).labels).toBeNull();
    expect(read({}, { dtype: "uint16", levels: [level({ bricks })] }).labels).not.toBeNull();
  });

  test.each([...LIES, ...LEVEL_LIES])("%s costs the scan alone, and is named", (_, more) => {
    const found = read(more);
    expect(found.volume).toBeNull();
    expect(found.leftOut.length).toBe(1);
    expect(found.leftOut[0]).toMatch(/^volume/);
    expect(found.organs.length).toBe(2);
  });

  test("labels that lie cost the labels alone", () => {
    const found = read({}, { dtype: "float32", levels: [level()] });
    expect(found.labels).toBeNull();
    expect(found.volume).not.toBeNull();
  });

  test("a scan of one value all over is a scan", () => {
    expect(read({ range: [5, 5] }).volume).not.toBeNull();
  });
});
