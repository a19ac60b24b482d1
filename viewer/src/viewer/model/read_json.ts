// Parts of a JSON of unknown worth, each read or refused with the place it stands at.
import type { Vec3 } from "./vectors.ts";

/** A part that is not what it should be; the place is a path in the JSON. */
export class Flaw extends Error {}

export type Json = Readonly<Record<string, unknown>>;

const LONGEST_NAME = 300;
const MOST_SAID = 100;

/** What was left out: how many in all, and where the first of them stand. */
export class LeftOut {
  readonly places: string[] = [];
  count = 0;
  add(place: string, count = 1): void {
    this.count += count;
    if (this.places.length < MOST_SAID) this.places.push(place);
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function object(value: unknown, place: string): Json {
  if (!isObject(value)) throw new Flaw(place);
  return value;
}

/** Every entry that can be read; those that cannot are named. */
export function each<T>(
  value: unknown,
  place: string,
  leftOut: LeftOut,
  read: (json: Json, place: string) => T,
  most: number,
): T[] {
  if (!Array.isArray(value)) {
    leftOut.add(place);
    return [];
  }
  if (value.length > most) leftOut.add(`${place}[${most}]`, value.length - most);
  return value.slice(0, most).flatMap((one: unknown, index) => {
    const read_ = perhaps(one, `${place}[${index}]`, leftOut, read);
    if (read_ === null && (one === null || one === undefined)) leftOut.add(`${place}[${index}]`);
    return read_ === null ? [] : [read_];
  });
}

export function perhaps<T>(
  value: unknown,
  place: string,
  leftOut: LeftOut | null,
  read: (json: Json, place: string) => T,
): T | null {
  if (value === null || value === undefined) return null;
  try {
    return read(object(value, place), place);
  } catch (flaw) {
    if (!(flaw instanceof Flaw)) throw flaw;
    leftOut?.add(flaw.message);
    return null;
  }
}

export function text(value: unknown, place: string): string {
  if (typeof value !== "string") throw new Flaw(place);
  return value.length > LONGEST_NAME ? `${value.slice(0, LONGEST_NAME - 1)}…` : value;
}

export function number(value: unknown, place: string, low = -Infinity, high = Infinity): number {
  if (typeof value !== "number" || !Number.isFinite(value) || value < low || value > high) throw new Flaw(place);
  return value;
}

export function count(value: unknown, place: string, high = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isInteger(value)) throw new Flaw(place);
  return number(value, place, 0, high);
}

export function numberOrNull(value: unknown, place: string): number | null {
  return value === null || value === undefined ? null : number(value, place);
}

export function numbers(value: unknown, place: string, long: number): number[] {
  if (!Array.isArray(value) || value.length !== long) throw new Flaw(place);
  return value.map((one: unknown, index) => number(one, `${place}[${index}]`));
}

export function vec3(value: unknown, place: string): Vec3 {
  const [x = 0, y = 0, z = 0] = numbers(value, place, 3);
  return [x, y, z];
}

/** What may be a key and a part of an address; never a name that every object has. */
export function id(value: unknown, place: string): string {
  if (typeof value !== "string" || !/^[\w.:-]{1,100}$/.test(value) || value in {}) throw new Flaw(place);
  return value;
}

/** A file beside scene.json: never another address. */
export function file(value: unknown, place: string): string {
  const name = text(value, place);
  if (!/^view\/\w[\w.-]*$/.test(name)) throw new Flaw(place);
  return name;
}

export const isDigest = (value: unknown): value is string => typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
