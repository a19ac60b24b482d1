// What is left of an organ under the planes and the box.
import { type Cut, type HalfSpace, keptSide, sidesOf } from "./plane.ts";
import type { Bounds } from "./vectors.ts";

export interface Clipping {
  readonly planes: readonly (Cut & { readonly id: string; readonly scope: "all" | readonly string[] })[];
  readonly box: Bounds | null;
}

export const isClipped = (plane: { scope: "all" | readonly string[] }, organ: string): boolean =>
  plane.scope === "all" || plane.scope.includes(organ);

/** The half-spaces an organ keeps; the box keeps of all. */
export function sidesFor(clip: Clipping, organ: string): HalfSpace[] {
  const planes = clip.planes.filter((plane) => isClipped(plane, organ)).map(keptSide);
  return clip.box ? [...planes, ...sidesOf(clip.box)] : planes;
}
