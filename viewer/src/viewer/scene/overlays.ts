// What lies over the canvas and moves with it: names, cube, marks, handles.
import type { App } from "../app.ts";
import { busy } from "../busy.ts";
import type { View } from "../model/rays.ts";
import type { Shell } from "../panels/shell.ts";
import { valueOf } from "../panels/measures.ts";
import { probeWords } from "../panels/readings.ts";
import { makeClipHandles } from "./clip_handles.ts";
import { toolOf } from "../tools/tools.ts";
import { makeCube } from "./cube.ts";
import { makeLabels } from "./labels.ts";
import { makeMarks } from "./measure_marks.ts";
import { anchorWish } from "./picking.ts";
import { sideWords } from "./side_words.ts";
import { type ViewState, isVisible } from "../state/view_state.ts";

const REST_MS = 180;

export function putOverlays(app: App, shell: Shell): void {
  const { store, stage } = app;
  const names = new Map(store.state.manifest.organs.map((organ) => [organ.id, organ.name]));
  const labels = makeLabels({
    nameOf: (id) => names.get(id) ?? id,
    choose: (id) => store.dispatch({ type: "select", id }),
    edges: shell.edges,
  });
  const cube = makeCube(app.look, sideWords(store.state.manifest));
  const marks = makeMarks(valueOf, probeWords);
  const handles = makeClipHandles(store, () => stage.view(store.state));
  shell.stage.append(labels.element, marks.element, handles.element, cube.element);
  let rest: ReturnType<typeof setTimeout> | undefined;
  let askedFor: unknown[] = [];
  /** Lines end where an organ is seen: found out when the view has come to rest. */
  function askAnchors(state: ViewState, view: View): void {
    const { isIn3d, crosshairLpsMm, obliqueNormal } = state.slices;
    const sheets = isIn3d ? [crosshairLpsMm, obliqueNormal] : [null, null];
    const now = [state.camera, state.organs, state.solo, state.clip, state.details, view.width, view.height, ...sheets];
    if (now.every((one, index) => one === askedFor[index])) return;
    clearTimeout(rest);
    busy("lines", true);
    rest = setTimeout(() => {
      busy("lines", false);
      askedFor = now;
      const ids = state.manifest.organs.map(({ id }) => id).filter((id) => isVisible(state, id));
      app.meshes.anchors(anchorWish(state, view, ids), (anchors) => {
        app.seenAt.clear();
        for (const one of anchors) app.seenAt.set(one.id, one.pointLpsMm);
        labels.anchor(app.seenAt);
        stage.invalidate();
      });
    }, REST_MS);
  }
  stage.onFrame((state, view) => {
    askAnchors(state, view);
    shell.stage.dataset["tool"] = state.tool;
    shell.stage.dataset["cursor"] = toolOf(state.tool).cursor;
    labels.update(state, view);
    cube.update(view);
    marks.update(state, view);
    handles.update(state, view);
  });
  // Nothing else may be about to move.
  stage.invalidate();
}
