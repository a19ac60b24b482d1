// The tools, on the picture itself.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import { VIEW_NAMES } from "../model/viewpoint.ts";
import { sideWords } from "../scene/side_words.ts";
import { type ViewState, hasConfidence } from "../state/view_state.ts";
import { hindrance, toolOf, toolsOf } from "../tools/tools.ts";
import { Panel } from "./panel.ts";
import { SIGNS, sign } from "./signs.ts";

/** Where the tools lie in a row, as the styles have it. */
const IN_A_ROW = matchMedia("(max-width: 56rem)");

export class Toolbar extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.tool, state.manifest, state.hasLabels];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    IN_A_ROW.addEventListener("change", () => this.requestUpdate());
  }

  protected override render(): TemplateResult {
    const { store } = this.app;
    const { state } = this;
    const orientation = IN_A_ROW.matches ? "horizontal" : "vertical";
    return html`<div class="tools" role="toolbar" aria-label=${word("Tools")} aria-orientation=${orientation} @keydown=${rove}>
        ${toolsOf(state.manifest).map((tool) => {
          const against = hindrance(tool, state);
          const title = against ? `${tool.label()}: ${because(against)}` : `${tool.label()} (${tool.key.toUpperCase()})`;
          return html`<button type="button" class="tool" aria-pressed=${state.tool === tool.id} data-tool=${tool.id}
            aria-disabled=${against !== null} title=${title} aria-label=${title} tabindex=${state.tool === tool.id ? 0 : -1}
            @click=${() => against || store.dispatch({ type: "tool", tool: tool.id })}>${sign(tool.sign)}</button>`;
        })}
      </div>
      <p class="hint-line small">${toolOf(state.tool).hint(state.manifest)}</p>`;
  }
}

/** What a view is looked at from, as the cube has it, for keys and for whoever cannot see the cube. */
export class ViewMenu extends Panel {
  protected override shows(state: ViewState): readonly unknown[] {
    return [state.hasLabels, state.manifest, state.paint];
  }

  protected override render(): TemplateResult {
    const { app } = this;
    const { hasLabels, manifest, paint } = this.state;
    const words = sideWords(manifest);
    return html`<div class="view-menu">
      <button type="button" class="tool" title=${word("View as at the beginning")} aria-label=${word("View as at the beginning")}
        @click=${() => app.reset()}>${sign(SIGNS.home)}</button>
      <button type="button" class="tool" title=${word("Fill the view")} aria-label=${word("Fill the view")}
        @click=${() => app.fit()}>${sign(SIGNS.fit)}</button>
      <button type="button" class="tool" aria-pressed=${hasLabels} title=${word("Names in the picture")} aria-label=${word("Names in the picture")}
        @click=${() => app.store.dispatch({ type: "labels", hasLabels: !hasLabels })}>${sign(SIGNS.name)}</button>
      ${hasConfidence(manifest) ? this.sure(paint === "confidence") : nothing}
      <details class="menu">
        <summary class="tool" title=${word("Views")} aria-label=${word("Views")}>${sign(SIGNS.look)}</summary>
        <div class="sheet">
          ${VIEW_NAMES.map((name) => html`<button type="button" data-view=${name} @click=${() => app.look(name)}>${words.areWords ? nothing : html`<kbd>${words.marks[name]}</kbd> `}${words.from(name)}</button>`)}
        </div>
      </details>
    </div>`;
  }

  private sure(isShown: boolean): TemplateResult {
    const title = word("How sure the depth is");
    return html`<button type="button" class="tool" data-do="sure" aria-pressed=${isShown} title=${title} aria-label=${title}
      @click=${() => this.app.store.dispatch({ type: "paint", paint: isShown ? "picture" : "confidence" })}>${sign(SIGNS.sure)}</button>`;
  }
}

export function because(against: "lengths" | "volume"): string {
  return against === "lengths"
    ? word("this scan has no millimetres, so nothing in it can be measured")
    : word("this case has no scan");
}

/** One stop for the Tab key; arrows go on from there. */
function rove(event: KeyboardEvent): void {
  const rightwards = document.documentElement.dir === "rtl" ? -1 : 1;
  const step = { ArrowDown: 1, ArrowRight: rightwards, ArrowUp: -1, ArrowLeft: -rightwards }[event.key];
  if (!step) return;
  const all = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLButtonElement>("button")];
  const at = all.indexOf(document.activeElement as HTMLButtonElement);
  const next = all[(at + step + all.length) % all.length];
  for (const one of all) one.tabIndex = one === next ? 0 : -1;
  next?.focus();
  event.preventDefault();
}
