// Three numbers, and what is done with them. LPS millimetres unless a name says otherwise.

export type Vec3 = readonly [number, number, number];
/** x, y, z, w; of length one. */
export type Quaternion = readonly [number, number, number, number];
export type Bounds = readonly [Vec3, Vec3];

export const add = (a: Vec3, b: Vec3): Vec3 => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
export const subtract = (a: Vec3, b: Vec3): Vec3 => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
export const scale = (a: Vec3, by: number): Vec3 => [a[0] * by, a[1] * by, a[2] * by];
export const dot = (a: Vec3, b: Vec3): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
export const cross = (a: Vec3, b: Vec3): Vec3 => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
export const length = (a: Vec3): number => Math.hypot(a[0], a[1], a[2]);
export const between = (a: Vec3, b: Vec3, share: number): Vec3 => add(a, scale(subtract(b, a), share));

/** The same direction with length one; a vector without a direction stays as it is. */
export function unit(a: Vec3): Vec3 {
  const long = length(a);
  return long > 0 ? scale(a, 1 / long) : a;
}

export function middle(bounds: Bounds): Vec3 {
  return between(bounds[0], bounds[1], 0.5);
}

/** The smallest box around all of these; undefined around none. */
export function around(all: readonly Bounds[]): Bounds | undefined {
  const first = all[0];
  if (!first) return undefined;
  let [low, high] = first;
  for (const [a, b] of all) {
    low = [Math.min(low[0], a[0]), Math.min(low[1], a[1]), Math.min(low[2], a[2])];
    high = [Math.max(high[0], b[0]), Math.max(high[1], b[1]), Math.max(high[2], b[2])];
  }
  return [low, high];
}

/** Half the diagonal of a box: everything in it lies within this of its middle. */
export const radius = (bounds: Bounds): number => length(subtract(bounds[1], bounds[0])) / 2;

/** Turn a vector by a quaternion of length one. */
export function turned(v: Vec3, q: Quaternion): Vec3 {
  const u: Vec3 = [q[0], q[1], q[2]];
  const t = scale(cross(u, v), 2);
  return add(add(v, scale(t, q[3])), cross(u, t));
}

/** First b, then a. */
export function combined(a: Quaternion, b: Quaternion): Quaternion {
  const [ax, ay, az, aw] = a;
  const [bx, by, bz, bw] = b;
  return [
    aw * bx + ax * bw + ay * bz - az * by,
    aw * by - ax * bz + ay * bw + az * bx,
    aw * bz + ax * by - ay * bx + az * bw,
    aw * bw - ax * bx - ay * by - az * bz,
  ];
}

/** By an angle about an axis of length one. */
export function about(axis: Vec3, radians: number): Quaternion {
  const s = Math.sin(radians / 2);
  return [axis[0] * s, axis[1] * s, axis[2] * s, Math.cos(radians / 2)];
}

/** Back to length one, which many small turns wear off. */
export function normal(q: Quaternion): Quaternion {
  const long = Math.hypot(...q) || 1;
  return [q[0] / long, q[1] / long, q[2] / long, q[3] / long];
}

/** The turn whose columns are these three, which stand at right angles and are right-handed. */
export function fromAxes(x: Vec3, y: Vec3, z: Vec3): Quaternion {
  const trace = x[0] + y[1] + z[2];
  if (trace > 0) {
    const s = Math.sqrt(trace + 1) * 2;
    return normal([(y[2] - z[1]) / s, (z[0] - x[2]) / s, (x[1] - y[0]) / s, s / 4]);
  }
  if (x[0] > y[1] && x[0] > z[2]) {
    const s = Math.sqrt(1 + x[0] - y[1] - z[2]) * 2;
    return normal([s / 4, (y[0] + x[1]) / s, (z[0] + x[2]) / s, (y[2] - z[1]) / s]);
  }
  if (y[1] > z[2]) {
    const s = Math.sqrt(1 + y[1] - x[0] - z[2]) * 2;
    return normal([(y[0] + x[1]) / s, s / 4, (z[1] + y[2]) / s, (z[0] - x[2]) / s]);
  }
  const s = Math.sqrt(1 + z[2] - x[0] - y[1]) * 2;
  return normal([(z[0] + x[2]) / s, (z[1] + y[2]) / s, s / 4, (x[1] - y[0]) / s]);
}

/** Of the way from a to b along the shortest turn. */
export function slerp(a: Quaternion, b: Quaternion, share: number): Quaternion {
  let near = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = near < 0 ? -1 : 1;
  near = Math.min(1, Math.abs(near));
  const angle = Math.acos(near);
  const wa = angle < 1e-4 ? 1 - share : Math.sin((1 - share) * angle) / Math.sin(angle);
  const wb = (angle < 1e-4 ? share : Math.sin(share * angle) / Math.sin(angle)) * sign;
  return normal([a[0] * wa + b[0] * wb, a[1] * wa + b[1] * wb, a[2] * wa + b[2] * wb, a[3] * wa + b[3] * wb]);
}
