// From a point of the screen into the scene, and back.
import type { HalfSpace } from "./plane.ts";
import { type Quaternion, type Vec3, add, dot, scale, subtract, unit } from "./vectors.ts";
import { FIELD_OF_VIEW_DEGREES, axesOf } from "./viewpoint.ts";

export interface View {
  readonly targetLpsMm: Vec3;
  readonly turn: Quaternion;
  readonly distanceMm: number;
  /** In CSS pixels. */
  readonly width: number;
  readonly height: number;
}

/** The opening angle stands between top and bottom, and on a narrow screen between left and right. */
export function upwardOpening(width: number, height: number): number {
  const half = Math.tan((FIELD_OF_VIEW_DEGREES * Math.PI) / 360);
  return 2 * Math.atan(half / Math.min(1, width / height || 1));
}

/** Pixels for one unit of length at a distance of one. */
export function pixelsPerUnit(view: { width: number; height: number }): number {
  return view.height / 2 / Math.tan(upwardOpening(view.width, view.height) / 2);
}

export const eyeOf = (view: View): Vec3 => add(view.targetLpsMm, scale(axesOf(view.turn).back, view.distanceMm));

/** A ray through a point of the screen, in CSS pixels from its upper left corner. */
export function rayThrough(view: View, x: number, y: number): { originLpsMm: Vec3; direction: Vec3 } {
  const { right, up, back } = axesOf(view.turn);
  const pixels = pixelsPerUnit(view);
  const sideways = scale(right, (x - view.width / 2) / pixels);
  const upwards = scale(up, (view.height / 2 - y) / pixels);
  return { originLpsMm: eyeOf(view), direction: unit(subtract(add(sideways, upwards), back)) };
}

export interface OnScreen {
  readonly x: number;
  readonly y: number;
  /** In front of the eye, along the line of sight. */
  readonly depthMm: number;
}

/** Where a point is seen; undefined behind the eye. */
export function onScreen(view: View, point: Vec3): OnScreen | undefined {
  const { right, up, back } = axesOf(view.turn);
  const from = subtract(point, eyeOf(view));
  const depthMm = -dot(from, back);
  if (depthMm <= 0) return undefined;
  const pixels = pixelsPerUnit(view) / depthMm;
  return { x: view.width / 2 + dot(from, right) * pixels, y: view.height / 2 - dot(from, up) * pixels, depthMm };
}

/** Millimetres that one CSS pixel covers at a point. */
export function mmPerPixel(view: View, point: Vec3): number {
  const depth = -dot(subtract(point, eyeOf(view)), axesOf(view.turn).back);
  return Math.max(depth, 1e-6) / pixelsPerUnit(view);
}

/** Where a ray meets a plane, as a distance from its origin; undefined where it never does. */
export function meeting(ray: { originLpsMm: Vec3; direction: Vec3 }, side: HalfSpace): number | undefined {
  const towards = dot(side.normal, ray.direction);
  if (Math.abs(towards) < 1e-9) return undefined;
  const far = -(dot(side.normal, ray.originLpsMm) + side.constant) / towards;
  return far > 0 ? far : undefined;
}
