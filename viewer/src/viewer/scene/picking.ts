// A spot on the canvas -> the first surface there, of what is in sight and left by the cuts.
import type { Hit, RayWish } from "../loading/mesh_messages.ts";
import type { MeshSource } from "../loading/meshes.ts";
import { sidesFor } from "../model/clipping.ts";
import { type View, rayThrough } from "../model/rays.ts";
import { type ViewState, isVisible } from "../state/view_state.ts";

/** What is thinner than this is looked through. */
const GLASS = 0.3;

export function rayWish(state: ViewState, view: View, x: number, y: number): RayWish {
  const inSight = state.manifest.organs.filter(({ id }) => isVisible(state, id) && (state.organs[id]?.opacity ?? 0) > 0);
  const solid = inSight.filter(({ id }) => (state.organs[id]?.opacity ?? 0) >= GLASS);
  // Glass is meant only where there is nothing else.
  const organs = (solid.length ? solid : inSight).map(({ id }) => ({ id, sides: sidesFor(state.clip, id) }));
  return { ...rayThrough(view, x, y), organs };
}

export async function pickAt(source: MeshSource, state: ViewState, view: View, x: number, y: number): Promise<Hit | null> {
  return (await source.pick(rayWish(state, view, x, y))).hit;
}
