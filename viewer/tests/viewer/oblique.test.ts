import { describe, expect, test } from "vitest";
import { lineIn, pushedIn, slantDegrees, turnedIn } from "../../src/viewer/model/oblique.ts";
import { ORTHOGONAL, axesOf, fittedView } from "../../src/viewer/model/slice_view.ts";
import { type Bounds, type Vec3, dot, length } from "../../src/viewer/model/vectors.ts";

const BOX: Bounds = [[-100, -60, 0], [100, 60, 300]];
const MIDDLE: Vec3 = [0, 0, 150];
const paneOf = (orientation: (typeof ORTHOGONAL)[number]) => fittedView(axesOf(orientation, null), BOX, MIDDLE, 400, 300);
const NORMALS: Vec3[] = [[0.6, 0.8, 0], [0.36, 0.48, 0.8], [-0.8, 0.6, 0]];

describe("the line of the oblique plane in another slice", () => {
  test.each(ORTHOGONAL)("%s: turned by an angle the line goes around by that angle, with the pointer", (orientation) => {
    const view = paneOf(orientation);
    for (const normal of NORMALS) {
      const before = lineIn(view, normal);
      const inPlane = turnedIn(view, normal, 0.4);
      const after = lineIn(view, inPlane);
      if (!before || !after) throw new Error("no line");
      const [from, to] = [before.along, after.along].map(([x, y]) => Math.atan2(y, x)) as [number, number];
      // A line has no direction: modulo half a turn. Down is positive, so clockwise is more.
      expect((((to - from) % Math.PI) + Math.PI) % Math.PI).toBeCloseTo(0.4, 9);
      expect(length(inPlane)).toBeCloseTo(1, 12);
      expect(dot(inPlane, view.axes.across)).toBeCloseTo(dot(normal, view.axes.across), 12);
    }
  });

  test.each(ORTHOGONAL)("%s: pulled, the line comes along with the pointer and the slice stays", (orientation) => {
    const view = paneOf(orientation);
    for (const normal of NORMALS) {
      const line = lineIn(view, normal);
      if (!line) throw new Error("no line");
      const by = pushedIn(view, line, 30, -12);
      expect(dot(by, view.axes.across)).toBeCloseTo(0, 12);
      const pulled: Vec3 = [0, 1, 2].map((i) => ((view.axes.right[i] ?? 0) * 30 - (view.axes.down[i] ?? 0) * 12) * view.mmPerPixel) as unknown as Vec3;
      // The pointer and the moved line lie in one plane with that normal.
      expect(dot(by, normal)).toBeCloseTo(dot(pulled, normal), 9);
    }
    const line = lineIn(view, NORMALS[0] as Vec3);
    if (line) expect(length(pushedIn(view, line, line.along[0] * 50, line.along[1] * 50))).toBeCloseTo(0, 9);
  });

  test("where the planes are one there is no line", () => {
    expect(lineIn(paneOf("axial"), [0, 0, 1])).toBeNull();
    expect(lineIn(paneOf("coronal"), [0, -1, 0])).toBeNull();
  });

  test("its slant counts from level, counter-clockwise", () => {
    const slant = (x: number, y: number) => slantDegrees({ along: [x, y], across: [-y, x] });
    expect([slant(1, 0), slant(-1, 0), slant(0, 1), slant(0, -1)]).toEqual([-0, 0, 90, 90].map((one) => expect.closeTo(one, 9)));
    expect(slant(1, -1)).toBeCloseTo(45, 9);
    expect(slant(-1, -1)).toBeCloseTo(-45, 9);
  });
});
