// All that is known of one organ, and what can be done with it alone.
import { type TemplateResult, html, nothing } from "lit";
import { word } from "../../page/words.ts";
import type { App } from "../app.ts";
import type { Organ } from "../model/manifest.ts";
import { isHull } from "../model/hulls.ts";
import { sizeMm } from "../model/measure.ts";
import { hasLengths, hasMillimetres } from "../state/view_state.ts";
import { bare, millilitres, millimetres, percent, quantity, sizes, squareCentimetres } from "./format.ts";
import { SIGNS, lightName, lightSign, sign } from "./signs.ts";

export function organFacts(app: App, organ: Organ): TemplateResult {
  const { store } = app;
  const { state } = store;
  const look = state.organs[organ.id];
  const isAlone = state.solo === organ.id;
  const opacity = look?.opacity ?? 1;
  return html`<div class="organ-facts" id=${`facts-${organ.id}`}>
    <div class="organ-do">
      ${
        state.manifest.organs.length === 1
          ? nothing
          : html`<button type="button" class="button plain slim" aria-pressed=${isAlone}
        @click=${() => store.dispatch({ type: "solo", id: isAlone ? null : organ.id })}>
        ${sign(SIGNS.alone)}${word("Alone")}
      </button>`
      }
      <button type="button" class="button plain slim" @click=${() => app.fit(organ.boundsLpsMm)}>
        ${sign(SIGNS.fit)}${word("Fill the view")}
      </button>
      ${organ.texture ? nothing : html`<label class="colour" title=${word("Colour")}>
        <span class="unseen">${word("Colour")}</span>
        <input type="color" .value=${look?.colour ?? organ.colour}
          @input=${(event: Event) => store.dispatch({ type: "colour", id: organ.id, colour: (event.target as HTMLInputElement).value })} />
      </label>`}
    </div>
    <label class="slide">
      <span>${word("Opacity")}</span>
      <input type="range" min="0" max="1" step="0.05" .value=${String(opacity)} aria-valuetext=${percent(opacity)}
        @input=${(event: Event) => store.dispatch({ type: "opacity", ids: [organ.id], opacity: Number((event.target as HTMLInputElement).value) })} />
      <output class="number">${percent(opacity)}</output>
    </label>
    ${facts(app, organ)}
    <p class="verdict ${organ.light}">${lightSign(organ.light)}<span>${lightName(organ.light)}</span></p>
    ${organ.reasons.length ? html`<ul class="plain small">${organ.reasons.map((reason) => html`<li>${reason}</li>`)}</ul>` : nothing}
    ${organ.hasSenselessLabel ? html`<p class="flaw">${word("Its number among the voxels makes no sense: it is not outlined in the slices, and its values in the scan are not known.")}</p>` : nothing}
    ${state.details[organ.id] === "failed" ? html`<p class="flaw">${word("Its model could not be loaded.")} <button type="button" class="button bare slim" @click=${() => app.retry("meshes")}>${word("Try again")}</button></p>` : nothing}
  </div>`;
}

function facts({ store: { state } }: App, organ: Organ): TemplateResult {
  const isMm = hasMillimetres(state);
  const row = (name: string, value: string | null) =>
    value === null ? nothing : html`<div><dt>${name}</dt><dd class="number">${value}</dd></div>`;
  const unit = state.manifest.volume?.quantity ?? "HU";
  const seen = organ.statistics;
  return html`<dl class="facts-of">
    ${row(isHull(organ) ? word("Volume, with all inside it") : word("Volume"), organ.volumeMl === null || !isMm ? null : millilitres(organ.volumeMl))}
    ${row(word("Surface"), organ.areaMm2 === null || !isMm ? null : squareCentimetres(organ.areaMm2))}
    ${row(word("Size (across × deep × high)"), hasLengths(state) ? sizes(sizeMm(organ.boundsLpsMm), state.manifest) : null)}
    ${row(word("Distance to the scan, mean"), organ.distanceMeanMm === null || !isMm ? null : millimetres(organ.distanceMeanMm, 2))}
    ${row(word("... of 95 % at most"), organ.distanceP95Mm === null || !isMm ? null : millimetres(organ.distanceP95Mm, 2))}
    ${row(word("Mean in the scan"), seen && `${bare(seen.mean, unit)} ± ${quantity(seen.sd, unit)}`)}
    ${row(word("Median (5 % to 95 %)"), seen && `${quantity(seen.median, unit)} (${bare(seen.p05, unit)} … ${bare(seen.p95, unit)})`)}
    ${row(word("Voxels"), seen && seen.voxels.toLocaleString(document.documentElement.lang))}
  </dl>`;
}
