// A manifest -> how the view begins.
import { hullOpacity } from "../model/hulls.ts";
import type { Manifest, Organ } from "../model/manifest.ts";
import { type Bounds, type Vec3, around, middle } from "../model/vectors.ts";
import { firstTurn, firstTurnOfPicture, fitting } from "../model/viewpoint.ts";
import type { OrganState, ViewState } from "./view_state.ts";

export function boundsOf(manifest: Manifest, ids?: ReadonlySet<string>): Bounds {
  const organs = manifest.organs.filter((organ) => !ids || ids.has(organ.id)).map((organ) => organ.boundsLpsMm);
  const level = manifest.volume?.levels.at(-1);
  return around(organs) ?? (level ? boundsOfLevel(level.shape, level.indexToLps) : [[-1, -1, -1], [1, 1, 1]]);
}

/** What reaches farthest of all of it, where that is known better than by boxes. */
export function extremesOf({ organs }: Manifest): readonly Vec3[] | undefined {
  const all = organs.map(({ extremesLpsMm }) => extremesLpsMm);
  return all.length && all.every((one) => one !== null) ? all.flat() : undefined;
}

/** From the outermost voxel's edge to the other. */
function boundsOfLevel(shape: readonly number[], m: readonly number[]): Bounds {
  const low = [0, 0, 0];
  const high = [0, 0, 0];
  for (let axis = 0; axis < 3; axis += 1) {
    let least = m[axis * 4 + 3] ?? 0;
    let most = least;
    for (let index = 0; index < 3; index += 1) {
      const a = (m[axis * 4 + index] ?? 0) * -0.5;
      const b = (m[axis * 4 + index] ?? 0) * ((shape[index] ?? 1) - 0.5);
      least += Math.min(a, b);
      most += Math.max(a, b);
    }
    low[axis] = least;
    high[axis] = most;
  }
  return [low as unknown as Bounds[0], high as unknown as Bounds[1]];
}

export function firstState(manifest: Manifest, options: { profile: "desktop" | "phone"; aspect: number }): ViewState {
  const bounds = boundsOf(manifest);
  return {
    manifest,
    profile: options.profile,
    room: "wide",
    organs: firstLook(manifest),
    ownColours: {},
    paint: "picture",
    solo: null,
    selected: null,
    hovered: null,
    details: {},
    camera: fitting(bounds, options.aspect, manifest.estimate ? firstTurnOfPicture() : firstTurn(), extremesOf(manifest)),
    hasLabels: areNamesShownFirst(manifest),
    tool: "turn",
    probe: null,
    pendingLpsMm: [],
    measurements: [],
    keptIds: new Set(),
    clip: { planes: [], box: null, hasHandles: true, hasScan: true },
    volume: { isShown: false, mode: "composite", presetId: "", transferPoints: [], lighting: true },
    slices: {
      layout: "3d",
      front: "axial",
      isBefore3d: false,
      crosshairLpsMm: middle(bounds),
      windowCentre: manifest.volume?.window.centre ?? 40,
      windowWidth: manifest.volume?.window.width ?? 400,
      slab: { mm: 0, mode: "mean" },
      overlay: true,
      outline: true,
      isIn3d: false,
      obliqueNormal: null,
    },
    notices: [],
  };
}

/** A picture's model is one, and its name would only lie over it. */
export const areNamesShownFirst = ({ estimate }: Manifest): boolean => estimate === null;

/** Every organ in its own colour, in sight, and as solid as the scene has it. */
export const firstLook = (manifest: Manifest): Record<string, OrganState> =>
  Object.fromEntries(manifest.organs.map((organ) => [organ.id, { isShown: true, opacity: firstOpacity(organ, manifest), colour: organ.colour }]));

export const isFirstLook = ({ manifest, organs, solo, paint }: ViewState): boolean =>
  solo === null &&
  paint === "picture" &&
  Object.entries(firstLook(manifest)).every(([id, first]) => {
    const now = organs[id];
    return now?.isShown && now.opacity === first.opacity && now.colour === first.colour;
  });

/** A hull that is all there is hides nothing. */
export const firstOpacity = (organ: Organ, { organs }: Manifest): number => (organs.length === 1 ? 1 : hullOpacity(organ));
