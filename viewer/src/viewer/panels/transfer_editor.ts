// The transfer function, to be drawn: points on a graph that hands and keys can move, and each as numbers.
import { type TemplateResult, html, svg } from "lit";
import { word } from "../../page/words.ts";
import { type TransferPoint, hexOf, tidied, transferAt, transferSpan } from "../model/transfer.ts";
import { MOST_POINTS, type ViewState } from "../state/view_state.ts";
import { Panel } from "./panel.ts";

const WIDE = 300;
const HIGH = 120;
const EDGE = 9;
/** The graph stretches small opacities, where most of them lie: half its height is a tenth. */
const BEND = 0.3;

export class TransferEditor extends Panel {
  onPoints: (points: readonly TransferPoint[]) => void = () => undefined;
  private chosen = 0;
  private span: readonly [number, number] = [0, 1];
  private preset = "\0";

  protected override shows(state: ViewState): readonly unknown[] {
    return [state.volume.transferPoints];
  }

  private get points(): readonly TransferPoint[] {
    return this.state.volume.transferPoints;
  }

  /** The graph keeps its ends while points move in it. */
  private fit(): void {
    const { presetId } = this.state.volume;
    const [low, high] = transferSpan(this.points);
    if (presetId !== this.preset && presetId !== "") {
      const margin = (high - low) * 0.15;
      this.span = [low - margin, high + margin];
    } else if (low < this.span[0] || high > this.span[1]) this.span = [Math.min(low, this.span[0]), Math.max(high, this.span[1])];
    this.preset = presetId;
  }

  private x(value: number): number {
    return EDGE + ((value - this.span[0]) / (this.span[1] - this.span[0])) * (WIDE - 2 * EDGE);
  }

  private y(opacity: number): number {
    return HIGH - EDGE - opacity ** BEND * (HIGH - 2 * EDGE);
  }

  protected override render(): TemplateResult {
    this.fit();
    const { points } = this;
    const path = points.map((p) => `${this.x(p.value)},${this.y(p.opacity)}`).join(" ");
    const first = points[0];
    const last = points.at(-1);
    const area = first && last ? `${EDGE},${this.y(first.opacity)} ${path} ${WIDE - EDGE},${this.y(last.opacity)}` : "";
    const chosen = points[Math.min(this.chosen, points.length - 1)];
    return html`<div class="transfer">
      <svg viewBox="0 0 ${WIDE} ${HIGH}" role="group" aria-label=${word("Density for each value of the scan")}
        @pointerdown=${this.take} @dblclick=${this.addAt}>
        <defs><linearGradient id="transfer-colours">${this.stops()}</linearGradient></defs>
        <polygon class="transfer-area" points="${EDGE},${HIGH - EDGE} ${area} ${WIDE - EDGE},${HIGH - EDGE}" fill="url(#transfer-colours)" />
        <polyline class="transfer-line" points=${area} />
        ${points.map((point, index) => this.dot(point, index))}
      </svg>
      ${chosen ? this.numbers(chosen) : ""}
      <div class="organ-do">
        <button type="button" class="button plain slim" ?disabled=${points.length >= MOST_POINTS} @click=${this.add}>${word("Add a point")}</button>
        <button type="button" class="button plain slim" ?disabled=${points.length <= 2} @click=${this.drop}>${word("Remove the point")}</button>
      </div>
    </div>`;
  }

  private stops(): TemplateResult[] {
    const [low, high] = this.span;
    return Array.from({ length: 13 }, (_, i) => {
      const [r, g, b] = transferAt(this.points, low + ((high - low) * i) / 12);
      return svg`<stop offset="${(i / 12) * 100}%" stop-color=${hexOf([r, g, b])} />`;
    }) as unknown as TemplateResult[];
  }

  private dot(point: TransferPoint, index: number): TemplateResult {
    const label = word("Point {number}: value {value}, density {percent} %", {
      number: index + 1, value: Math.round(point.value), percent: Math.round(point.opacity * 1000) / 10,
    });
    return svg`<circle class="transfer-dot ${index === this.chosen ? "chosen" : ""}" data-index=${index} r="6.5" cx=${this.x(point.value)} cy=${this.y(point.opacity)}
      fill=${point.colour} tabindex="0" role="slider" aria-label=${label} aria-valuenow=${Math.round(point.opacity * 100)} aria-valuemin="0" aria-valuemax="100"
      aria-valuetext=${label} @focus=${() => this.choose(index)} @keydown=${(event: KeyboardEvent) => this.key(event, index)} />` as unknown as TemplateResult;
  }

  private numbers(point: TransferPoint): TemplateResult {
    const change = (by: Partial<TransferPoint>): void => this.change(Math.min(this.chosen, this.points.length - 1), by);
    return html`<div class="transfer-numbers">
      <label><span>${word("Value")}</span><input type="number" name="point-value" step="1" .value=${String(Math.round(point.value))}
        @change=${(e: Event) => change({ value: Number((e.target as HTMLInputElement).value) })} /></label>
      <label><span>${word("Density in %")}</span><input type="number" name="point-density" min="0" max="100" step="0.1" .value=${String(Math.round(point.opacity * 1000) / 10)}
        @change=${(e: Event) => change({ opacity: Number((e.target as HTMLInputElement).value) / 100 })} /></label>
      <label><span>${word("Colour")}</span><input type="color" name="point-colour" .value=${point.colour}
        @input=${(e: Event) => change({ colour: (e.target as HTMLInputElement).value })} /></label>
    </div>`;
  }

  private choose(index: number): void {
    if (this.chosen === index) return;
    this.chosen = index;
    this.requestUpdate();
  }

  /** Points keep their order: none passes its neighbours. */
  private change(index: number, by: Partial<TransferPoint>): void {
    const { points } = this;
    const old = points[index];
    if (!old) return;
    const next = { ...old, ...by };
    const low = points[index - 1]?.value ?? -Infinity;
    const high = points[index + 1]?.value ?? Infinity;
    next.value = Math.min(high, Math.max(low, Number.isFinite(next.value) ? next.value : old.value));
    this.onPoints(tidied(points.map((one, i) => (i === index ? next : one))));
  }

  private key(event: KeyboardEvent, index: number): void {
    const point = this.points[index];
    if (!point) return;
    const step = ((this.span[1] - this.span[0]) / 100) * (event.shiftKey ? 5 : 1);
    // Upwards by parts of itself, so that thin things can be set as finely as dense ones.
    const more = Math.max(point.opacity * 1.15, point.opacity + 0.002);
    const by: Partial<TransferPoint> | undefined = {
      ArrowRight: { value: point.value + step },
      ArrowLeft: { value: point.value - step },
      ArrowUp: { opacity: Math.min(1, more) },
      ArrowDown: { opacity: point.opacity < 0.002 ? 0 : point.opacity / 1.15 },
    }[event.key];
    if (by) this.change(index, by);
    else if (event.key === "Delete" || event.key === "Backspace") this.drop();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private place(event: MouseEvent): { value: number; opacity: number } {
    const box = this.querySelector("svg")?.getBoundingClientRect();
    if (!box) return { value: 0, opacity: 0 };
    const x = ((event.clientX - box.left) / box.width) * WIDE;
    const y = ((event.clientY - box.top) / box.height) * HIGH;
    const share = Math.min(1, Math.max(0, (HIGH - EDGE - y) / (HIGH - 2 * EDGE)));
    const value = this.span[0] + ((x - EDGE) / (WIDE - 2 * EDGE)) * (this.span[1] - this.span[0]);
    return { value, opacity: share < 0.02 ? 0 : share ** (1 / BEND) };
  }

  private take(event: PointerEvent): void {
    const dot = (event.target as Element).closest<SVGCircleElement>("[data-index]");
    if (!dot) return;
    const index = Number(dot.dataset["index"]);
    dot.focus();
    this.choose(index);
    const area = event.currentTarget as SVGSVGElement;
    area.setPointerCapture(event.pointerId);
    const move = (to: PointerEvent): void => this.change(index, this.place(to));
    const end = (): void => {
      area.removeEventListener("pointermove", move);
      area.removeEventListener("pointerup", end);
      area.removeEventListener("pointercancel", end);
    };
    area.addEventListener("pointermove", move);
    area.addEventListener("pointerup", end);
    area.addEventListener("pointercancel", end);
  }

  private put(value: number, opacity?: number): void {
    if (this.points.length >= MOST_POINTS) return;
    const [r, g, b, here] = transferAt(this.points, value);
    const next = tidied([...this.points, { value, colour: hexOf([r, g, b]), opacity: opacity ?? here }]);
    this.chosen = next.findIndex((one) => one.value === value);
    this.onPoints(next);
  }

  private addAt(event: MouseEvent): void {
    if ((event.target as Element).closest("[data-index]")) return;
    const { value, opacity } = this.place(event);
    this.put(value, opacity);
  }

  /** In the widest gap beside the chosen point. */
  private add(): void {
    const { points } = this;
    const at = Math.min(this.chosen, points.length - 1);
    const [before, here, after] = [points[at - 1], points[at], points[at + 1]];
    if (!here) return;
    const left = before ? here.value - before.value : 0;
    const right = after ? after.value - here.value : 0;
    this.put(right >= left ? here.value + right / 2 : here.value - left / 2);
  }

  private drop(): void {
    if (this.points.length <= 2) return;
    const at = Math.min(this.chosen, this.points.length - 1);
    this.chosen = Math.max(0, at - 1);
    this.onPoints(this.points.filter((_, i) => i !== at));
  }
}
