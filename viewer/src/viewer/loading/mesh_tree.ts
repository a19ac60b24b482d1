// A mesh -> a tree of boxes, in which a ray finds its triangle without looking at the others.
import { BufferAttribute, BufferGeometry, DoubleSide, Ray, Vector3 } from "three";
import { MeshBVH } from "three-mesh-bvh";
import { type HalfSpace, isKept } from "../model/plane.ts";
import { type Vec3, add, dot, length, scale, subtract, unit } from "../model/vectors.ts";
import type { AnchorWish, Hit, Mesh, PickOrgan, RayWish, Sheet } from "./mesh_messages.ts";

export interface MeshTree {
  readonly bvh: MeshBVH;
  readonly origin: Vec3;
  readonly step: number;
  /** Some points of the surface, spread over it. */
  readonly samples: readonly Vec3[];
}

const SAMPLES = 28;

export function growTree(mesh: Mesh): MeshTree {
  const vertices = mesh.positions.length / 4;
  // Its own copy: the tree sorts the triangles, and the page's arrays go to the page.
  const positions = new Uint16Array(vertices * 3);
  for (let index = 0; index < vertices; index += 1) {
    positions[index * 3] = mesh.positions[index * 4] ?? 0;
    positions[index * 3 + 1] = mesh.positions[index * 4 + 1] ?? 0;
    positions[index * 3 + 2] = mesh.positions[index * 4 + 2] ?? 0;
  }
  const geometry = new BufferGeometry();
  geometry.setAttribute("position", new BufferAttribute(positions, 3));
  geometry.setIndex(new BufferAttribute(mesh.indices.slice(), 1));
  const samples: Vec3[] = [];
  for (let index = 0; index < SAMPLES && vertices > 0; index += 1) {
    const at = Math.floor(((index + 0.5) * vertices) / SAMPLES) * 3;
    samples.push([0, 1, 2].map((axis) => (mesh.origin[axis] ?? 0) + mesh.step * (positions[at + axis] ?? 0)) as unknown as Vec3);
  }
  return { bvh: new MeshBVH(geometry, { targetLeafSize: 8 }), origin: mesh.origin, step: mesh.step, samples };
}

/** The first point of what is left of the organs that the ray meets: a wall, or the face of a cut. */
export function pick(ray: RayWish, treeOf: (id: string) => MeshTree | undefined): Hit | null {
  let nearest: Hit | null = null;
  for (const organ of ray.organs) {
    const tree = treeOf(organ.id);
    const hit = tree && pickOne(organ, tree, ray);
    // Faces of one cut lie in one plane: of two organs that share it the smaller is seen.
    if (hit && (!nearest || hit.distanceMm <= nearest.distanceMm + SAME_MM)) nearest = hit;
  }
  return nearest;
}

const SAME_MM = 1e-4;

function pickOne({ id, sides, isOnlyCut }: PickOrgan, tree: MeshTree, ray: Pick<RayWish, "originLpsMm" | "direction">): Hit | null {
  const { origin, step } = tree;
  const from = new Vector3(...ray.originLpsMm).sub(new Vector3(...origin)).divideScalar(step);
  const met = tree.bvh.raycast(new Ray(from, new Vector3(...ray.direction)), DoubleSide);
  let nearest: Hit | null = cutFace(id, ray, sides, met.map((one) => one.distance * step));
  if (isOnlyCut) return nearest;
  for (const found of met) {
    const distanceMm = found.distance * step;
    const pointLpsMm = add(ray.originLpsMm, scale(ray.direction, distanceMm));
    if ((nearest && distanceMm >= nearest.distanceMm) || !isKept(pointLpsMm, sides)) continue;
    const face = found.face?.normal;
    const normal: Vec3 = face ? [face.x, face.y, face.z] : [0, 0, 1];
    // Towards the one who looks, also where a cut shows the inside.
    const isAway = dot(normal, ray.direction) > 0;
    nearest = { id, pointLpsMm, distanceMm, normal: isAway ? scale(normal, -1) : normal, isFace: false };
  }
  return nearest;
}

/** Where the ray comes out of what was taken away into the inside of the organ: an odd number of walls lies beyond. */
function cutFace(
  id: string,
  ray: Pick<RayWish, "originLpsMm" | "direction">,
  sides: readonly HalfSpace[],
  wallsMm: readonly number[],
): Hit | null {
  let nearest: Hit | null = null;
  for (const side of sides) {
    const towards = dot(side.normal, ray.direction);
    if (towards <= 1e-9) continue;
    const distanceMm = -(dot(side.normal, ray.originLpsMm) + side.constant) / towards;
    if (distanceMm <= 0 || (nearest && distanceMm >= nearest.distanceMm)) continue;
    const pointLpsMm = add(ray.originLpsMm, scale(ray.direction, distanceMm));
    const others = sides.filter((one) => one !== side);
    const isInside = wallsMm.filter((wall) => wall > distanceMm).length % 2 === 1;
    if (isInside && isKept(pointLpsMm, others)) nearest = { id, pointLpsMm, distanceMm, normal: scale(side.normal, -1), isFace: true };
  }
  return nearest;
}

/** The point of an organ that is seen and lies most in the middle of what is seen of it; null where nothing is. */
export function seenPoint(id: string, wish: AnchorWish, treeOf: (id: string) => MeshTree | undefined): Vec3 | null {
  const tree = treeOf(id);
  if (!tree) return null;
  const own = wish.organs.find((organ) => organ.id === id);
  const sides = own?.sides ?? wish.glass.find((organ) => organ.id === id)?.sides ?? [];
  const isSeen = (reach: number) => (point: Vec3) => !isHidden(point, reach, wish, treeOf);
  // On a cut it is the face that one looks at, not the wall around it.
  const faces = own ? facePoints(own, tree, wish).filter(isSeen(0)) : [];
  if (faces.length >= FEW_FACES) return inMiddle(faces);
  // Glass is not among what hides: it is meant where nothing is seen through it.
  const walls = tree.samples.filter((point) => isKept(point, sides));
  const free = own && !own.isOnlyCut ? [] : walls.filter(isSeen(Infinity));
  return inMiddle(free.length || !own ? free : walls.filter(isSeen(0)));
}

const FEW_FACES = 3;
const MOST_FACES = 32;
const GOLDEN = 0.618034;

function inMiddle(points: readonly Vec3[]): Vec3 | null {
  if (!points.length) return null;
  const middle = scale(points.reduce(add), 1 / points.length);
  const off = (point: Vec3) => length(subtract(point, middle));
  return points.reduce((best, point) => (off(point) < off(best) ? point : best));
}

/** Points inside the faces of an organ's cuts that look towards the eye: where the ways from wall to wall cross them. */
function facePoints(own: PickOrgan, tree: MeshTree, { eyeLpsMm, toleranceMm }: AnchorWish): Vec3[] {
  const found: Vec3[] = [];
  for (const side of own.sides) {
    const height = (point: Vec3): number => dot(side.normal, point) + side.constant;
    if (height(eyeLpsMm) >= 0) continue;
    const above = tree.samples.filter((point) => height(point) > 0);
    const below = tree.samples.filter((point) => height(point) < 0);
    const ways = above.flatMap((a) => below.map((b) => [a, b] as const));
    // By the golden ratio, so that no wall is left out.
    for (const [a, b] of ways.filter((_, index) => (index * GOLDEN) % 1 < MOST_FACES / ways.length)) {
      const point = add(a, scale(subtract(b, a), height(a) / (height(a) - height(b))));
      const to = subtract(point, eyeLpsMm);
      const hit = pickOne(own, tree, { originLpsMm: eyeLpsMm, direction: unit(to) });
      if (hit?.isFace && Math.abs(hit.distanceMm - length(to)) <= toleranceMm) found.push(point);
    }
  }
  return found;
}

/** Whether something solid lies before a point, or within reach behind it. */
function isHidden(point: Vec3, reach: number, wish: AnchorWish, treeOf: (id: string) => MeshTree | undefined): boolean {
  if (wish.sheets.some((sheet) => isBehindSheet(point, sheet, wish))) return true;
  const to = subtract(point, wish.eyeLpsMm);
  const far = length(to) - wish.toleranceMm + reach;
  const ray = { originLpsMm: wish.eyeLpsMm, direction: unit(to), organs: [] };
  return wish.organs.some((organ) => {
    const tree = treeOf(organ.id);
    if (!tree) return false;
    // Without cuts the first hit tells all; with them it may have been cut away, or a face may lie before it.
    const hit = organ.sides.length ? pickOne(organ, tree, ray) : firstHit(tree, ray);
    return hit !== null && (typeof hit === "number" ? hit : hit.distanceMm) < far;
  });
}

function firstHit(tree: MeshTree, ray: Pick<RayWish, "originLpsMm" | "direction">): number | null {
  const from = new Vector3(...ray.originLpsMm).sub(new Vector3(...tree.origin)).divideScalar(tree.step);
  const found = tree.bvh.raycastFirst(new Ray(from, new Vector3(...ray.direction)), DoubleSide);
  return found ? found.distance * tree.step : null;
}

/** Whether the way to the eye goes through a slice; what lies in it is seen. */
function isBehindSheet(point: Vec3, { pointLpsMm, normal, boundsLpsMm }: Sheet, { eyeLpsMm, toleranceMm }: AnchorWish): boolean {
  const [here, there] = [dot(normal, subtract(point, pointLpsMm)), dot(normal, subtract(eyeLpsMm, pointLpsMm))];
  if (here * there >= 0 || Math.abs(here) <= toleranceMm) return false;
  const met = add(point, scale(subtract(eyeLpsMm, point), here / (here - there)));
  const [low, high] = boundsLpsMm;
  return met.every((at, axis) => at >= (low[axis] ?? 0) && at <= (high[axis] ?? 0));
}
