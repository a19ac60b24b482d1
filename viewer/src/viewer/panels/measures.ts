// What was measured: listed, renamed, taken away, and kept with the case.
import { type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { word } from "../../page/words.ts";
import { toCsv } from "../model/measure.ts";
import { type Measurement, type ViewState, hasLengths, hasMillimetres } from "../state/view_state.ts";
import { download, fileName } from "./download.ts";
import { measured, place } from "./format.ts";
import { Panel } from "./panel.ts";
import { placeWords, probedOrgan, valueWords } from "./readings.ts";
import { SIGNS, sign } from "./signs.ts";
import { TOOLS } from "../tools/tools.ts";

export const valueOf = (one: Measurement): string => measured(one);

export class MeasuresPanel extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.measurements, state.keptIds, state.pendingLpsMm, state.tool, state.manifest, state.probe];
  }

  protected override render(): TemplateResult {
    const { state } = this;
    const { estimate } = state.manifest;
    if (!hasLengths(state)) return html`<p class="notice">${word("This scan has no millimetres, so nothing in it can be measured.")}</p>`;
    const measuring = TOOLS.filter((tool) => tool.id === "distance" || tool.id === "angle" || tool.id === "pick");
    const current = measuring.find((tool) => tool.id === state.tool);
    return html`<div class="stack">
      ${estimate ? html`<p class="notice small">${hasMillimetres(state) ? word("Measured on a model that is estimated: its far side and its depth are not those of the thing.") : word("No length in the picture is known: what is measured here is in pixels (px) of the picture, on a model that is estimated.")}</p>` : nothing}
      <div class="cut-kinds">${measuring.map((tool) => html`<button type="button" class="button plain slim" aria-pressed=${tool.id === state.tool} @click=${() => this.app.store.dispatch({ type: "tool", tool: tool.id === state.tool ? "turn" : tool.id })}>${sign(tool.sign)}${tool.label()}</button>`)}</div>
      <p class="hint">${current?.hint(state.manifest) ?? word("Take up a tool, then press points in the picture.")}</p>
      ${this.probe()}
      ${this.app.page.canEdit ? nothing : html`<p class="hint">${word("You may only look at this case: what you measure here is not kept, and what others measured stays as it is.")}</p>`}
      ${state.measurements.length ? this.list() : html`<p class="quiet small">${word("Nothing is measured yet.")}</p>`}
    </div>`;
  }

  private probe(): TemplateResult | typeof nothing {
    const { probe, manifest } = this.state;
    if (!probe) return nothing;
    return html`<dl class="facts-of probe">
      <div><dt>${word("Probe")}</dt><dd>${probedOrgan(probe, manifest)}</dd></div>
      <div><dt>${manifest.estimate ? word("From the middle of the picture") : word("Place in the patient (mm)")}</dt><dd class="number">${manifest.estimate ? placeWords(probe.pointLpsMm, manifest) : place(probe.pointLpsMm)}</dd></div>
      ${probe.value === undefined ? nothing : html`<div><dt>${word("Value of the scan")}</dt><dd class="number">${valueWords(probe.value, manifest)}</dd></div>`}
    </dl>`;
  }

  private list(): TemplateResult {
    const { store, page } = this.app;
    // Taken away here they would be there again at the next visit, and for everybody else all the time.
    const isOthers = ({ id }: Measurement): boolean => !page.canEdit && this.state.keptIds.has(id);
    return html`<ol class="measure-list">${repeat(
      this.state.measurements,
      (one) => one.id,
      (one) => html`<li data-measure=${one.kind}>
        <input type="text" maxlength="120" dir="auto" aria-label=${word("Name")} .value=${one.name} ?readonly=${isOthers(one)}
          @change=${(event: Event) => store.dispatch({ type: "measure-rename", id: one.id, name: (event.target as HTMLInputElement).value })} />
        <output class="number">${valueOf(one)}</output>
        ${isOthers(one) ? nothing : html`<button type="button" class="tool small" aria-label=${word("Remove {name}", { name: one.name })} @click=${() => store.dispatch({ type: "measure-remove", id: one.id })}>${sign(SIGNS.bin)}</button>`}
      </li>`,
    )}</ol>
    <div class="actions"><button type="button" class="button plain slim" @click=${this.csv}>${sign(SIGNS.take)}${word("Table (CSV)")}</button></div>`;
  }

  private csv(): void {
    const rows = this.state.measurements.map((one) => ({ ...one, name: one.name }));
    // A byte order mark, without which spreadsheets read accents as two letters.
    const blob = new Blob(["\uFEFF", toCsv(rows)], { type: "text/csv;charset=utf-8" });
    download(blob, fileName(this.app.page, this.state.manifest, "csv"));
  }
}
