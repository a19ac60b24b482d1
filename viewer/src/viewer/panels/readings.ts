// What lies at a place, in words: the organ, where it is, and the value of the scan.
import { word } from "../../page/words.ts";
import { isHull } from "../model/hulls.ts";
import type { Manifest, Organ } from "../model/manifest.ts";
import type { Vec3 } from "../model/vectors.ts";
import type { Probe, ViewState } from "../state/view_state.ts";
import { lengthOf, place, voxelValue } from "./format.ts";

/** What a hull encloses is not the hull: fat, muscle and all that has no name of its own. */
export function organWords(organ: Organ | null | undefined, isInside: boolean): string {
  if (!organ) return "";
  return isInside && isHull(organ) ? word("inside “{hull}”", { hull: organ.name }) : organ.name;
}

/** "57 HU"; null stands for what was not measured, "unread" for what could not be had. */
export function valueWords(value: number | null | "unread", { volume }: Pick<Manifest, "volume">): string {
  if (value === null) return word("not measured");
  if (value === "unread") return word("the value here could not be read");
  return voxelValue(value, volume?.quantity ?? "");
}

/** In the patient, or from the middle of the picture; in voxels, which are no length, without a unit. */
export function placeWords(lpsMm: Vec3, manifest: Pick<Manifest, "unit" | "estimate">): string {
  if (manifest.estimate) return placeInPicture(lpsMm, manifest);
  return manifest.unit === "mm" ? `${place(lpsMm)} mm` : place(lpsMm);
}

/** "right 12.3 px, up 4.0 px, behind 1.0 px": as it is seen from the front. */
function placeInPicture([x, y, z]: Vec3, manifest: Pick<Manifest, "unit">): string {
  const far = (value: number) => ({ length: lengthOf(Math.abs(value), manifest) });
  return [
    x < 0 ? word("left {length}", far(x)) : word("right {length}", far(x)),
    z < 0 ? word("down {length}", far(z)) : word("up {length}", far(z)),
    y < 0 ? word("before {length}", far(y)) : word("behind {length}", far(y)),
  ].join(", ");
}

/** The organ that was probed; "" where there is none. */
export function probedOrgan(probe: Probe, { organs }: Pick<Manifest, "organs">): string {
  const found = organs.find(({ id }) => id === probe.organ);
  if (!found && probe.isOrganUnread) return word("the organ here could not be read");
  return organWords(found, probe.isInside);
}

/** What the probe says; "" where there is none. */
export function probeWords({ probe, manifest }: Pick<ViewState, "probe" | "manifest">): string {
  if (!probe) return "";
  // Of a picture there is one model, and everybody knows what is pressed.
  const organ = manifest.estimate ? "" : probedOrgan(probe, manifest);
  const value = probe.value === undefined ? "" : valueWords(probe.value, manifest);
  return [organ, placeWords(probe.pointLpsMm, manifest), value].filter(Boolean).join(" · ");
}
