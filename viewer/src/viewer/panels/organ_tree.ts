// The organs by name: in sight or not, how large, how far to be trusted; the chosen one with all that is known of it.
import { type TemplateResult, html, nothing } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { word } from "../../page/words.ts";
import { tellApart } from "../model/palettes.ts";
import { type TreeNode, found, organsIn, treeOf } from "../model/tree.ts";
import { type ViewState, isVisible } from "../state/view_state.ts";
import { isFirstLook } from "../state/first_state.ts";
import { millilitres } from "./format.ts";
import { organFacts } from "./organ_facts.ts";
import { Panel } from "./panel.ts";
import { thingsOf } from "./shown_things.ts";
import { SIGNS, lightSign, sign, swatch } from "./signs.ts";

export class OrganTree extends Panel {
  private search = "";

  protected override shows(state: ViewState): readonly unknown[] {
    return [state.manifest, state.organs, state.paint, state.solo, state.selected, state.details];
  }

  protected override render(): TemplateResult {
    const { state } = this;
    const tree = found(treeOf(state.manifest), this.search);
    const organs = state.manifest.organs;
    const things = thingsOf(state.manifest);
    const areAllShown = state.solo === null && organs.every(({ id }) => state.organs[id]?.isShown);
    return html`
      ${state.manifest.estimate ? nothing : this.head(areAllShown)}
      ${tree.length ? this.list(tree) : html`<p class="quiet small nothing">${things.noneOfThatName}</p>`}
      ${state.manifest.estimate ? nothing : this.palette()}
      <button type="button" class="button bare slim" data-do="look-reset" ?disabled=${isFirstLook(state)}
        @click=${() => this.app.store.dispatch({ type: "look-reset" })}>${things.asAtFirst}</button>
      ${this.missing()}
    `;
  }

  /** To find one among many; of a picture there is one. */
  private head(areAllShown: boolean): TemplateResult {
    return html`<div class="tree-head">
        <label class="search">
          ${sign(SIGNS.search)}<span class="unseen">${thingsOf(this.state.manifest).search}</span>
          <input type="search" autocomplete="off" placeholder=${word("Search")} .value=${this.search} @input=${this.find} />
        </label>
        <div class="tree-actions">
          <button type="button" class="button bare slim" ?disabled=${areAllShown} @click=${() => this.showAll(true)}>
            ${word("Show all")}
          </button>
          <button type="button" class="button bare slim" @click=${() => this.showAll(false)}>${word("Hide all")}</button>
        </div>
      </div>`;
  }

  private palette(): TemplateResult {
    return html`<label class="tick small apart"><input type="checkbox" name="tell-apart" .checked=${this.isToldApart} @change=${this.recolour} />
        <span>${word("Colours that everybody can tell apart")}</span></label>`;
  }

  private list(nodes: readonly TreeNode[]): TemplateResult {
    return html`<ul class="tree">
      ${repeat(
        nodes,
        (node) => node.id,
        (node) => html`<li>${node.organ ? this.organ(node) : this.group(node)}${node.children.length ? this.list(node.children) : nothing}</li>`,
      )}
    </ul>`;
  }

  private group(node: TreeNode): TemplateResult {
    const ids = organsIn(node).map((organ) => organ.id);
    const shown = ids.filter((id) => isVisible(this.state, id)).length;
    return html`<div class="group">
      ${this.eye(ids, node.name, shown === ids.length, shown > 0 && shown < ids.length)}
      <span class="group-name"><bdi>${node.name}</bdi></span>
    </div>`;
  }

  private organ(node: TreeNode): TemplateResult {
    const organ = node.organ as NonNullable<TreeNode["organ"]>;
    const { state } = this;
    const look = state.organs[organ.id];
    const isChosen = state.selected === organ.id;
    // Of a picture there is one, and what is invented of it nobody should have to look for.
    const isOnly = state.manifest.estimate !== null && state.manifest.organs.length === 1;
    const classes = ["organ", isChosen ? "chosen" : "", isVisible(state, organ.id) ? "" : "out"].join(" ");
    return html`<div class=${classes} data-organ=${organ.id} data-detail=${state.details[organ.id] ?? nothing}
        @pointerenter=${() => this.hover(organ.id)} @pointerleave=${() => this.hover(null)}>
        ${this.eye([organ.id], organ.name, isVisible(state, organ.id), false)}
        <button type="button" class="organ-name" aria-expanded=${isChosen || isOnly} aria-controls=${`facts-${organ.id}`}
          @click=${() => this.app.store.dispatch({ type: "select", id: isChosen ? null : organ.id })}>
          ${organ.texture ? nothing : swatch(look?.colour ?? organ.colour)}<span class="grow"><bdi>${organ.name}</bdi></span>
          <span class="number quiet">${organ.volumeMl === null ? "" : millilitres(organ.volumeMl)}</span>
          ${lightSign(organ.light)}
        </button>
      </div>
      ${isChosen || isOnly ? organFacts(this.app, organ) : nothing}`;
  }

  private eye(ids: readonly string[], name: string, isShown: boolean, isPartly: boolean): TemplateResult {
    const title = isPartly ? word("Some are hidden: show all") : isShown ? word("Hide") : word("Show");
    return html`<label class="eye" title=${title}>
      <input type="checkbox" .checked=${isShown} .indeterminate=${isPartly} aria-label=${word("Show {name}", { name })}
        @change=${(event: Event) => this.show(ids, (event.target as HTMLInputElement).checked)} />
      ${sign(isPartly ? SIGNS.eyeHalf : isShown ? SIGNS.eye : SIGNS.eyeShut)}
    </label>`;
  }

  private missing(): TemplateResult | typeof nothing {
    const missing = this.state.manifest.notFound;
    if (!missing.length) return nothing;
    return html`<details class="more not-found">
      <summary>${word("Not found ({count})", { count: missing.length })}</summary>
      <ul>${missing.map((one) => html`<li><strong><bdi>${one.name}</bdi></strong><span class="quiet small">${one.reason}</span></li>`)}</ul>
    </details>`;
  }

  private get isToldApart(): boolean {
    const { organs } = this.state.manifest;
    const colours = tellApart(organs.map(({ id }) => id));
    return organs.every(({ id }) => this.state.organs[id]?.colour === colours[id]);
  }

  private recolour(event: Event): void {
    const isWanted = (event.target as HTMLInputElement).checked;
    const colours = isWanted ? tellApart(this.state.manifest.organs.map(({ id }) => id)) : null;
    this.app.store.dispatch({ type: "palette", colours });
  }

  private find(event: Event): void {
    this.search = (event.target as HTMLInputElement).value;
    this.requestUpdate();
  }

  private hover(id: string | null): void {
    this.app.store.dispatch({ type: "hover", id });
  }

  /** While one organ is alone in sight, showing another ends that: both are seen then. */
  private show(ids: readonly string[], isShown: boolean): void {
    const { store } = this.app;
    const { solo } = this.state;
    if (solo !== null && isShown) {
      const others = this.state.manifest.organs.map(({ id }) => id).filter((id) => id !== solo && !ids.includes(id));
      store.dispatch({ type: "show", ids: others, isShown: false });
    }
    store.dispatch({ type: "show", ids, isShown });
  }

  private showAll(isShown: boolean): void {
    this.app.store.dispatch({ type: "show-all", isShown });
  }
}
