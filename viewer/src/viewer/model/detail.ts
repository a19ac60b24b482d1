// Which mesh of which organ is worth having: by its size on the screen, within what the device can hold.
import type { DetailLevel, MeshFile, Organ } from "./manifest.ts";
import { type Vec3, dot, length, middle, radius, scale, subtract } from "./vectors.ts";

export type Profile = "desktop" | "phone";

/** Triangles on the graphics card at once: about 30 bytes each there, and 60 for the worker's tree. */
export const MOST_TRIANGLES: Readonly<Record<Profile, number>> = { desktop: 4_000_000, phone: 900_000 };
/** One organ on a phone. */
const MOST_ON_A_PHONE = 30_000;
// Half of the triangles look away; one for every eight pixels of the disc looks smooth.
const TRIANGLES_PER_PIXEL = 0.25;

export interface Looked {
  readonly eyeLpsMm: Vec3;
  /** From the eye, of length one. */
  readonly forward: Vec3;
  /** Pixels of the device that one radian takes, about. */
  readonly pixelsPerRadian: number;
}

/** How wide an organ is on the screen, in pixels of the device; 0 behind the eye. */
export function pixelsWide(organ: Organ, looked: Looked): number {
  const to = subtract(middle(organ.boundsLpsMm), looked.eyeLpsMm);
  const half = radius(organ.boundsLpsMm);
  const far = length(to);
  if (far <= half) return looked.pixelsPerRadian * 2;
  if (dot(scale(to, 1 / far), looked.forward) < -half / far) return 0;
  return 2 * Math.asin(half / far) * looked.pixelsPerRadian;
}

export interface DetailWish {
  readonly id: string;
  readonly level: DetailLevel;
}

/**
 * The level of each organ in sight, the most wanted first; the sum of their triangles keeps the budget, except
 * that everything is always there coarsely.
 */
export function wantedDetails(
  organs: readonly Organ[],
  options: { looked: Looked; profile: Profile; selected: string | null; budget?: number },
): DetailWish[] {
  const { looked, profile, selected } = options;
  const wide = organs
    .map((organ) => ({ organ, pixels: pixelsWide(organ, looked) }))
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => Number(b.organ.id === selected) - Number(a.organ.id === selected) || b.pixels - a.pixels);
  const budget = options.budget ?? MOST_TRIANGLES[profile];
  let left = organs.reduce((sum, organ) => sum - organ.meshes.coarse.triangles, budget);
  return wide.map(({ organ, pixels }): DetailWish => {
    const needed = pixels * pixels * TRIANGLES_PER_PIXEL;
    let level: DetailLevel = "coarse";
    for (const finer of ["medium", "full"] as const) {
      const before = organ.meshes[level] as MeshFile;
      const mesh = organ.meshes[finer];
      // A light organ's finer levels may be the very same mesh.
      if (!mesh || mesh.triangles <= before.triangles || before.triangles >= needed) continue;
      const extra = mesh.triangles - before.triangles;
      const isTooMuch = extra > left || (profile === "phone" && mesh.triangles > MOST_ON_A_PHONE);
      if (isTooMuch) break;
      left -= extra;
      level = finer;
    }
    return { id: organ.id, level };
  });
}
