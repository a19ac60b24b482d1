// Names of what the scan's panel offers, in the page's language.
import { word } from "../../page/words.ts";
import type { Layout } from "../state/view_state.ts";

const LOOKS: Readonly<Record<string, () => string>> = {
  "ct-bone": () => word("Bone"),
  "ct-lung": () => word("Lung"),
  "ct-vessels": () => word("Vessels with contrast medium"),
  "ct-soft-tissue": () => word("Soft tissue"),
  "ct-skin": () => word("Skin"),
  "mr-head": () => word("Outer form"),
  "mr-bright": () => word("Bright tissue"),
  "mr-soft": () => word("Everything, thinly"),
};
export const lookName = (id: string): string => LOOKS[id]?.() ?? word("Your own");

const WINDOWS: Readonly<Record<string, () => string>> = {
  "soft-tissue": () => word("Soft tissue"),
  lung: () => word("Lung"),
  bone: () => word("Bone"),
  brain: () => word("Brain"),
  liver: () => word("Liver"),
  vessels: () => word("Vessels with contrast medium"),
};
export const windowName = (id: string): string => WINDOWS[id]?.() ?? id;

const LAYOUTS: Readonly<Record<Layout, () => string>> = {
  "3d": () => word("3D alone"),
  "1+3": () => word("3D and slices"),
  axial: () => word("Axial"),
  coronal: () => word("Coronal"),
  sagittal: () => word("Sagittal"),
  oblique: () => word("Oblique"),
};
export const layoutName = (layout: Layout): string => LAYOUTS[layout]();
export const LAYOUT_IDS = Object.keys(LAYOUTS) as readonly Layout[];
