// Sees to it that what is looked at gets its detail, and that no more is kept than the device can hold.
import { busy } from "../busy.ts";
import type { DetailLevel } from "../model/manifest.ts";
import { type Looked, wantedDetails } from "../model/detail.ts";
import { type View, eyeOf, pixelsPerUnit } from "../model/rays.ts";
import { scale } from "../model/vectors.ts";
import { axesOf } from "../model/viewpoint.ts";
import { type ViewState, isVisible } from "../state/view_state.ts";
import type { MeshSource } from "./meshes.ts";

const REST_MS = 220;

export interface DetailKeeper {
  /** Somebody looks from elsewhere, or at something else. */
  look(state: ViewState, view: View, pixelRatio: number): void;
}

export interface DetailOptions {
  readonly meshes: Pick<MeshSource, "load">;
  readonly has: (id: string, level: DetailLevel) => boolean;
  readonly choose: (levels: ReadonlyMap<string, DetailLevel>) => void;
  /** Nothing finer before everything is there coarsely. */
  readonly isReady: () => boolean;
  readonly hasFailed: (id: string, level: DetailLevel) => boolean;
}

export function keepDetails({ meshes, has, choose, isReady, hasFailed }: DetailOptions): DetailKeeper {
  let timer: ReturnType<typeof setTimeout> | undefined;

  function see(state: ViewState, view: View, pixelRatio: number): void {
    if (!isReady()) return;
    const looked: Looked = {
      eyeLpsMm: eyeOf(view),
      forward: scale(axesOf(view.turn).back, -1),
      pixelsPerRadian: pixelsPerUnit(view) * pixelRatio,
    };
    const inSight = state.manifest.organs.filter(({ id }) => isVisible(state, id));
    const wanted = wantedDetails(inSight, { looked, profile: state.profile, selected: state.selected });
    const levels = new Map<string, DetailLevel>();
    for (const { id, level } of wanted) {
      levels.set(id, level);
      const organ = inSight.find((one) => one.id === id);
      if (organ && !has(id, level) && !hasFailed(id, level)) meshes.load(organ, level);
    }
    choose(levels);
  }

  return {
    look(state, view, pixelRatio) {
      clearTimeout(timer);
      busy("details", true);
      timer = setTimeout(() => {
        see(state, view, pixelRatio);
        busy("details", false);
      }, REST_MS);
    },
  };
}
