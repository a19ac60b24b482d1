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
}

/** The nearest voxel of a level: slice, row, column. */
export function placeAt(level: BrickLevel, lps: Vec3): readonly [number, number, number] | undefined {
  const back = inverse(level.indexToLps);
  if (!back) return undefined;
  const [s, r, c] = applied(back, lps).map(Math.round) as [number, number, number];
  const [S, R, C] = level.shape;
  return s >= 0 && r >= 0 && c >= 0 && s < S && r < R && c < C ? [s, r, c] : undefined;
}

/** Undefined outside the scan. Raises where its bricks cannot be had. */
export async function readAt(reader: BrickReader, manifest: Manifest, lpsMm: Vec3, signal?: AbortSignal): Promise<Reading | undefined> {
  const { volume, labels } = manifest;
  const level = volume?.levels[0];
  const place = level && placeAt(level, lpsMm);
  if (!volume || !level || !place) return undefined;
  const stored = await reader.voxelAt(level, place, signal);
  if (stored === undefined) return undefined;
  const value = stored === volume.unmeasured ? null : stored * volume.scale + volume.offset;
  const finest = labels?.levels[0];
  const labelPlace = finest && placeAt(finest, lpsMm);
  let label = 0;
  if (labels && finest && labelPlace)
    label = (await reader.labelAt(finest, labels.dtype === "uint16" ? 2 : 1, labelPlace, signal)) ?? 0;
  return { lpsMm, value, organ: manifest.organs.find((organ) => organ.label === label && label > 0) ?? null };
}
