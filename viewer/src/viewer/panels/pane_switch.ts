// Where there is no room for all pictures: which of them is seen.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { planesThrough } from "../model/slice_view.ts";
import { frontOf } from "../state/layouts.ts";
import type { Store } from "../state/store.ts";
import type { ViewState } from "../state/view_state.ts";
import { Panel } from "./panel.ts";
import { layoutName } from "./scan_words.ts";

export class PaneSwitch extends Panel {
  protected override shows({ room, slices }: ViewState): readonly unknown[] {
    return [room, slices.layout, slices.front, slices.isBefore3d, slices.obliqueNormal !== null];
  }

  protected override render(): TemplateResult | typeof nothing {
    const { room, slices } = this.state;
    if (room === "wide" || slices.layout !== "1+3") return nothing;
    const hasOne = room === "one";
    const is3d = hasOne && !slices.isBefore3d;
    const front = frontOf(slices);
    const choose = (change: Partial<ViewState["slices"]>) => this.app.store.dispatch({ type: "slices", change });
    return html`<div class="pane-switch" role="group" aria-label=${word("Which picture is seen")}>
      ${hasOne ? html`<button type="button" aria-pressed=${is3d} @click=${() => choose({ isBefore3d: false })}>${word("3D")}</button>` : nothing}
      ${planesThrough(slices.obliqueNormal).map(
        (one) => html`<button type="button" class="of-${one}" aria-pressed=${!is3d && one === front}
          @click=${() => choose({ front: one, isBefore3d: true })}>${layoutName(one)}</button>`,
      )}
    </div>`;
  }
}

/** The picture that was touched last is the one that stays when the room gets less. */
export function bringForward(store: Store, views: HTMLElement): void {
  views.addEventListener(
    "pointerdown",
    ({ target }) => {
      const { room, slices } = store.state;
      if (room !== "two" || slices.layout !== "1+3" || !(target instanceof Element)) return;
      const pane = target.closest<HTMLElement>(".slice-pane")?.dataset["orientation"];
      if (pane && !slices.isBefore3d) store.dispatch({ type: "slices", change: { isBefore3d: true } });
      else if (!pane && slices.isBefore3d && target.closest(".stage")) store.dispatch({ type: "slices", change: { isBefore3d: false } });
    },
    { capture: true, passive: true },
  );
}
