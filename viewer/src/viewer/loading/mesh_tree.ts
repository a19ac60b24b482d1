// A mesh -> a tree of boxes, in which a ray finds its triangle without looking at the others.
import { BufferAttribute, BufferGeometry, DoubleSide, Ray, Vector3 } from "three";
import { MeshBVH } from "three-mesh-bvh";
import { type HalfSpace, isKept } from "../model/plane.ts";
import { type Vec3, add, dot, length, scale, subtract, unit } from "../model/vectors.ts";
import type { AnchorWish, Hit, Mesh, PickOrgan, RayWish } from "./mesh_messages.ts";

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
  const own = wish.organs.find((organ) => organ.id === id);
  // Glass is not among what hides: it is meant where nothing is seen through it.
  const reach = own ? 0 : Infinity;
  const sides = own?.sides ?? wish.glass.find((organ) => organ.id === id)?.sides ?? [];
  const seen = (treeOf(id)?.samples ?? []).filter((point) => isKept(point, sides) && !isHidden(point, reach, wish, treeOf));
  if (!seen.length) return null;
  const middle = scale(seen.reduce(add), 1 / seen.length);
  const off = (point: Vec3) => length(subtract(point, middle));
  return seen.reduce((best, point) => (off(point) < off(best) ? point : best));
}

/** Whether something solid lies before a point, or within reach behind it. */
function isHidden(point: Vec3, reach: number, wish: AnchorWish, treeOf: (id: string) => MeshTree | undefined): boolean {
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
