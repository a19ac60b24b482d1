import { describe, expect, test } from "vitest";
import { applied, appliedToDirection, chained, forColumnsFirst, inverse, spacings } from "../../src/viewer/model/affine.ts";
import {
  anglesOf, awayFrom, axesOf, crossing, fittedView, letters, lpsAt, normalOf, ORTHOGONAL, pixelOf, planesThrough, reachOf, stepAlong,
} from "../../src/viewer/model/slice_view.ts";
import { type Bounds, type Vec3, cross, dot, length, scale } from "../../src/viewer/model/vectors.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import { arranged, planesOf } from "../../src/viewer/state/layouts.ts";
import type { Room, SlicesState } from "../../src/viewer/state/view_state.ts";
import { sceneJson } from "./scenes.ts";
import { placeAt } from "../../src/viewer/slices/probe.ts";

/** (slice, row, column) turned by 30 degrees about the long axis, 3 x 0.8 x 0.8 mm. */
const [SIN, COS] = [Math.sin(Math.PI / 6), Math.cos(Math.PI / 6)];
const TURNED = [0, -SIN * 0.8, COS * 0.8, -20, 0, COS * 0.8, SIN * 0.8, 5, 3, 0, 0, 40, 0, 0, 0, 1];
const BOX: Bounds = [[-100, -60, 0], [100, 60, 300]];
const near = (a: readonly number[], b: readonly number[]): void => a.forEach((v, i) => expect(v).toBeCloseTo(b[i]!, 9));

describe("where a voxel lies", () => {
  test("goes there and back, turned and stretched", () => {
    const back = inverse(TURNED)!;
    near(applied(back, applied(TURNED, [7, 11, 13])), [7, 11, 13]);
    near(chained(back, TURNED), [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]);
    near(appliedToDirection(TURNED, [1, 0, 0]), [0, 0, 3]);
    expect(inverse([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])).toBeUndefined();
  });

  test("is the same with columns first", () => {
    near(applied(forColumnsFirst(TURNED), [13, 11, 7]), applied(TURNED, [7, 11, 13]));
    near(spacings(TURNED), [3, 0.8, 0.8]);
  });

  test("is the nearest voxel of a point, and none outside", () => {
    const level = { file: "", shape: [10, 20, 30] as Vec3, indexToLps: TURNED, brick: 64, grid: [1, 1, 1] as Vec3, bricks: [] };
    expect(placeAt(level, applied(TURNED, [3.4, 5.6, 7.1]))).toEqual([3, 6, 7]);
    expect(placeAt(level, applied(TURNED, [-0.6, 5, 7]))).toBeUndefined();
    expect(placeAt(level, applied(TURNED, [9.4, 19.4, 29.4]))).toEqual([9, 19, 29]);
  });
});

describe("a slice on the screen", () => {
  test("hangs as radiologists hang it: the patient's right at the left, the front above, the head above", () => {
    const { right, down } = axesOf("axial", null);
    expect([letters(scale(right, -1)), letters(right), letters(scale(down, -1)), letters(down)]).toEqual(["R", "L", "A", "P"]);
    const coronal = axesOf("coronal", null);
    expect([letters(scale(coronal.right, -1)), letters(scale(coronal.down, -1))]).toEqual(["R", "S"]);
    const sagittal = axesOf("sagittal", null);
    expect([letters(scale(sagittal.right, -1)), letters(scale(sagittal.down, -1))]).toEqual(["A", "S"]);
  });

  test("has right-handed axes of length one, oblique ones too", () => {
    const normals: Vec3[] = [[0, 0, 1], [0, 0, -1], [1, 2, 3], [-5, 0.1, 0], [0, -1, 0]];
    for (const axes of [...ORTHOGONAL.map((one) => axesOf(one, null)), ...normals.map((n) => axesOf("oblique", n))]) {
      for (const axis of [axes.right, axes.down, axes.across]) expect(length(axis)).toBeCloseTo(1, 12);
      near(cross(axes.right, axes.down), axes.across);
    }
  });

  test("keeps the head upwards as far as an oblique plane allows", () => {
    for (const n of [[1, 2, 0.5], [0, 1, 0.9], [-1, 0, -0.2]] as Vec3[]) expect(axesOf("oblique", n).down[2]).toBeLessThan(0);
  });

  test("names a direction between two with both letters, the stronger first", () => {
    expect(letters([0.8, -0.6, 0])).toBe("LA");
    expect(letters([0.1, 0, -0.99])).toBe("I");
  });

  test("finds the point under a pixel and the pixel of a point", () => {
    const view = fittedView(axesOf("coronal", null), BOX, [10, -20, 30], 400, 300, 2, [5, -7]);
    const p = lpsAt(view, 123, 45);
    near(pixelOf(view, p), [123, 45]);
    expect(p[1]).toBeCloseTo(-20, 12);
    expect(awayFrom(view, p)).toBeCloseTo(0, 12);
    expect(awayFrom(view, [0, -23.5, 0])).toBeCloseTo(3.5, 12);
  });

  test("shows the whole box, as large as it fits", () => {
    const view = fittedView(axesOf("axial", null), BOX, [0, 0, 0], 400, 400);
    expect(view.mmPerPixel).toBeCloseTo(0.5, 12);
    near(pixelOf(view, [-100, 0, 0]), [0, 200]);
  });

  test("steps by one voxel on the axis it crosses fastest", () => {
    const back = inverse(forColumnsFirst(TURNED))!;
    expect(stepAlong(back, [0, 0, 1])).toBeCloseTo(3, 12);
    expect(stepAlong(back, [COS, SIN, 0])).toBeCloseTo(0.8, 12);
    near(reachOf(BOX, [0, 0, 1]), [0, 300]);
  });

  test("crosses another plane in a line, and itself in none", () => {
    const view = fittedView(axesOf("axial", null), BOX, [0, 0, 0], 100, 100);
    const line = crossing(view, axesOf("sagittal", null).across)!;
    expect(Math.abs(line[0])).toBeCloseTo(0, 12);
    expect(crossing(view, [0, 0, -1])).toBeNull();
  });

  test("has angles that lead back to it", () => {
    for (const [turn, tilt] of [[30, 30], [-120, 10], [0, -45]] as const) expect(anglesOf(normalOf(turn, tilt))).toEqual({ turn, tilt });
    expect(dot(normalOf(77, -31), normalOf(77, -31))).toBeCloseTo(1, 12);
  });
});

describe("which pictures are seen", () => {
  const scene = firstState(readManifest(sceneJson()), { profile: "phone", aspect: 1 });
  const seen = (room: Room, slices: Partial<SlicesState>) => arranged({ room, slices: { ...scene.slices, ...slices } });

  test("a layout has the slices that it names, with the oblique one where there is one", () => {
    expect(seen("wide", { layout: "3d", obliqueNormal: [0, 1, 0] })).toEqual({ kind: "3d", panes: [] });
    expect(seen("wide", { layout: "1+3" })).toEqual({ kind: "1+3", panes: ["axial", "coronal", "sagittal"] });
    expect(seen("wide", { layout: "1+3", obliqueNormal: [0, 1, 0] }).panes).toEqual(planesThrough([0, 1, 0]));
    expect(seen("one", { layout: "oblique", obliqueNormal: [0, 1, 0] })).toEqual({ kind: "slices", panes: ["oblique"] });
  });

  test("with room for two there is one slice below the 3D picture, with room for one there is one picture", () => {
    expect(seen("two", { layout: "1+3" })).toEqual({ kind: "1+1", panes: ["axial"] });
    expect(seen("two", { layout: "1+3", front: "sagittal", isBefore3d: true })).toEqual({ kind: "1+1", panes: ["sagittal"] });
    expect(seen("one", { layout: "1+3", front: "sagittal" })).toEqual({ kind: "3d", panes: [] });
    expect(seen("one", { layout: "1+3", front: "sagittal", isBefore3d: true })).toEqual({ kind: "slices", panes: ["sagittal"] });
    // The oblique plane was in front, and is taken away.
    expect(seen("two", { layout: "1+3", front: "oblique" }).panes).toEqual(["axial"]);
  });

  test("only planes that are seen are fetched finely", () => {
    const state = { ...scene, room: "one" as const, slices: { ...scene.slices, layout: "1+3" as const } };
    expect(planesOf(state)).toEqual([]);
    expect(planesOf({ ...state, slices: { ...state.slices, isBefore3d: true } }).map(({ normal }) => normal)).toEqual([[0, 0, 1]]);
    expect(planesOf({ ...state, slices: { ...state.slices, isIn3d: true } }).length).toBe(3);
  });
});
