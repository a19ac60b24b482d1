// All slices beside the picture: which are shown follows the layout.
import { axesOf, planesThrough } from "../model/slice_view.ts";
import { arranged } from "../state/layouts.ts";
import type { Layout } from "../state/view_state.ts";
import type { OtherPlane } from "./slice_marks.ts";
import { type PaneParts, type SlicePane, slicePane } from "./slice_pane.ts";

export interface SlicePanes {
  refresh(): void;
  dispose(): void;
}

export function slicePanes(container: HTMLElement, parts: Omit<PaneParts, "others" | "enlarge">): SlicePanes {
  const { store } = parts;
  const views = container.parentElement;
  let panes: SlicePane[] = [];
  let before: Layout = "1+3";

  const whole: PaneParts = {
    ...parts,
    others(orientation): readonly OtherPlane[] {
      const { slices } = store.state;
      return planesThrough(slices.obliqueNormal)
        .filter((one) => one !== orientation)
        .map((one) => ({ orientation: one, normal: axesOf(one, slices.obliqueNormal).across }));
    },
    enlarge(orientation) {
      const { layout } = store.state.slices;
      if (layout === orientation) store.dispatch({ type: "layout", layout: before });
      else {
        before = layout;
        store.dispatch({ type: "layout", layout: orientation });
      }
    },
  };

  function arrange(): void {
    const { kind, panes: wanted } = arranged(store.state);
    if (views) views.dataset["layout"] = kind;
    container.hidden = wanted.length === 0;
    container.dataset["count"] = String(wanted.length);
    if (wanted.length === panes.length && wanted.every((one, i) => panes[i]?.orientation === one)) return;
    const focused = panes.find((pane) => pane.element.contains(document.activeElement))?.orientation;
    const kept = panes;
    panes = wanted.map((one) => kept.find((pane) => pane.orientation === one) ?? slicePane(one, whole));
    for (const pane of kept) if (!panes.includes(pane)) pane.dispose();
    container.replaceChildren(...panes.map((pane) => pane.element));
    const again = panes.find((pane) => pane.orientation === focused);
    again?.element.querySelector<HTMLElement>(".pane-face")?.focus({ preventScroll: true });
  }

  function refresh(): void {
    arrange();
    for (const pane of panes) pane.refresh();
  }

  const unsubscribe = store.subscribe(refresh);
  refresh();
  return {
    refresh,
    dispose() {
      unsubscribe();
      for (const pane of panes) pane.dispose();
    },
  };
}
