import { expect, test } from "vitest";
import { outlinePixels } from "../../src/viewer/model/outlines.ts";
import { scaleBar } from "../../src/viewer/model/scale_bar.ts";

test("a scale bar has a round length, as long as fits, and its pixels are that length", () => {
  for (let mmPerPixel = 1e-4; mmPerPixel < 100; mmPerPixel *= 1.37) {
    const bar = scaleBar(mmPerPixel, 700);
    if (!bar) throw new Error("no bar");
    expect(bar.pixels).toBeLessThanOrEqual(700.001);
    expect(bar.pixels).toBeGreaterThan(700 / 2.51);
    expect(bar.pixels * mmPerPixel).toBeCloseTo(bar.mm, 9);
    expect(["1", "2", "5"]).toContain(Number(bar.mm.toPrecision(6)).toExponential().split("e")[0]);
  }
  expect(scaleBar(0.1, 500)?.mm).toBeCloseTo(50, 12);
});

test("where a pixel has no length there is none", () => {
  for (const odd of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) expect(scaleBar(odd, 700)).toBeNull();
});

test("outlines are as thick in a large picture as on the screen, and never thinner than a pixel", () => {
  expect(outlinePixels(2160, 540)).toBe(4);
  expect(outlinePixels(1080, 540)).toBe(2);
  // While it moves it is drawn coarser.
  expect(outlinePixels(270, 540)).toBe(1);
  // The slices stand alone: nothing tells how large the 3D view would be.
  expect(outlinePixels(2160, 0)).toBeCloseTo(2.7, 12);
});
