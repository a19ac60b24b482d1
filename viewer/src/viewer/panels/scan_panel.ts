// What can be done with the scan: layout, slices, brightness, and the volume.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { transferPresets } from "../model/transfer.ts";
import { anglesOf, normalOf } from "../model/slice_view.ts";
import { WINDOWS_CT, type Window, fromEnds } from "../model/windows.ts";
import { scale } from "../model/vectors.ts";
import { axesOf } from "../model/viewpoint.ts";
import type { TransferPoint } from "../model/transfer.ts";
import type { SlicesState, ViewState, VolumeState } from "../state/view_state.ts";
import { degrees as inDegrees, millimetres, voxelValue } from "./format.ts";
import { LAYOUT_IDS, layoutName, lookName, windowName } from "./scan_words.ts";
import { TransferEditor } from "./transfer_editor.ts";
import { Panel, panel } from "./panel.ts";

/** What the panel asks of the part that holds the scan. */
export interface ScanPart {
  readonly scan: { readonly largestStep: number; readonly range: readonly [number, number] };
  windowFromValues(): Promise<Window | undefined>;
}

const numberIn = (event: Event): number => Number((event.target as HTMLInputElement).value);
const isTicked = (event: Event): boolean => (event.target as HTMLInputElement).checked;

export class ScanPanel extends Panel {
  source!: ScanPart;
  private editor: TransferEditor | undefined;
  private looksRange: readonly [number, number] | null = null;

  protected override shows(state: ViewState): readonly unknown[] {
    return [state.slices, state.volume, state.manifest, state.profile];
  }

  private slices(change: Partial<Omit<SlicesState, "layout">>): void {
    this.app.store.dispatch({ type: "slices", change });
  }

  private volume(change: Partial<VolumeState>): void {
    this.app.store.dispatch({ type: "volume", change });
  }

  override connectedCallback(): void {
    super.connectedCallback();
    const { volume } = this.state.manifest;
    if (volume?.quantity === "HU") this.looksRange = volume.range;
    else
      void this.source.windowFromValues().then((found) => {
        this.looksRange = found ? [found.centre - found.width / 2, found.centre + found.width / 2] : (volume?.range ?? [0, 1]);
        this.requestUpdate();
      });
  }

  protected override render(): TemplateResult {
    return html`<div class="stack scan-panel">
      ${this.layouts()} ${this.window_()} ${this.overlays()} ${this.slab()} ${this.oblique()} ${this.body()} ${this.gaps()} ${this.exactness()}
    </div>`;
  }

  private layouts(): TemplateResult {
    const { layout, isIn3d, obliqueNormal } = this.state.slices;
    const choose = (id: (typeof LAYOUT_IDS)[number]): void => {
      if (id === "oblique" && !obliqueNormal) this.slices({ obliqueNormal: normalOf(30, 30) });
      this.app.store.dispatch({ type: "layout", layout: id });
    };
    return html`<fieldset class="options">
        <legend>${word("What is shown")}</legend>
        ${LAYOUT_IDS.map((id) => html`<label class="option"><input type="radio" name="layout" value=${id} .checked=${layout === id}
          @change=${() => choose(id)} /><span>${layoutName(id)}</span></label>`)}
      </fieldset>
      <label class="tick"><input type="checkbox" name="in-3d" .checked=${isIn3d} @change=${(e: Event) => this.slices({ isIn3d: isTicked(e) })} />
        <span>${word("The slices in the 3D picture too")}</span></label>`;
  }

  private window_(): TemplateResult {
    const { windowCentre, windowWidth } = this.state.slices;
    const { volume } = this.state.manifest;
    if (!volume) return html``;
    const [low, high] = volume.range;
    const isHu = volume.quantity === "HU";
    const set = ({ centre, width }: Window): void => this.slices({ windowCentre: centre, windowWidth: width });
    const current = WINDOWS_CT.find((one) => one.centre === windowCentre && one.width === windowWidth)?.id ?? "";
    const pick = (event: Event): void => {
      const found = WINDOWS_CT.find((one) => one.id === (event.target as HTMLSelectElement).value);
      if (found) set(found);
    };
    const auto = async (): Promise<void> => set((await this.source.windowFromValues()) ?? fromEnds(low, high));
    const shown = (value: number): string => voxelValue(Math.round(value), volume.quantity);
    return html`<fieldset class="stack tight">
      <legend>${word("Brightness of the scan")}</legend>
      <div class="row-of">
        ${
          isHu
            ? html`<label class="grow"><span class="unseen">${word("Window")}</span><select name="window" @change=${pick}>
                <option value="" ?selected=${current === ""} disabled>${word("Your own")}</option>
                ${WINDOWS_CT.map((one) => html`<option value=${one.id} ?selected=${current === one.id}>${windowName(one.id)}</option>`)}
              </select></label>`
            : nothing
        }
        <button type="button" class="button plain slim" @click=${auto}>${word("Automatic")}</button>
      </div>
      <label class="slide"><span>${word("Centre")}</span><input type="range" name="window-centre" min=${low} max=${high} step="1"
        .value=${String(Math.round(windowCentre))} aria-valuetext=${shown(windowCentre)}
        @input=${(e: Event) => this.slices({ windowCentre: numberIn(e) })} /><output class="number">${shown(windowCentre)}</output></label>
      <label class="slide"><span>${word("Width")}</span><input type="range" name="window-width" min="1" max=${Math.max(2, high - low)} step="1"
        .value=${String(Math.round(windowWidth))} aria-valuetext=${shown(windowWidth)}
        @input=${(e: Event) => this.slices({ windowWidth: numberIn(e) })} /><output class="number">${shown(windowWidth)}</output></label>
    </fieldset>`;
  }

  private overlays(): TemplateResult | typeof nothing {
    if (!this.state.manifest.labels) return nothing;
    const { overlay, outline } = this.state.slices;
    return html`<div class="stack tight">
      <label class="tick"><input type="checkbox" name="overlay" .checked=${overlay} @change=${(e: Event) => this.slices({ overlay: isTicked(e) })} />
        <span>${word("Tint the organs in the slices")}</span></label>
      <label class="tick"><input type="checkbox" name="outline" .checked=${outline} @change=${(e: Event) => this.slices({ outline: isTicked(e) })} />
        <span>${word("Outline the organs in the slices")}</span></label>
    </div>`;
  }

  private slab(): TemplateResult {
    const { slab } = this.state.slices;
    const shown = slab.mm === 0 ? word("one slice") : millimetres(slab.mm, 0);
    const modes = { mean: word("Mean"), mip: word("Brightest (MIP)"), minip: word("Darkest (MinIP)") };
    return html`<details class="more" ?open=${slab.mm > 0}><summary>${word("Thick slices")}</summary>
      <div class="stack tight">
        <label class="slide"><span>${word("Thickness")}</span><input type="range" name="slab" min="0" max="50" step="1" .value=${String(slab.mm)}
          aria-valuetext=${shown} @input=${(e: Event) => this.slices({ slab: { ...slab, mm: numberIn(e) } })} /><output class="number">${shown}</output></label>
        <label><span>${word("Shows")}</span><select name="slab-mode"
          @change=${(e: Event) => this.slices({ slab: { ...slab, mode: (e.target as HTMLSelectElement).value as SlicesState["slab"]["mode"] } })}>
          ${Object.entries(modes).map(([id, name]) => html`<option value=${id} ?selected=${slab.mode === id}>${name}</option>`)}
        </select></label>
      </div></details>`;
  }

  private oblique(): TemplateResult {
    const { obliqueNormal } = this.state.slices;
    const { turn, tilt } = anglesOf(obliqueNormal ?? [0, 1, 0]);
    const degrees = (label: string, name: string, value: number, most: number, set: (value: number) => void): TemplateResult =>
      html`<label class="slide"><span>${label}</span><input type="range" name=${name} min=${-most} max=${most} step="1" .value=${String(value)}
        aria-valuetext=${inDegrees(value, 0)} @input=${(e: Event) => set(numberIn(e))} /><output class="number">${inDegrees(value, 0)}</output></label>`;
    return html`<details class="more" ?open=${obliqueNormal !== null}><summary>${word("Oblique plane")}</summary>
      <div class="stack tight">
        <div class="organ-do">
          <button type="button" class="button plain slim" @click=${() => this.slices({ obliqueNormal: scale(axesOf(this.state.camera.turn).back, -1) })}>${word("As I look")}</button>
          <button type="button" class="button plain slim" ?disabled=${!obliqueNormal} @click=${this.withoutOblique}>${word("Remove")}</button>
        </div>
        ${degrees(word("Turn"), "oblique-turn", turn, 180, (value) => this.slices({ obliqueNormal: normalOf(value, tilt) }))}
        ${degrees(word("Tilt"), "oblique-tilt", tilt, 90, (value) => this.slices({ obliqueNormal: normalOf(turn, value) }))}
      </div></details>`;
  }

  private withoutOblique(): void {
    if (this.state.slices.layout === "oblique") this.app.store.dispatch({ type: "layout", layout: "1+3" });
    this.slices({ obliqueNormal: null });
  }

  private body(): TemplateResult {
    const { volume } = this.state;
    const file = this.state.manifest.volume;
    const looks = file && this.looksRange ? transferPresets(file.quantity, this.looksRange) : [];
    const choose = (event: Event): void => {
      const found = looks.find((one) => one.id === (event.target as HTMLSelectElement).value);
      if (found) this.volume({ presetId: found.id, transferPoints: found.points });
    };
    const isKnown = looks.some((one) => one.id === volume.presetId);
    return html`<fieldset class="stack tight">
      <legend>${word("The scan as a body")}</legend>
      <label class="tick"><input type="checkbox" name="volume" .checked=${volume.isShown} @change=${(e: Event) => this.volume({ isShown: isTicked(e) })} />
        <span>${word("Show it in the 3D picture")}</span></label>
      ${
        volume.isShown
          ? html`<label><span>${word("Look")}</span><select name="look" @change=${choose}>
              ${isKnown ? nothing : html`<option value="" selected disabled>${lookName("")}</option>`}
              ${looks.map((one) => html`<option value=${one.id} ?selected=${one.id === volume.presetId}>${lookName(one.id)}</option>`)}
            </select></label>
            <div class="row-of options">
              <label class="option"><input type="radio" name="volume-mode" .checked=${volume.mode === "composite"} @change=${() => this.volume({ mode: "composite" })} /><span>${word("Body")}</span></label>
              <label class="option"><input type="radio" name="volume-mode" .checked=${volume.mode === "mip"} @change=${() => this.volume({ mode: "mip" })} /><span>${word("Brightest (MIP)")}</span></label>
            </div>
            ${volume.mode === "composite" ? this.shape() : html`<p class="hint">${word("Its brightness follows that of the slices.")}</p>`}`
          : nothing
      }
    </fieldset>`;
  }

  private shape(): TemplateResult {
    this.editor ??= panel("transfer-editor", TransferEditor, this.app);
    this.editor.onPoints = (transferPoints: readonly TransferPoint[]) => this.volume({ transferPoints, presetId: "" });
    return html`<label class="tick"><input type="checkbox" name="lighting" .checked=${this.state.volume.lighting}
        @change=${(e: Event) => this.volume({ lighting: isTicked(e) })} /><span>${word("Light and shade")}</span></label>
      <details class="more"><summary>${word("What is seen, and how densely")}</summary>${this.editor}</details>`;
  }

  private gaps(): TemplateResult | typeof nothing {
    if ((this.state.manifest.volume?.unmeasured ?? null) === null) return nothing;
    return html`<p class="hint">${word("Dark violet in a slice means: not measured there.")}</p>`;
  }

  private exactness(): TemplateResult | typeof nothing {
    const step = this.source.scan.largestStep;
    if (step <= 1) return nothing;
    const said =
      this.state.profile === "phone"
        ? word("On small devices the pictures of the scan have steps of {step}; the values under the pointer are exact.", { step: Math.round(step) })
        : word("Far from zero the pictures of the scan have steps of up to {step}; the values under the pointer are exact.", { step: Math.round(step) });
    return html`<p class="hint">${said}</p>`;
  }
}
