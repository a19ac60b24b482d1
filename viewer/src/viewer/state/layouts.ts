// Which pictures are seen, and where: the layout that was chosen, in the room there is.
import { type Orientation, axesOf, planesThrough } from "../model/slice_view.ts";
import type { Vec3 } from "../model/vectors.ts";
import type { SlicesState, ViewState } from "./view_state.ts";

export interface Arrangement {
  /** The 3D picture alone, with one slice, with all of them; or slices without it. */
  readonly kind: "3d" | "1+1" | "1+3" | "slices";
  readonly panes: readonly Orientation[];
}

/** The slice in front; the axial one where that is not there any more. */
export const frontOf = ({ front, obliqueNormal }: Pick<SlicesState, "front" | "obliqueNormal">): Orientation =>
  planesThrough(obliqueNormal).includes(front) ? front : "axial";

export function arranged({ slices, room }: Pick<ViewState, "slices" | "room">): Arrangement {
  const { layout, obliqueNormal } = slices;
  if (layout === "3d") return { kind: "3d", panes: [] };
  if (layout !== "1+3") return { kind: "slices", panes: [layout] };
  if (room === "wide") return { kind: "1+3", panes: planesThrough(obliqueNormal) };
  if (room === "two") return { kind: "1+1", panes: [frontOf(slices)] };
  return slices.isBefore3d ? { kind: "slices", panes: [frontOf(slices)] } : { kind: "3d", panes: [] };
}

/** Planes that are seen somewhere, through the crosshair. */
export function planesOf(state: Pick<ViewState, "slices" | "room">): readonly { readonly point: Vec3; readonly normal: Vec3 }[] {
  const { slices } = state;
  const { panes } = arranged(state);
  const all = slices.isIn3d ? [...new Set([...panes, ...planesThrough(slices.obliqueNormal)])] : panes;
  return all.map((one) => ({ point: slices.crosshairLpsMm, normal: axesOf(one, slices.obliqueNormal).across }));
}
