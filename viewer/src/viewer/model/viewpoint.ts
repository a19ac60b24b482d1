// Where one looks from: named views, turns, and how far away a thing has to be to fit.
import {
  type Bounds,
  type Quaternion,
  type Vec3,
  about,
  combined,
  cross,
  dot,
  fromAxes,
  middle,
  normal,
  radius,
  subtract,
  turned,
  unit,
} from "./vectors.ts";
import { corners } from "./plane.ts";

/** Of the opening upwards and that sideways, the smaller one. */
export const FIELD_OF_VIEW_DEGREES = 30;
/** On each side, as a share of the view. */
const AIR = 0.12;
/** Likewise around points of the thing itself: its box has some air within. */
const AIR_AROUND_POINTS = 0.2;

/** From where, and what is up. LPS: +x is the patient's left, +y the back, +z the head. */
const NAMED = {
  anterior: [[0, -1, 0], [0, 0, 1]],
  posterior: [[0, 1, 0], [0, 0, 1]],
  left: [[1, 0, 0], [0, 0, 1]],
  right: [[-1, 0, 0], [0, 0, 1]],
  superior: [[0, 0, 1], [0, -1, 0]],
  inferior: [[0, 0, -1], [0, -1, 0]],
} as const satisfies Record<string, readonly [Vec3, Vec3]>;
export type ViewName = keyof typeof NAMED;
export const VIEW_NAMES = Object.keys(NAMED) as ViewName[];

/** The turn that looks from `from` (a direction), with `up` upwards. */
export function lookingFrom(from: Vec3, up: Vec3): Quaternion {
  const z = unit(from);
  const x = unit(cross(up, z));
  return fromAxes(x, cross(z, x), z);
}

export function namedTurn(name: ViewName): Quaternion {
  const [from, up] = NAMED[name];
  return lookingFrom(from, up);
}

/** A little from the patient's left and from above: more of a body shows than from straight ahead. */
export function firstTurn(): Quaternion {
  return lookingFrom([0.38, -1, 0.22], [0, 0, 1]);
}

/**
 * Of a picture's model, which is true from the front alone: so little turned that its depth is seen, and hardly
 * anything that is invented.
 */
export function firstTurnOfPicture(): Quaternion {
  return lookingFrom([0.21, -1, 0.1], [0, 0, 1]);
}

/**
 * From how far a box, or the points in it that reach farthest, fit a view of this width for height when they are seen
 * with this turn, with some air around.
 */
export function fittingDistanceMm(bounds: Bounds, aspect: number, turn: Quaternion, points?: readonly Vec3[]): number {
  const half = Math.tan((FIELD_OF_VIEW_DEGREES * Math.PI) / 360) * (1 - (points ? AIR_AROUND_POINTS : AIR));
  const sideways = half * Math.max(1, aspect);
  const upwards = half / Math.min(1, aspect);
  const { right, up, back } = axesOf(turn);
  const needed = (points ?? corners(bounds)).map((point) => {
    const from = subtract(point, middle(bounds));
    return Math.max(Math.abs(dot(from, right)) / sideways, Math.abs(dot(from, up)) / upwards) + dot(from, back);
  });
  return Math.max(...needed, radius(bounds) * 1.2, 1e-3);
}

export function fitting(bounds: Bounds, aspect: number, turn: Quaternion, points?: readonly Vec3[]) {
  return { targetLpsMm: middle(bounds), turn, distanceMm: fittingDistanceMm(bounds, aspect, turn, points) };
}

/**
 * As if the body stood on a turntable that also tips: by so many radians rightwards about the body's own axis, and
 * downwards about what is level on the screen. The head stays up, however one drags.
 */
export function orbited(turn: Quaternion, right: number, down: number): Quaternion {
  // Upside down, the body still has to follow the finger.
  const sign = axesOf(turn).up[2] < -1e-6 ? -1 : 1;
  const around_ = about([0, 0, 1], -right * sign);
  return normal(combined(combined(around_, turn), about([1, 0, 0], -down)));
}

/** About the line of sight, counter-clockwise for the thing on the screen. */
export function twisted(turn: Quaternion, radians: number): Quaternion {
  return normal(combined(turn, about([0, 0, 1], -radians)));
}

/** Sideways, upwards, and towards the one who looks. */
export function axesOf(turn: Quaternion): { right: Vec3; up: Vec3; back: Vec3 } {
  return { right: turned([1, 0, 0], turn), up: turned([0, 1, 0], turn), back: turned([0, 0, 1], turn) };
}

/** The name of the side that is looked at the most. */
export function facing(turn: Quaternion): ViewName {
  return sideOf(axesOf(turn).back);
}

/** The side of the patient that a direction points to most. */
export function sideOf([x, y, z]: Vec3): ViewName {
  const most = Math.max(Math.abs(x), Math.abs(y), Math.abs(z));
  if (most === Math.abs(y)) return y < 0 ? "anterior" : "posterior";
  if (most === Math.abs(x)) return x > 0 ? "left" : "right";
  return z > 0 ? "superior" : "inferior";
}
