// A mesh -> a tree of boxes, in which a ray finds its triangle without looking at the others.
import { BufferAttribute, BufferGeometry, DoubleSide, Ray, Vector3 } from "three";
import { MeshBVH } from "three-mesh-bvh";
import { type HalfSpace, isKept } from "../model/plane.ts";
import { type Vec3, dot } from "../model/vectors.ts";
import type { Hit, Mesh, RayWish } from "./mesh_messages.ts";

export interface MeshTree {
  readonly bvh: MeshBVH;
  readonly origin: Vec3;
  readonly step: number;
}

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
  return { bvh: new MeshBVH(geometry, { targetLeafSize: 8 }), origin: mesh.origin, step: mesh.step };
}

/** The first point of what is left of the organs that the ray meets. */
export function pick(ray: RayWish, treeOf: (id: string) => MeshTree | undefined): Hit | null {
  let nearest: Hit | null = null;
  for (const { id, sides } of ray.organs) {
    const tree = treeOf(id);
    const hit = tree && pickOne(id, tree, ray, sides);
    if (hit && (!nearest || hit.distanceMm < nearest.distanceMm)) nearest = hit;
  }
  return nearest;
}

function pickOne(id: string, tree: MeshTree, ray: RayWish, sides: readonly HalfSpace[]): Hit | null {
  const { origin, step } = tree;
  const from = new Vector3(...ray.originLpsMm).sub(new Vector3(...origin)).divideScalar(step);
  const local = new Ray(from, new Vector3(...ray.direction));
  let nearest: Hit | null = null;
  for (const found of tree.bvh.raycast(local, DoubleSide)) {
    const pointLpsMm: Vec3 = [
      origin[0] + found.point.x * step,
      origin[1] + found.point.y * step,
      origin[2] + found.point.z * step,
    ];
    const distanceMm = found.distance * step;
    if ((nearest && distanceMm >= nearest.distanceMm) || !isKept(pointLpsMm, sides)) continue;
    const face = found.face?.normal;
    const normal: Vec3 = face ? [face.x, face.y, face.z] : [0, 0, 1];
    // Towards the one who looks, also where a cut shows the inside.
    const isAway = dot(normal, ray.direction) > 0;
    nearest = { id, pointLpsMm, distanceMm, normal: isAway ? [-normal[0], -normal[1], -normal[2]] : normal };
  }
  return nearest;
}
