import { describe, expect, test } from "vitest";
import { sidesFor } from "../../src/viewer/model/clipping.ts";
import { angleDegrees, distanceMm, measured, toCsv } from "../../src/viewer/model/measure.ts";
import { foot, isKept, keptSide, outline, reach, sidesOf } from "../../src/viewer/model/plane.ts";
import { found, organsIn, treeOf } from "../../src/viewer/model/tree.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { type Bounds, type Vec3, dot, length } from "../../src/viewer/model/vectors.ts";
import { organJson, sceneJson } from "./scenes.ts";

const BOX: Bounds = [[0, 0, 0], [10, 20, 30]];

describe("planes", () => {
  test("a plane takes away what lies beyond it, flipped what lies before", () => {
    const plane = { normal: [0, 0, 1] as Vec3, offsetMm: 5, isFlipped: false };
    expect(isKept([0, 0, 4], [keptSide(plane)])).toBe(true);
    expect(isKept([0, 0, 6], [keptSide(plane)])).toBe(false);
    expect(isKept([0, 0, 6], [keptSide({ ...plane, isFlipped: true })])).toBe(true);
  });

  test("a box keeps its inside", () => {
    expect(isKept([5, 5, 5], sidesOf(BOX))).toBe(true);
    for (const outside of [[-1, 5, 5], [5, 21, 5], [5, 5, 31]] as Vec3[]) expect(isKept(outside, sidesOf(BOX))).toBe(false);
  });

  test("a plane cuts only the organs it is meant for, the box all", () => {
    const plane = { id: "1", normal: [1, 0, 0] as Vec3, offsetMm: 5, isFlipped: false, scope: ["liver"] };
    expect(sidesFor({ planes: [plane], box: null }, "liver").length).toBe(1);
    expect(sidesFor({ planes: [plane], box: null }, "kidney").length).toBe(0);
    expect(sidesFor({ planes: [plane], box: BOX }, "kidney").length).toBe(6);
  });

  test("its outline in a box is a rectangle straight on, a triangle at a corner, nothing beside it", () => {
    expect(outline({ normal: [0, 0, 1], offsetMm: 12 }, BOX).map(([x, y]) => `${x},${y}`).sort()).toEqual(["0,0", "0,20", "10,0", "10,20"]);
    const third = 1 / Math.sqrt(3);
    const corner = outline({ normal: [third, third, third], offsetMm: third * 3 }, BOX);
    expect(corner.length).toBe(3);
    for (const point of corner) expect(dot(point, [third, third, third])).toBeCloseTo(third * 3);
    expect(outline({ normal: [0, 0, 1], offsetMm: 31 }, BOX)).toEqual([]);
  });

  test("it reaches through a box from its first corner to its last, and a foot lies in it", () => {
    expect(reach([0, 1, 0], BOX)).toEqual([0, 20]);
    expect(foot({ normal: [0, 0, 1], offsetMm: 7 }, [3, 4, 30])).toEqual([3, 4, 7]);
  });
});

describe("measures", () => {
  test("three, four, five", () => {
    expect(distanceMm([[0, 0, 0], [3, 4, 0]])).toBe(5);
    expect(angleDegrees([[1, 0, 0], [0, 0, 0], [0, 1, 0]])).toBeCloseTo(90);
    expect(angleDegrees([[1, 0, 0], [0, 0, 0], [-1, 0, 0]])).toBeCloseTo(180);
    expect(angleDegrees([[0, 0, 0], [0, 0, 0], [0, 1, 0]])).toBeNaN();
    expect(measured("distance", [[0, 0, 0]])).toBeNaN();
  });

  test("a table has a dot for decimals, quotes what needs it, and no formulas", () => {
    const rows = [
      { kind: "distance", name: 'a "long", one', value: 12.34567, unit: "mm", pointsLpsMm: [[1, 2, 3], [4, 5, 6]] as Vec3[] },
      { kind: "angle", name: "=HYPERLINK(1)", value: 90, unit: "deg", pointsLpsMm: [] },
    ];
    const lines = toCsv(rows).split("\r\n");
    expect(lines[0]?.split(",").length).toBe(13);
    expect(lines[1]).toBe('distance,"a ""long"", one",12.346,mm,1.000,2.000,3.000,4.000,5.000,6.000,,,');
    expect(lines[2]).toMatch(/^angle,'=HYPERLINK\(1\),90\.000,deg,/);
    expect(length([0, 0, 0])).toBe(0);
  });
});

describe("the tree", () => {
  const manifest = readManifest(
    sceneJson({
      organs: [organJson("lung", { parent: "chest" }), organJson("heart", { parent: "chest" }), organJson("skin"), organJson("lost", { parent: "nowhere" })],
      groups: [{ id: "chest", name: "Brust", parent: "body" }, { id: "body", name: "Körper", parent: null }, { id: "empty", name: "Leer", parent: null }],
    }),
  );

  test("organs stand in their groups, and a group without organs is not there", () => {
    const tree = treeOf(manifest);
    expect(tree.map(({ id }) => id)).toEqual(["body", "skin", "lost"]);
    expect(tree[0]?.children[0]?.children.map(({ id }) => id)).toEqual(["lung", "heart"]);
    expect(organsIn(tree[0] as (typeof tree)[0]).length).toBe(2);
  });

  test("a search finds without accents and capitals, and shows what it stands in", () => {
    expect(found(treeOf(manifest), "KORPER")[0]?.id).toBe("body");
    const lung = found(treeOf(manifest), "the lu");
    expect(lung[0]?.children[0]?.children.map(({ id }) => id)).toEqual(["lung"]);
    expect(found(treeOf(manifest), "zzz")).toEqual([]);
  });

  test("groups in a circle lose no organ", () => {
    const circle = readManifest(sceneJson({ organs: [organJson("a", { parent: "x" })], groups: [{ id: "x", name: "X", parent: "y" }, { id: "y", name: "Y", parent: "x" }] }));
    expect(treeOf(circle).flatMap(organsIn).map(({ id }) => id)).toEqual(["a"]);
  });
});
