// Cuts by name and number: for keys, and for whoever wants to know to the millimetre.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { reach } from "../model/plane.ts";
import { type Bounds, type Vec3, dot, middle, scale } from "../model/vectors.ts";
import { axesOf, sideOf } from "../model/viewpoint.ts";
import { withFace } from "../scene/clip_handles.ts";
import { cutNames, faceName, sideWords } from "../scene/side_words.ts";
import { boundsOf } from "../state/first_state.ts";
import { type ClipPlane, MOST_PLANES, type ViewState } from "../state/view_state.ts";
import { firstFree } from "../tools/clip.ts";
import { lengthOf } from "./format.ts";
import { Panel } from "./panel.ts";
import { thingsOf } from "./shown_things.ts";
import { SIGNS, sign } from "./signs.ts";

export class ClipPanel extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.clip, state.manifest];
  }

  private get bounds(): Bounds {
    return boundsOf(this.state.manifest);
  }

  protected override render(): TemplateResult {
    const { clip, manifest } = this.state;
    const isFull = clip.planes.length >= MOST_PLANES;
    const names = cutNames(manifest);
    return html`
      <div class="stack">
        <fieldset class="cut-new">
          <legend>${word("New cut")}</legend>
          <div class="cut-kinds">
            ${this.add(names.level, () => [0, 0, 1], isFull)}
            ${this.add(names.upright, () => [0, -1, 0], isFull)}
            ${this.add(names.sideways, () => [1, 0, 0], isFull)}
            ${this.add(word("As I look"), () => axesOf(this.state.camera.turn).back, isFull)}
          </div>
          ${isFull ? html`<p class="hint">${word("Three cuts are the most. Take one away first.")}</p>` : nothing}
        </fieldset>
        ${clip.planes.map((plane) => this.plane(plane))}
        <label class="tick"><input type="checkbox" name="box" .checked=${clip.box !== null} @change=${this.toggleBox} /><span>${word("Box: show only what lies in it")}</span></label>
        ${clip.box ? this.box(clip.box) : nothing}
        <label class="tick"><input type="checkbox" name="handles" .checked=${clip.hasHandles}
          @change=${(event: Event) => this.app.store.dispatch({ type: "clip-handles", hasHandles: (event.target as HTMLInputElement).checked })} />
          <span>${word("Handles in the picture")}</span></label>
        ${
          manifest.volume
            ? html`<label class="tick"><input type="checkbox" name="scan-on-cuts" .checked=${clip.hasScan}
          @change=${(event: Event) => this.app.store.dispatch({ type: "clip-scan", hasScan: (event.target as HTMLInputElement).checked })} />
          <span>${word("The scan on the cuts")}</span></label>`
            : nothing
        }
      </div>
    `;
  }

  private add(label: string, normalOf: () => Vec3, isFull: boolean): TemplateResult {
    const cut = () => {
      const normal = normalOf();
      const id = firstFree(this.state.clip.planes.map((plane) => plane.id));
      const offsetMm = dot(normal, middle(this.bounds));
      this.app.store.dispatch({ type: "clip-add", plane: { id, normal, offsetMm, isFlipped: false, scope: "all" } });
    };
    return html`<button type="button" class="button plain slim" ?disabled=${isFull} @click=${cut}>${label}</button>`;
  }

  private plane(plane: ClipPlane): TemplateResult {
    const { store } = this.app;
    const { id } = plane;
    const [low, high] = reach(plane.normal, this.bounds);
    const change = (by: Partial<Omit<ClipPlane, "id">>) => store.dispatch({ type: "clip-change", id, change: by });
    const shown = lengthOf(plane.offsetMm - low, store.state.manifest);
    return html`<fieldset class="cut" data-cut=${id}>
      <legend>${word("Cut {number}", { number: id })}</legend>
      <label class="slide"><span>${sideWords(store.state.manifest).depth(sideOf(scale(plane.normal, -1)))}</span>
        <input type="range" min=${low} max=${high} step="any" .value=${String(plane.offsetMm)} aria-valuetext=${shown}
          @input=${(event: Event) => change({ offsetMm: Number((event.target as HTMLInputElement).value) })} />
        <output class="number">${shown}</output></label>
      <div class="organ-do">
        <button type="button" class="button plain slim" aria-pressed=${plane.isFlipped} @click=${() => change({ isFlipped: !plane.isFlipped })}>${sign(SIGNS.flip)}${word("Other side")}</button>
        <button type="button" class="button plain slim" @click=${() => store.dispatch({ type: "clip-remove", id })}>${sign(SIGNS.bin)}${word("Remove")}</button>
      </div>
      ${this.scope(plane, change)}
    </fieldset>`;
  }

  private scope(plane: ClipPlane, change: (by: Partial<ClipPlane>) => void): TemplateResult {
    const { organs } = this.state.manifest;
    const things = thingsOf(this.state.manifest);
    const chosen = plane.scope === "all" ? organs.map(({ id }) => id) : plane.scope;
    const toggle = (id: string, isCut: boolean) => {
      const next = isCut ? [...chosen, id] : chosen.filter((one) => one !== id);
      change({ scope: next.length === organs.length ? "all" : next });
    };
    const summary =
      plane.scope === "all" ? things.cutsAll : things.cuts(chosen.length, organs.length);
    return html`<details class="more"><summary>${summary}</summary>
      <div class="scope">${organs.map((organ) => html`<label class="tick"><input type="checkbox" .checked=${chosen.includes(organ.id)} @change=${(event: Event) => toggle(organ.id, (event.target as HTMLInputElement).checked)} /><span><bdi>${organ.name}</bdi></span></label>`)}</div>
    </details>`;
  }

  private box(box: Bounds): TemplateResult {
    const whole = this.bounds;
    const face = (index: number) => {
      const axis = index % 3;
      const value = box[index < 3 ? 0 : 1][axis] ?? 0;
      const [low, high] = [whole[0][axis] ?? 0, whole[1][axis] ?? 0];
      const move = (event: Event) =>
        this.app.store.dispatch({ type: "clip-box", box: withFace(box, index, Number((event.target as HTMLInputElement).value), whole) });
      return html`<label class="slide"><span>${faceName(index, this.state.manifest)}</span>
        <input type="range" min=${low} max=${high} step="any" .value=${String(value)} aria-valuetext=${lengthOf(value - low, this.state.manifest)} @input=${move} />
        <output class="number">${lengthOf(value - low, this.state.manifest, 0)}</output></label>`;
    };
    return html`<div class="stack tight box-faces">${[0, 3, 1, 4, 2, 5].map(face)}</div>`;
  }

  private toggleBox(event: Event): void {
    const isWanted = (event.target as HTMLInputElement).checked;
    this.app.store.dispatch({ type: "clip-box", box: isWanted ? this.bounds : null });
  }
}
