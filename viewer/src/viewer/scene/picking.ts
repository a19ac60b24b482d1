// A spot on the canvas -> the first surface there, of what is in sight and left by the cuts.
import type { AnchorWish, Hit, RayWish, Sheet } from "../loading/mesh_messages.ts";
import type { MeshSource } from "../loading/meshes.ts";
import { applied, forColumnsFirst } from "../model/affine.ts";
import { sidesFor } from "../model/clipping.ts";
import { corners } from "../model/plane.ts";
import { type View, eyeOf, rayThrough } from "../model/rays.ts";
import { axesOf, planesThrough } from "../model/slice_view.ts";
import { type Vec3, radius } from "../model/vectors.ts";
import { boundsOf } from "../state/first_state.ts";
import { type ViewState, isVisible } from "../state/view_state.ts";

/** What is thinner than this is looked through. */
const GLASS = 0.3;

interface InSight {
  readonly solid: RayWish["organs"];
  readonly glass: RayWish["organs"];
}

function inSight(state: ViewState): InSight {
  const seen = state.manifest.organs
    .filter(({ id }) => isVisible(state, id) && (state.organs[id]?.opacity ?? 0) > 0)
    .sort((a, b) => (b.volumeMl ?? 0) - (a.volumeMl ?? 0));
  const isSolid = (id: string) => (state.organs[id]?.opacity ?? 0) >= GLASS;
  // With the scan painted on it a cut is solid, whatever the organ's walls are.
  const isPainted = state.clip.hasScan && state.manifest.volume !== null;
  const all = seen.map(({ id }) => ({ id, sides: sidesFor(state.clip, id), isOnlyCut: !isSolid(id) }));
  const glass = all.filter((one) => one.isOnlyCut);
  return { solid: all.filter((one) => !one.isOnlyCut || (isPainted && one.sides.length > 0)), glass };
}

/** Glass is meant only where there is nothing else at all. */
export function rayWish(state: ViewState, view: View, x: number, y: number): RayWish {
  const { solid, glass } = inSight(state);
  const organs = solid.some((one) => !one.isOnlyCut) ? solid : glass.map((one) => ({ ...one, isOnlyCut: false }));
  return { ...rayThrough(view, x, y), organs };
}

export function anchorWish(state: ViewState, view: View, ids: readonly string[]): AnchorWish {
  const { solid, glass } = inSight(state);
  return { eyeLpsMm: eyeOf(view), toleranceMm: radius(boundsOf(state.manifest)) * 0.012, ids, organs: solid, glass, sheets: sheetsOf(state) };
}

/** The slices in the 3D picture. */
function sheetsOf({ slices, manifest }: ViewState): Sheet[] {
  const level = manifest.volume?.levels[0];
  if (!slices.isIn3d || !level) return [];
  const [count, rows, columns] = level.shape;
  const toLps = forColumnsFirst(level.indexToLps);
  const all = corners([[-0.5, -0.5, -0.5], [columns - 0.5, rows - 0.5, count - 0.5]]).map((index) => applied(toLps, index));
  const over = (most: (...numbers: number[]) => number): Vec3 => [0, 1, 2].map((axis) => most(...all.map((p) => p[axis] ?? 0))) as unknown as Vec3;
  return planesThrough(slices.obliqueNormal).map((one) => ({
    pointLpsMm: slices.crosshairLpsMm,
    normal: axesOf(one, slices.obliqueNormal).across,
    boundsLpsMm: [over(Math.min), over(Math.max)],
  }));
}

/** What is solid; where the ray meets nothing solid at all, what is seen through: whoever presses it means it. */
export async function pickAt(source: MeshSource, state: ViewState, view: View, x: number, y: number): Promise<Hit | null> {
  const { hit } = await source.pick(rayWish(state, view, x, y));
  const { glass } = inSight(state);
  if (hit || !glass.length) return hit;
  return (await source.pick({ ...rayThrough(view, x, y), organs: glass.map((one) => ({ ...one, isOnlyCut: false })) })).hit;
}
