// What two people, or one in two tabs, changed at once: both changes, against the list that both began with.
import type { Measurement } from "../state/view_state.ts";

export interface Sides {
  /** The list that the server was last known to have. */
  readonly before: readonly Measurement[];
  /** As it is here. */
  readonly mine: readonly Measurement[];
  /** As the server has it now. */
  readonly theirs: readonly Measurement[];
  /** Sent from here without an answer: if the server has them, they are not somebody else's. */
  readonly sentIds?: ReadonlySet<string>;
}

/**
 * Removed on either side is removed, added on either is there; of one that both changed, what was saved last is
 * in force, and that is mine. No two end up with one name where one of them is new here.
 */
export function merged({ before, mine, theirs, sentIds = new Set() }: Sides): readonly Measurement[] {
  const [was, here, there] = [byId(before), byId(mine), byId(theirs)];
  const kept: Measurement[] = [];
  for (const one of theirs) {
    const own = here.get(one.id);
    if (own) kept.push(isSame(own, was.get(one.id)) ? one : own);
    else if (!was.has(one.id) && !sentIds.has(one.id)) kept.push(one);
  }
  const names = new Set(kept.map(({ name }) => name));
  for (const one of mine) {
    if (there.has(one.id) || was.has(one.id)) continue;
    const name = freeName(one.name, names);
    names.add(name);
    kept.push(name === one.name ? one : { ...one, name });
  }
  return kept;
}

/** "Distance 1" -> "Distance 2" where that is free; "Carina" -> "Carina 2". */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!name || !taken.has(name)) return name;
  const [, stem = name, digits] = /^(.*?)(\d{1,9})$/su.exec(name) ?? [];
  const glue = digits === undefined ? " " : "";
  let number = digits === undefined ? 2 : Number(digits) + 1;
  while (taken.has(stem + glue + String(number))) number += 1;
  return stem + glue + String(number);
}

const byId = (list: readonly Measurement[]): Map<string, Measurement> => new Map(list.map((one) => [one.id, one]));

const isSame = (one: Measurement, other: Measurement | undefined): boolean =>
  other !== undefined && one.name === other.name && JSON.stringify(one.pointsLpsMm) === JSON.stringify(other.pointsLpsMm);
