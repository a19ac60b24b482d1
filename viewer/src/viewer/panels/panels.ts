// Every panel and where it stands.
import type { App } from "../app.ts";
import { ClipPanel } from "./clip_panel.ts";
import { ConfidenceLegend, PaintChoice } from "./confidence.ts";
import { MeasuresPanel } from "./measures.ts";
import { Notices } from "./notices.ts";
import { OrganTree } from "./organ_tree.ts";
import { panel } from "./panel.ts";
import { PaneSwitch, bringForward } from "./pane_switch.ts";
import type { Shell } from "./shell.ts";
import { TakeAway } from "./take_away.ts";
import { makeTextTwin } from "./text_twin.ts";
import { Toolbar, ViewMenu } from "./toolbar.ts";

export function putPanels(app: App, shell: Shell): void {
  shell.panels.get("organs")?.append(panel("paint-choice", PaintChoice, app), panel("organ-tree", OrganTree, app));
  shell.panels.get("cut")?.append(panel("view-cuts", ClipPanel, app));
  shell.panels.get("measure")?.append(panel("view-measures", MeasuresPanel, app));
  shell.panels.get("take")?.append(panel("take-away", TakeAway, app));
  shell.stage.append(panel("view-menu", ViewMenu, app), panel("confidence-legend", ConfidenceLegend, app));
  // Over the slices too, when they stand alone.
  shell.views.append(
    panel("view-tools", Toolbar, app),
    panel("pane-switch", PaneSwitch, app),
    panel("view-notices", Notices, app),
    makeTextTwin(app.store),
  );
  bringForward(app.store, shell.views);
  shell.watchRoom((room) => app.store.dispatch({ type: "room", room }));
}
