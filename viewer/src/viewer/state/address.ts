// A view -> the text after # in an address, so that a link opens the same view. read_address.ts is the way back.
import type { TransferPoint } from "../model/transfer.ts";
import { areNamesShownFirst, firstOpacity } from "./first_state.ts";
import type { ViewState } from "./view_state.ts";

const round = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
const list = (all: readonly number[], digits = 2): string => all.map((one) => round(one, digits)).join(",");
/** Of scans whose values run from 0 to 1 as well as of those that run to thousands. */
const figures = (value: number): string => String(Number(value.toPrecision(6)));

/** Without "#". What is as at the beginning is left out. */
export function toAddress(state: ViewState): string {
  const said = new URLSearchParams();
  const { camera, clip, slices, manifest } = state;
  said.set("camera", [list(camera.targetLpsMm), list(camera.turn, 5), round(camera.distanceMm, 2)].join(","));
  const hidden = manifest.organs.filter(({ id }) => !state.organs[id]?.isShown).map(({ id }) => id);
  if (hidden.length) said.set("hidden", hidden.join(","));
  if (state.solo) said.set("alone", state.solo);
  if (state.selected) said.set("chosen", state.selected);
  for (const organ of manifest.organs) {
    const look = state.organs[organ.id];
    if (!look) continue;
    if (look.opacity !== firstOpacity(organ, manifest)) said.append("opacity", `${organ.id}:${round(look.opacity, 2)}`);
    if (look.colour !== organ.colour) said.append("colour", `${organ.id}:${look.colour.slice(1)}`);
  }
  for (const plane of clip.planes) {
    const scope = plane.scope === "all" ? "" : `:${plane.scope.join(",")}`;
    said.append("cut", `${list(plane.normal, 5)},${round(plane.offsetMm, 2)},${plane.isFlipped ? 1 : 0}${scope}`);
  }
  if (clip.box) said.set("box", list(clip.box.flat()));
  if (!clip.hasScan) said.set("grey-cuts", "0");
  if (state.hasLabels !== areNamesShownFirst(manifest)) said.set("names", state.hasLabels ? "1" : "0");
  if (state.paint !== "picture") said.set("paint", state.paint);
  if (slices.layout !== "3d") said.set("layout", slices.layout);
  if (manifest.volume) sayScan(said, state);
  return said.toString();
}

function sayScan(said: URLSearchParams, { slices, volume }: ViewState): void {
  said.set("at", list(slices.crosshairLpsMm));
  said.set("window", `${figures(slices.windowCentre)},${figures(slices.windowWidth)}`);
  if (slices.isIn3d) said.set("planes", "1");
  if (slices.obliqueNormal) said.set("oblique", list(slices.obliqueNormal, 5));
  if (slices.slab.mm > 0) said.set("slab", `${slices.slab.mode},${round(slices.slab.mm, 1)}`);
  const off = [...(slices.overlay ? [] : ["tint"]), ...(slices.outline ? [] : ["outline"])];
  if (off.length) said.set("without", off.join(","));
  if (!volume.isShown) return;
  said.set("volume", [volume.mode, volume.presetId, ...(volume.lighting ? [] : ["flat"])].join(","));
  // A look of one's own has no name that the reader of the link would know.
  if (volume.presetId === "" && volume.transferPoints.length) said.set("curve", curve(volume.transferPoints));
}

const curve = (points: readonly TransferPoint[]): string =>
  points.map(({ value, colour, opacity }) => [figures(value), colour.slice(1), figures(opacity)].join("*")).join("_");
