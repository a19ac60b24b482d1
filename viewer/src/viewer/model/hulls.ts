// What encloses others: its surface is seen, and all that nobody else claims inside it has its label.
import type { Organ } from "./manifest.ts";

const COVERS_ALL = /^(skin|body)$/;
const GLASS = 0.25;

/** Shown as glass from the beginning, also in scenes that do not say so. */
export const isHull = ({ id, opacity }: Pick<Organ, "id" | "opacity">): boolean =>
  opacity === null ? COVERS_ALL.test(id) : opacity < 0.5;

export const hullOpacity = (organ: Pick<Organ, "id" | "opacity">): number => organ.opacity ?? (isHull(organ) ? GLASS : 1);
