// Where the line of a name ends: on what is seen of its organ.
import { expect, test } from "vitest";
import { decodeMesh } from "../../src/viewer/loading/decode_mesh.ts";
import type { AnchorWish } from "../../src/viewer/loading/mesh_messages.ts";
import { type MeshTree, growTree, seenPoint } from "../../src/viewer/loading/mesh_tree.ts";
import { type Vec3, length, subtract } from "../../src/viewer/model/vectors.ts";
import { ball } from "./scenes.ts";

const CENTRE: Vec3 = [0, 0, 0];
const EYE: Vec3 = [0, -400, 0];
const plain: AnchorWish = { eyeLpsMm: EYE, toleranceMm: 1, ids: ["ball"], organs: [], glass: [], sheets: [] };
const solid = { ...plain, organs: [{ id: "ball", sides: [] }] };
const bounds = [[-100, -100, -100], [100, 100, 100]] as const;

async function treeOf(centre: Vec3, radius: number): Promise<MeshTree> {
  const { bytes, mesh } = await ball(centre, radius, 64);
  return growTree(await decodeMesh({ id: "ball", level: "coarse", mesh }, bytes));
}

test("of a ball it ends on the wall that is seen", async () => {
  const grown = await treeOf(CENTRE, 40);
  const point = seenPoint("ball", solid, () => grown)!;
  expect(length(point)).toBeCloseTo(40, 0);
  expect(point[1]).toBeLessThan(0);
});

test("of a cut ball it ends well within the face of the cut", async () => {
  const grown = await treeOf(CENTRE, 40);
  // What lies before the plane y = 10 is taken away: its face is a disc of 38.7 mm.
  const point = seenPoint("ball", { ...plain, organs: [{ id: "ball", sides: [{ normal: [0, 1, 0], constant: -10 }] }] }, () => grown)!;
  expect(point[1]).toBeCloseTo(10, 6);
  expect(length(subtract(point, [0, 10, 0]))).toBeLessThan(15);
});

test("a slice before a ball hides it, and one through it hides what lies behind", async () => {
  const grown = await treeOf(CENTRE, 40);
  const sheet = { normal: [0, 1, 0] as Vec3, boundsLpsMm: bounds };
  const seen = (y: number) => seenPoint("ball", { ...solid, sheets: [{ ...sheet, pointLpsMm: [0, y, 0] }] }, () => grown);
  expect(seen(-60)).toBeNull();
  expect(seen(-20)![1]).toBeLessThan(-18);
  expect(seen(60)).toEqual(seenPoint("ball", solid, () => grown));
  // A slice that ends beside the way hides nothing.
  const aside = { ...sheet, pointLpsMm: [0, -60, 0] as Vec3, boundsLpsMm: [[200, -100, -100], [300, 100, 100]] as const };
  expect(seenPoint("ball", { ...solid, sheets: [aside] }, () => grown)).not.toBeNull();
});

test("of a hull of glass that is cut it ends where nothing is seen through it", async () => {
  const hull = await treeOf(CENTRE, 80);
  const inner = await treeOf(CENTRE, 40);
  const sides = [{ normal: [0, 0, 1] as Vec3, constant: 100 }];
  const wish: AnchorWish = {
    ...plain,
    organs: [{ id: "ball", sides, isOnlyCut: true }, { id: "inner", sides: [] }],
    glass: [{ id: "ball", sides, isOnlyCut: true }],
  };
  const point = seenPoint("ball", wish, (id) => (id === "inner" ? inner : hull))!;
  // The way from the eye past the inner ball leads by it at 40 mm or more.
  const along = subtract(point, EYE);
  const past = Math.hypot(along[0], along[2]) / length(along) * 400;
  expect(past).toBeGreaterThan(39);
});
