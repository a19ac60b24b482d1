// The oblique plane as a line in another slice: how it is turned and pushed there by its line.
import { type SliceView, crossing } from "./slice_view.ts";
import { type Vec3, about, add, scale, turned, unit } from "./vectors.ts";

/** On the screen, of length one: along the line, and across it. */
export interface LineOnScreen {
  readonly along: readonly [number, number];
  readonly across: readonly [number, number];
}

/** Null where the planes are one, or nearly so. */
export function lineIn(view: SliceView, normal: Vec3): LineOnScreen | null {
  const along = crossing(view, normal);
  return along && { along, across: [-along[1], along[0]] };
}

/** Turned about the line of sight of a slice, clockwise on its screen. */
export const turnedIn = (view: SliceView, normal: Vec3, radians: number): Vec3 => unit(turned(normal, about(view.axes.across, radians)));

/** How far the point that the plane goes through moves when its line is pulled by so many pixels; along the line, not at all. */
export function pushedIn(view: SliceView, line: LineOnScreen, dx: number, dy: number): Vec3 {
  const mm = (dx * line.across[0] + dy * line.across[1]) * view.mmPerPixel;
  return add(scale(view.axes.right, line.across[0] * mm), scale(view.axes.down, line.across[1] * mm));
}

/** The angle of the line, in degrees from level, counter-clockwise: above -90, at most 90. */
export function slantDegrees({ along: [x, y] }: LineOnScreen): number {
  const angle = (Math.atan2(-y, x) * 180) / Math.PI;
  return angle > 90 ? angle - 180 : angle <= -90 ? angle + 180 : angle;
}
