import { describe, expect, test } from "vitest";
import { CellRanges, distances, isAnyShown, shownValues } from "../../src/viewer/model/cells.ts";
import { afterBand, afterMoving, bandOf, FIRST_QUALITY } from "../../src/viewer/model/quality.ts";
import {
  hexOf, rgbOf, tidied, transferAt, transferPresets, transferSpan, transferTable, type TransferPoint,
} from "../../src/viewer/model/transfer.ts";
import { automaticWindow, dragged, greyOf, WINDOWS_CT } from "../../src/viewer/model/windows.ts";

const POINTS: readonly TransferPoint[] = [
  { value: 0, colour: "#000000", opacity: 0 },
  { value: 100, colour: "#ff0000", opacity: 0.5 },
  { value: 300, colour: "#ffffff", opacity: 1 },
];

describe("a window", () => {
  test("is black at its low end, white at its high end and straight between", () => {
    const window = { centre: 40, width: 400 };
    expect([-160, 40, 240, -1000, 3000].map((v) => greyOf(v, window))).toEqual([0, 0.5, 1, 0, 1]);
    expect(greyOf(140, window)).toBeCloseTo(0.75, 12);
  });

  test("is found from the values, leaving out what was not measured and the outermost hundredths", () => {
    const values = [...Array.from({ length: 1001 }, (_, i) => i), ...Array<number>(5000).fill(-32768)];
    expect(automaticWindow(values, -32768)).toEqual({ centre: 500, width: 980 });
    expect(automaticWindow([-32768], -32768)).toBeUndefined();
  });

  test("grows wider to the right, shows brighter upwards, and never becomes nothing", () => {
    const from = { centre: 40, width: 400 };
    expect(dragged(from, 200, 0)).toEqual({ centre: 40, width: 800 });
    expect(dragged(from, 0, 100).centre).toBe(-60);
    expect(dragged(from, -100000, 0).width).toBe(1);
  });

  test("of every preset has a width", () => {
    for (const preset of WINDOWS_CT) expect(preset.width).toBeGreaterThan(0);
  });
});

describe("a transfer function", () => {
  test("runs straight between its points and holds beyond its ends", () => {
    expect(transferAt(POINTS, 50)).toEqual([0.5, 0, 0, 0.25]);
    expect(transferAt(POINTS, 200)).toEqual([1, 0.5, 0.5, 0.75]);
    expect(transferAt(POINTS, -5)[3]).toBe(0);
    expect(transferAt(POINTS, 5000)[3]).toBe(1);
    expect(transferAt([], 5)).toEqual([0, 0, 0, 0]);
  });

  test("swallows over one millimetre what its opacity says, in one step or in four", () => {
    const table = transferTable([{ ...POINTS[0]!, opacity: 0.4 }, { ...POINTS[1]!, opacity: 0.4 }], 3);
    const perMm = table[3]!;
    expect(1 - Math.exp(-perMm)).toBeCloseTo(0.4, 6);
    expect(1 - Math.exp(-perMm / 4) ** 4).toBeCloseTo(0.4, 6);
  });

  test("stays finite where it is quite opaque", () => {
    expect(transferTable(POINTS, 8).every(Number.isFinite)).toBe(true);
  });

  test("from anywhere is put in order and within bounds", () => {
    const wild = [{ value: 5, colour: "red", opacity: 7 }, { value: Number.NaN, colour: "#000000", opacity: 0 }, { value: -5, colour: "#ABCDEF", opacity: -1 }];
    expect(tidied(wild)).toEqual([{ value: -5, colour: "#abcdef", opacity: 0 }, { value: 5, colour: "#ffffff", opacity: 1 }]);
  });

  test("of one value has a span all the same", () => {
    expect(transferSpan([POINTS[0]!])).toEqual([0, 1]);
  });

  test("of every preset runs upwards in value and shows something", () => {
    for (const preset of [...transferPresets("HU", [-1000, 2000]), ...transferPresets("a.u.", [50, 900])]) {
      expect(tidied(preset.points)).toEqual(preset.points);
      expect(Math.max(...preset.points.map((p) => p.opacity))).toBeGreaterThan(0);
    }
  });

  test("for MR lies within the values there are", () => {
    for (const { points } of transferPresets("a.u.", [50, 900]))
      for (const { value } of points) expect(value >= 50 && value <= 900).toBe(true);
  });

  test("colours go there and back", () => {
    expect(hexOf(rgbOf("#8a4a3a"))).toBe("#8a4a3a");
  });
});

describe("empty space", () => {
  test("is what no value of a range shows, and one step of margin counts as shown", () => {
    const shown = shownValues(0, 100, Array.from({ length: 101 }, (_, i) => (i > 50 ? 1 : 0)));
    expect(isAnyShown(shown, 0, 40)).toBe(false);
    expect(isAnyShown(shown, 0, 50)).toBe(true);
    expect(isAnyShown(shown, 60, 70)).toBe(true);
    expect(isAnyShown(shown, 500, 900)).toBe(true);
    expect(isAnyShown(shown, -900, -500)).toBe(false);
    expect(isAnyShown(shown, 32767, -32768)).toBe(false);
  });

  test("is as far from something as a king would walk", () => {
    const size = [9, 7, 5] as const;
    const isShown = new Uint8Array(9 * 7 * 5);
    const at = (x: number, y: number, z: number): number => (z * 7 + y) * 9 + x;
    isShown[at(2, 3, 1)] = isShown[at(8, 6, 4)] = 1;
    const far = distances(isShown, size);
    for (let z = 0; z < 5; z++)
      for (let y = 0; y < 7; y++)
        for (let x = 0; x < 9; x++) {
          const king = (a: number, b: number, c: number): number => Math.max(Math.abs(x - a), Math.abs(y - b), Math.abs(z - c));
          expect(far[at(x, y, z)]).toBe(Math.min(king(2, 3, 1), king(8, 6, 4)));
        }
    expect(Math.min(...distances(new Uint8Array(8), [2, 2, 2]))).toBe(255);
  });

  test("grows ranges only within the grid", () => {
    const ranges = new CellRanges([2, 1, 1]);
    ranges.widen(-1, 0, 0, 5, 6);
    ranges.widen(1, 0, 0, 5, 6);
    ranges.widen(1, 0, 0, 3, 4);
    expect([...ranges.ranges]).toEqual([32767, -32768, 3, 6]);
  });
});

describe("quality", () => {
  test("falls while frames are slow, and comes back when they are quick", () => {
    let quality = FIRST_QUALITY;
    for (let i = 0; i < 40; i++) quality = afterMoving(quality, 400);
    expect(quality.share).toBe(0.2);
    expect(quality.bands).toBe(16);
    for (let i = 0; i < 60; i++) quality = afterMoving(quality, 8);
    expect(quality.share).toBe(1);
    expect(quality.bands).toBe(1);
  });

  test("cuts a slow still picture into more strips, and a quick one into fewer", () => {
    const slow = afterBand({ ...FIRST_QUALITY, bands: 2 }, 600);
    expect(slow.bands).toBe(10);
    expect(slow.passes).toBeLessThan(FIRST_QUALITY.passes);
    expect(afterBand(slow, 5).bands).toBe(1);
  });

  test("strips cover every row once", () => {
    for (const bands of [1, 3, 16]) {
      const rows = Array.from({ length: bands }, (_, i) => bandOf(i, bands, 101)).flatMap(([first, count]) => Array.from({ length: count }, (_, k) => first + k));
      expect(rows).toEqual(Array.from({ length: 101 }, (_, i) => i));
    }
  });
});
