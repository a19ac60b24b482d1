import { describe, expect, test } from "vitest";
import { decodeMesh } from "../../src/viewer/loading/decode_mesh.ts";
import { type MeshTree, growTree, pick } from "../../src/viewer/loading/mesh_tree.ts";
import { LoadFailed } from "../../src/viewer/loading/ranges.ts";
import { sidesOf } from "../../src/viewer/model/plane.ts";
import type { Vec3 } from "../../src/viewer/model/vectors.ts";
import { ball } from "./scenes.ts";

const CENTRE: Vec3 = [100, -50, 25];
const RADIUS = 40;

async function tree(centre = CENTRE, radius = RADIUS): Promise<MeshTree> {
  const { bytes, mesh } = await ball(centre, radius, 64);
  return growTree(await decodeMesh({ id: "ball", level: "coarse", mesh }, bytes));
}

describe("meshes come as they were sent", () => {
  test("every vertex lies on the ball and its normal looks away from the centre", async () => {
    const { bytes, mesh } = await ball(CENTRE, RADIUS);
    const read = await decodeMesh({ id: "ball", level: "coarse", mesh }, bytes);
    for (let at = 0; at < mesh.vertices; at += 1) {
      const from = [0, 1, 2].map((axis) => (read.origin[axis] ?? 0) + read.step * (read.positions[at * 4 + axis] ?? 0) - (CENTRE[axis] ?? 0));
      expect(Math.hypot(...from)).toBeCloseTo(RADIUS, 2);
      const along = from.reduce((sum, one, axis) => sum + (one / RADIUS) * ((read.normals[at * 4 + axis] ?? 0) / 127), 0);
      expect(along).toBeGreaterThan(0.98);
    }
  });

  test("damaged bytes are found by their hash, by the decoder, or by a corner that is not there", async () => {
    const { bytes, mesh } = await ball(CENTRE, RADIUS);
    const decode = (m: typeof mesh, b: typeof bytes) => decodeMesh({ id: "ball", level: "coarse", mesh: m }, b);
    await expect(decode({ ...mesh, sha256: "0".repeat(64) }, bytes)).rejects.toBeInstanceOf(LoadFailed);
    await expect(decode(mesh, new Uint8Array(bytes.length))).rejects.toBeInstanceOf(LoadFailed);
    await expect(decode({ ...mesh, vertices: mesh.vertices - 40 }, bytes)).rejects.toBeInstanceOf(LoadFailed);
  });
});

describe("a ray finds the surface", () => {
  test("straight at a ball it is hit a radius before its centre, to a hundredth of a millimetre", async () => {
    const grown = await tree();
    const hit = pick(
      { originLpsMm: [100, -250, 25], direction: [0, 1, 0], organs: [{ id: "ball", sides: [] }] },
      () => grown,
    );
    expect(hit?.pointLpsMm[1]).toBeCloseTo(-90, 1);
    expect(hit?.distanceMm).toBeCloseTo(160, 1);
    expect(hit?.normal[1]).toBeLessThan(-0.99);
  });

  test("a cut through the ball has a face, in the plane of the cut, that looks at the one who looks", async () => {
    const grown = await tree();
    const sides = [{ normal: [0, 1, 0] as Vec3, constant: 50 }];
    const ray = { originLpsMm: [110, -250, 25] as Vec3, direction: [0, 1, 0] as Vec3 };
    const hit = pick({ ...ray, organs: [{ id: "ball", sides }] }, () => grown);
    expect(hit?.pointLpsMm).toEqual([110, -50, 25]);
    expect(hit?.normal[1]).toBe(-1);
    // Of glass the face alone is met, and beside it nothing.
    expect(pick({ ...ray, organs: [{ id: "ball", sides, isOnlyCut: true }] }, () => grown)?.pointLpsMm[1]).toBe(-50);
    expect(pick({ ...ray, organs: [{ id: "ball", sides: [], isOnlyCut: true }] }, () => grown)).toBeNull();
  });

  test("through the opening of a slanting cut the inner wall is never met before the face", async () => {
    const grown = await tree();
    const slant = Math.SQRT1_2;
    const sides = [{ normal: [0, slant, slant] as Vec3, constant: slant * (50 - 25) }];
    const hit = pick({ originLpsMm: [100, -250, 30], direction: [0, 1, 0], organs: [{ id: "ball", sides }] }, () => grown);
    expect(hit?.pointLpsMm[1]).toBeCloseTo(-55, 6);
  });

  test("where two faces lie in one plane the smaller organ is met", async () => {
    const [body, heart] = [await tree([0, 0, 0], 60), await tree([0, 0, 0], 20)];
    const sides = [{ normal: [0, 1, 0] as Vec3, constant: 0 }];
    const organs = ["body", "heart"].map((id) => ({ id, sides }));
    const at = (x: number) => pick({ originLpsMm: [x, -200, 0], direction: [0, 1, 0], organs }, (id) => (id === "body" ? body : heart))?.id;
    expect([at(5), at(40)]).toEqual(["heart", "body"]);
  });

  test("of two the nearer is met, and beside both nothing", async () => {
    const [near, far] = [await tree([0, 0, 0], 10), await tree([0, 100, 0], 30)];
    const organs = ["far", "near"].map((id) => ({ id, sides: [] }));
    const from = (x: number) => pick({ originLpsMm: [x, -50, 0], direction: [0, 1, 0], organs }, (id) => (id === "near" ? near : far));
    expect(from(0)?.id).toBe("near");
    expect(from(20)?.id).toBe("far");
    expect(from(60)).toBeNull();
  });

  test("outside a box nothing is met", async () => {
    const grown = await tree();
    const sides = sidesOf([[0, 0, 0], [1, 1, 1]]);
    expect(pick({ originLpsMm: [100, -250, 25], direction: [0, 1, 0], organs: [{ id: "ball", sides }] }, () => grown)).toBeNull();
  });

  test("a ball of 130,000 triangles is picked in well under 5 ms", async () => {
    const { bytes, mesh } = await ball(CENTRE, RADIUS, 180);
    expect(mesh.triangles).toBeGreaterThan(129_000);
    const grown = growTree(await decodeMesh({ id: "ball", level: "full", mesh }, bytes));
    const times: number[] = [];
    for (let turn = 0; turn < 60; turn += 1) {
      const start = performance.now();
      pick({ originLpsMm: [90 + turn / 3, -250, 20], direction: [0, 1, 0], organs: [{ id: "ball", sides: [] }] }, () => grown);
      times.push(performance.now() - start);
    }
    expect(times.sort((a, b) => a - b)[30]).toBeLessThan(5);
  });
});
