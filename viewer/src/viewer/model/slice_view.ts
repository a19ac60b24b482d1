// How a plane through the patient is laid on a screen, and back: axes, letters, steps.
import { type Affine, appliedToDirection } from "./affine.ts";
import { type Bounds, type Vec3, add, cross, dot, scale, subtract, unit } from "./vectors.ts";
import { corners } from "./plane.ts";

export type Orientation = "axial" | "coronal" | "sagittal" | "oblique";
export const ORTHOGONAL: readonly Orientation[] = ["axial", "coronal", "sagittal"];

/** The planes through the crosshair. */
export const planesThrough = (obliqueNormal: Vec3 | null): readonly Orientation[] =>
  obliqueNormal ? [...ORTHOGONAL, "oblique"] : ORTHOGONAL;

/** Of length one, at right angles; `across` leads away from the one who looks. */
export interface SliceAxes {
  readonly right: Vec3;
  readonly down: Vec3;
  readonly across: Vec3;
}

// As radiologists hang them: seen from the feet, from in front, and from the patient's left.
const AXES: Readonly<Record<Exclude<Orientation, "oblique">, SliceAxes>> = {
  axial: { right: [1, 0, 0], down: [0, 1, 0], across: [0, 0, 1] },
  coronal: { right: [1, 0, 0], down: [0, 0, -1], across: [0, 1, 0] },
  sagittal: { right: [0, 1, 0], down: [0, 0, -1], across: [-1, 0, 0] },
};

/** The head upwards as far as the plane allows; where it lies flat, the front. */
export function axesOf(orientation: Orientation, obliqueNormal: Vec3 | null): SliceAxes {
  if (orientation !== "oblique") return AXES[orientation];
  const across = unit(obliqueNormal ?? [0, 0, 1]);
  const upwards: Vec3 = Math.abs(across[2]) > 0.999 ? [0, -1, 0] : [0, 0, 1];
  const up = unit(subtract(upwards, scale(across, dot(upwards, across))));
  const down = scale(up, -1);
  return { right: cross(down, across), down, across };
}

/** Which way of the patient a direction leads: R L, A P, S I, the strongest first; "LP" where two are near. */
export function letters(direction: Vec3): string {
  const names = ["LR", "PA", "SI"];
  return [0, 1, 2]
    .map((axis) => ({ size: Math.abs(direction[axis] ?? 0), name: names[axis]?.[(direction[axis] ?? 0) > 0 ? 0 : 1] ?? "" }))
    .filter(({ size }) => size > 0.35)
    .sort((a, b) => b.size - a.size)
    .map(({ name }) => name)
    .join("");
}

/** Millimetres from one slice to the next along a direction: one voxel on the axis that it crosses fastest. */
export function stepAlong(lpsToIndex: Affine, across: Vec3): number {
  return 1 / Math.max(...appliedToDirection(lpsToIndex, across).map(Math.abs));
}

/** From where to where a plane can be moved, as offsets along its normal, and still cut the box. */
export function reachOf(box: Bounds, across: Vec3): readonly [number, number] {
  const all = corners(box).map((corner) => dot(corner, across));
  return [Math.min(...all), Math.max(...all)];
}

/** What a pane shows: a place in its middle, and how many millimetres a pixel is. */
export interface SliceView {
  readonly axes: SliceAxes;
  readonly centre: Vec3;
  readonly mmPerPixel: number;
  readonly width: number;
  readonly height: number;
}

/** The whole box, centred, in a plane through a point. */
export function fittedView(axes: SliceAxes, box: Bounds, through: Vec3, width: number, height: number, zoom = 1, pan: readonly [number, number] = [0, 0]): SliceView {
  const [left, right] = reachOf(box, axes.right);
  const [top, bottom] = reachOf(box, axes.down);
  const mmPerPixel = Math.max((right - left) / width, (bottom - top) / height, 1e-6) / zoom;
  const along = (axis: Vec3, at: number): Vec3 => scale(axis, at);
  const centre = add(
    add(along(axes.right, (left + right) / 2 + pan[0]), along(axes.down, (top + bottom) / 2 + pan[1])),
    along(axes.across, dot(through, axes.across)),
  );
  return { axes, centre, mmPerPixel, width, height };
}

/** Pixels count from the upper left corner; whole numbers are edges between them. */
export function lpsAt(view: SliceView, x: number, y: number): Vec3 {
  const { axes, centre, mmPerPixel, width, height } = view;
  return add(centre, add(scale(axes.right, (x - width / 2) * mmPerPixel), scale(axes.down, (y - height / 2) * mmPerPixel)));
}

export function pixelOf(view: SliceView, p: Vec3): readonly [number, number] {
  const off = subtract(p, view.centre);
  return [dot(off, view.axes.right) / view.mmPerPixel + view.width / 2, dot(off, view.axes.down) / view.mmPerPixel + view.height / 2];
}

/** How far a point lies from the plane. */
export const awayFrom = (view: SliceView, p: Vec3): number => Math.abs(dot(subtract(p, view.centre), view.axes.across));

/** Where another plane through the same point meets this one, as a direction on the screen; null where they are one. */
export function crossing(view: SliceView, other: Vec3): readonly [number, number] | null {
  const line = cross(view.axes.across, other);
  const [x, y] = [dot(line, view.axes.right), dot(line, view.axes.down)];
  const long = Math.hypot(x, y);
  return long < 1e-3 ? null : [x / long, y / long];
}

/** The same plane, turned to the left and tilted forwards by degrees. */
export function normalOf(turnDegrees: number, tiltDegrees: number): Vec3 {
  const [a, b] = [(turnDegrees * Math.PI) / 180, (tiltDegrees * Math.PI) / 180];
  return [Math.sin(a) * Math.cos(b), Math.cos(a) * Math.cos(b), Math.sin(b)];
}

export function anglesOf(normal: Vec3): { turn: number; tilt: number } {
  const n = unit(normal);
  return {
    turn: Math.round((Math.atan2(n[0], n[1]) * 180) / Math.PI),
    tilt: Math.round((Math.asin(Math.min(1, Math.max(-1, n[2]))) * 180) / Math.PI),
  };
}
