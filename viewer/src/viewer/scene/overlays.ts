// What lies over the canvas and moves with it: names, cube, marks, handles.
import type { App } from "../app.ts";
import type { Shell } from "../panels/shell.ts";
import { valueOf } from "../panels/measures.ts";
import { makeClipHandles } from "./clip_handles.ts";
import { makeCube } from "./cube.ts";
import { makeLabels } from "./labels.ts";
import { makeMarks } from "./measure_marks.ts";

export function putOverlays(app: App, shell: Shell): void {
  const { store, stage } = app;
  const names = new Map(store.state.manifest.organs.map((organ) => [organ.id, organ.name]));
  const labels = makeLabels({
    nameOf: (id) => names.get(id) ?? id,
    choose: (id) => store.dispatch({ type: "select", id }),
    edges: shell.edges,
  });
  const cube = makeCube(app.look);
  const marks = makeMarks(valueOf);
  const handles = makeClipHandles(store, () => stage.view(store.state));
  shell.stage.append(labels.element, marks.element, handles.element, cube.element);
  stage.onFrame((state, view) => {
    labels.update(state, view);
    cube.update(view);
    marks.update(state, view);
    handles.update(state, view);
  });
}
