// Which slices are seen, and where.
import { type Orientation, ORTHOGONAL, axesOf, planesThrough } from "../model/slice_view.ts";
import type { Vec3 } from "../model/vectors.ts";
import type { Layout, ViewState } from "./view_state.ts";

/** Which slices a layout has; with an oblique plane that one too, where there are three. */
export function shownIn(layout: Layout, hasOblique: boolean): readonly Orientation[] {
  if (layout === "3d") return [];
  if (layout === "1+3") return hasOblique ? [...ORTHOGONAL, "oblique"] : ORTHOGONAL;
  return [layout];
}

/** Planes that are seen somewhere, through the crosshair. */
export function planesOf({ slices }: ViewState): readonly { readonly point: Vec3; readonly normal: Vec3 }[] {
  const panes = shownIn(slices.layout, slices.obliqueNormal !== null);
  const all = slices.isIn3d ? [...new Set([...panes, ...planesThrough(slices.obliqueNormal)])] : panes;
  return all.map((one) => ({ point: slices.crosshairLpsMm, normal: axesOf(one, slices.obliqueNormal).across }));
}
