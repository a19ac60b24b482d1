// A view <-> the text after # in an address, so that a link opens the same view. Read as warily as any input.
import type { Bounds, Vec3 } from "../model/vectors.ts";
import { normal } from "../model/vectors.ts";
import type { Intent } from "./intents.ts";
import type { ClipPlane, Layout, ViewState } from "./view_state.ts";

const LAYOUTS: readonly Layout[] = ["3d", "1+3", "axial", "coronal", "sagittal", "oblique"];

const round = (value: number, digits: number): string => String(Number(value.toFixed(digits)));
const list = (all: readonly number[], digits = 2): string => all.map((one) => round(one, digits)).join(",");

/** Without "#". What is as at the beginning is left out. */
export function toAddress(state: ViewState): string {
  const said = new URLSearchParams();
  const { camera, clip, slices, volume, manifest } = state;
  said.set("camera", [list(camera.targetLpsMm), list(camera.turn, 5), round(camera.distanceMm, 2)].join(","));
  const hidden = manifest.organs.filter(({ id }) => !state.organs[id]?.isShown).map(({ id }) => id);
  if (hidden.length) said.set("hidden", hidden.join(","));
  if (state.solo) said.set("alone", state.solo);
  if (state.selected) said.set("chosen", state.selected);
  for (const organ of manifest.organs) {
    const look = state.organs[organ.id];
    if (!look) continue;
    if (look.opacity !== 1) said.append("opacity", `${organ.id}:${round(look.opacity, 2)}`);
    if (look.colour !== organ.colour) said.append("colour", `${organ.id}:${look.colour.slice(1)}`);
  }
  for (const plane of clip.planes) {
    const scope = plane.scope === "all" ? "" : `:${plane.scope.join(",")}`;
    said.append("cut", `${list(plane.normal, 5)},${round(plane.offsetMm, 2)},${plane.isFlipped ? 1 : 0}${scope}`);
  }
  if (clip.box) said.set("box", list(clip.box.flat()));
  if (!state.hasLabels) said.set("names", "0");
  if (slices.layout !== "3d") said.set("layout", slices.layout);
  if (manifest.volume) {
    said.set("at", list(slices.crosshairLpsMm));
    said.set("window", list([slices.windowCentre, slices.windowWidth], 1));
    if (slices.isIn3d) said.set("planes", "1");
    if (slices.obliqueNormal) said.set("oblique", list(slices.obliqueNormal, 5));
    if (volume.isShown) said.set("volume", `${volume.mode},${volume.presetId}`);
  }
  return said.toString();
}

/** What has to be wished for to get there; whatever cannot be read is passed over. */
export function fromAddress(address: string, state: ViewState): Intent[] {
  const said = new URLSearchParams(address.replace(/^#/, ""));
  const known = (id: string | null): id is string => id !== null && Object.hasOwn(state.organs, id);
  const intents: Intent[] = [];
  if (!said.has("camera")) return [];
  const [x, y, z, qx, qy, qz, qw, distanceMm] = numbers(said.get("camera"), 8) ?? [];
  if (distanceMm !== undefined && distanceMm > 0) {
    const turn = normal([qx ?? 0, qy ?? 0, qz ?? 0, qw ?? 1]);
    intents.push({ type: "camera", camera: { targetLpsMm: [x ?? 0, y ?? 0, z ?? 0], turn, distanceMm } });
  }
  intents.push({ type: "show-all", isShown: true });
  intents.push({ type: "show", ids: (said.get("hidden") ?? "").split(",").filter(known), isShown: false });
  for (const [id, value] of pairs(said.getAll("opacity"))) {
    const opacity = Number(value);
    if (known(id) && Number.isFinite(opacity)) intents.push({ type: "opacity", ids: [id], opacity });
  }
  for (const [id, value] of pairs(said.getAll("colour"))) if (known(id)) intents.push({ type: "colour", id, colour: `#${value}` });
  if (known(said.get("alone"))) intents.push({ type: "solo", id: said.get("alone") });
  if (known(said.get("chosen"))) intents.push({ type: "select", id: said.get("chosen") });
  if (said.get("names") === "0") intents.push({ type: "labels", hasLabels: false });
  intents.push(...clipOf(said, known), ...scanOf(said, state));
  return intents;
}

function clipOf(said: URLSearchParams, known: (id: string) => boolean): Intent[] {
  const planes = said.getAll("cut").flatMap((text, index): ClipPlane[] => {
    const [place = "", scope] = text.split(":", 2);
    const [a, b, c, offsetMm, isFlipped] = numbers(place, 5) ?? [];
    if (a === undefined || b === undefined || c === undefined || offsetMm === undefined) return [];
    const long = Math.hypot(a, b, c);
    if (!(long > 0.5 && long < 2)) return [];
    const organs = scope?.split(",").filter(known) ?? [];
    return [
      {
        id: String(index + 1),
        normal: [a / long, b / long, c / long],
        offsetMm,
        isFlipped: isFlipped === 1,
        scope: organs.length ? organs : "all",
      },
    ];
  });
  const box = numbers(said.get("box"), 6);
  return [
    ...planes.map((plane): Intent => ({ type: "clip-add", plane })),
    ...(box && isBox(box) ? [{ type: "clip-box", box: boxOf(box) } as const] : []),
  ];
}

function scanOf(said: URLSearchParams, state: ViewState): Intent[] {
  if (!state.manifest.volume) return [];
  const intents: Intent[] = [];
  const at = numbers(said.get("at"), 3) as unknown as Vec3 | undefined;
  const window = numbers(said.get("window"), 2);
  const oblique = numbers(said.get("oblique"), 3) as unknown as Vec3 | undefined;
  const layout = LAYOUTS.find((one) => one === said.get("layout"));
  if (at) intents.push({ type: "slices", change: { crosshairLpsMm: at } });
  if (window?.[1] !== undefined && window[1] > 0)
    intents.push({ type: "slices", change: { windowCentre: window[0] ?? 0, windowWidth: window[1] } });
  if (oblique && Math.hypot(...oblique) > 0.5) intents.push({ type: "slices", change: { obliqueNormal: oblique } });
  if (said.get("planes") === "1") intents.push({ type: "slices", change: { isIn3d: true } });
  if (layout) intents.push({ type: "layout", layout });
  const [mode, presetId = ""] = (said.get("volume") ?? "").split(",");
  if (mode === "mip" || mode === "composite")
    intents.push({ type: "volume", change: { isShown: true, mode, presetId: presetId.slice(0, 60) } });
  return intents;
}

function pairs(texts: readonly string[]): [string, string][] {
  return texts.flatMap((text): [string, string][] => {
    const at = text.lastIndexOf(":");
    return at > 0 ? [[text.slice(0, at), text.slice(at + 1)]] : [];
  });
}

function numbers(text: string | null, count: number): number[] | undefined {
  const all = text?.split(",").map(Number) ?? [];
  return all.length === count && all.every((one) => Number.isFinite(one) && Math.abs(one) < 1e7) ? all : undefined;
}

const isBox = (n: readonly number[]): boolean => [0, 1, 2].every((axis) => (n[axis] ?? 0) < (n[axis + 3] ?? 0));
const boxOf = ([a = 0, b = 0, c = 0, d = 0, e = 0, f = 0]: readonly number[]): Bounds => [[a, b, c], [d, e, f]];
