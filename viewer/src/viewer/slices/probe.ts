// What lies at a point, from the stored integers: never from the texture, which rounds.
import type { BrickReader } from "../loading/bricks.ts";
import { applied, inverse } from "../model/affine.ts";
import type { BrickLevel, Manifest, Organ } from "../model/manifest.ts";
import type { Vec3 } from "../model/vectors.ts";

export interface Reading {
  readonly lpsMm: Vec3;
  /** In the scan's quantity; null where nothing was measured. */
  readonly value: number | null;
  readonly organ: Organ | null;
  /** The labels could not be had: whether an organ is there is not known. */
  readonly isOrganUnread: boolean;
}

/** The nearest voxel of a level: slice, row, column. */
export function placeAt(level: BrickLevel, lps: Vec3): readonly [number, number, number] | undefined {
  const back = inverse(level.indexToLps);
  if (!back) return undefined;
  const [s, r, c] = applied(back, lps).map(Math.round) as [number, number, number];
  const [S, R, C] = level.shape;
  return s >= 0 && r >= 0 && c >= 0 && s < S && r < R && c < C ? [s, r, c] : undefined;
}

/** Undefined outside the scan. Raises where the scan's bricks cannot be had. */
export async function readAt(reader: BrickReader, manifest: Manifest, lpsMm: Vec3, signal?: AbortSignal): Promise<Reading | undefined> {
  const { volume, labels } = manifest;
  const level = volume?.levels[0];
  const place = level && placeAt(level, lpsMm);
  if (!volume || !level || !place) return undefined;
  const stored = await reader.voxelAt(level, place, volume.unmeasured, signal);
  if (stored === undefined) return undefined;
  const value = stored === volume.unmeasured ? null : stored * volume.scale + volume.offset;
  const finest = labels?.levels[0];
  const labelPlace = finest && placeAt(finest, lpsMm);
  let label = 0;
  let isOrganUnread = false;
  if (labels && finest && labelPlace) {
    // The value is known whether or not the labels are.
    const found = await reader.labelAt(finest, labels.dtype === "uint16" ? 2 : 1, labelPlace, signal).catch(() => null);
    signal?.throwIfAborted();
    isOrganUnread = found === null;
    label = found ?? 0;
  }
  const organ = manifest.organs.find((one) => one.label === label && label > 0) ?? null;
  return { lpsMm, value, organ, isOrganUnread };
}
