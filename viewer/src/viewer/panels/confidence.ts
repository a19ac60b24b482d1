// How sure the depth of a picture's model is, in colours: the choice of it, and what the colours mean.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { type Paint, type ViewState, hasConfidence } from "../state/view_state.ts";
import { Panel } from "./panel.ts";

/** Between the picture and the colours; nothing where no network looked at the picture. */
export class PaintChoice extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.paint, state.manifest];
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!hasConfidence(this.state.manifest)) return nothing;
    const choice = (paint: Paint, label: string) => html`<label class="tick"><input type="radio" name="paint" value=${paint}
      .checked=${this.state.paint === paint} @change=${() => this.app.store.dispatch({ type: "paint", paint })} /><span>${label}</span></label>`;
    return html`<fieldset class="paint-choice">
      <legend>${word("On the model")}</legend>
      ${choice("picture", word("The picture"))}
      ${choice("confidence", word("How sure its depth is"))}
    </fieldset>`;
  }
}

/** On the view itself while the colours are seen, so that whoever copies the screen copies their meaning. */
export class ConfidenceLegend extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.paint];
  }

  protected override render(): TemplateResult | typeof nothing {
    if (this.state.paint !== "confidence") return nothing;
    return html`<div class="sure-legend small" role="note" aria-label=${word("What the colours mean")}>
      <p>${word("How sure the depth is")}</p>
      <div class="sure-scale"><span>${word("unsure")}</span><span class="sure-ramp" aria-hidden="true"></span><span>${word("sure")}</span></div>
      <div class="sure-none"><span class="sure-swatch" aria-hidden="true"></span><span>${word("nobody saw it")}</span></div>
    </div>`;
  }
}
