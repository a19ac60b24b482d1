// What a value of the scan looks like in the volume: points, presets, and the table a picture is made from.
import { DEFAULTS_CT, DEFAULTS_MR } from "./transfer_presets.ts";

/** One point of a transfer function; between two points colour and opacity run straight. */
export interface TransferPoint {
  readonly value: number;
  /** "#rrggbb" */
  readonly colour: string;
  /** 0 to 1, over one millimetre of depth. */
  readonly opacity: number;
}

export interface TransferPreset {
  readonly id: string;
  /** In English, as the catalogue knows it. */
  readonly name: string;
  readonly points: readonly TransferPoint[];
}

/** An opacity of one would end every ray at its first touch and make the picture hard as plaster. */
const MOST_OPAQUE = 0.999;

/** Presets for a quantity. MR has no scale of its own, so those run from the darkest to the brightest percentile. */
export function transferPresets(quantity: "HU" | "a.u.", range: readonly [number, number]): readonly TransferPreset[] {
  if (quantity === "HU") return DEFAULTS_CT;
  const [low, high] = range;
  return DEFAULTS_MR.map((preset) => ({
    ...preset,
    points: preset.points.map((p) => ({ ...p, value: Math.round(low + p.value * (high - low)) })),
  }));
}

/** Ordered by value, within bounds: what an editor or a link may hand over in any state. */
export function tidied(points: readonly TransferPoint[]): TransferPoint[] {
  return points
    .filter((p) => Number.isFinite(p.value) && Number.isFinite(p.opacity))
    .map((p) => ({
      value: p.value,
      colour: /^#[0-9a-f]{6}$/i.test(p.colour) ? p.colour.toLowerCase() : "#ffffff",
      opacity: Math.min(1, Math.max(0, p.opacity)),
    }))
    .sort((a, b) => a.value - b.value);
}

export type Rgb = readonly [number, number, number];

export function rgbOf(colour: string): Rgb {
  const n = Number.parseInt(colour.slice(1), 16);
  return [((n >> 16) & 255) / 255, ((n >> 8) & 255) / 255, (n & 255) / 255];
}

export function hexOf([r, g, b]: Rgb): string {
  const two = (x: number): string => Math.round(Math.min(1, Math.max(0, x)) * 255).toString(16).padStart(2, "0");
  return `#${two(r)}${two(g)}${two(b)}`;
}

/** Red, green, blue, opacity at a value; the ends hold beyond themselves. */
export function transferAt(points: readonly TransferPoint[], value: number): readonly [number, number, number, number] {
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last) return [0, 0, 0, 0];
  if (value <= first.value) return [...rgbOf(first.colour), first.opacity];
  if (value >= last.value) return [...rgbOf(last.colour), last.opacity];
  const after = points.findIndex((p) => p.value > value);
  const [a, b] = [points[after - 1]!, points[after]!];
  const share = (value - a.value) / (b.value - a.value);
  const [ca, cb] = [rgbOf(a.colour), rgbOf(b.colour)];
  const mixed = (i: 0 | 1 | 2): number => ca[i] + (cb[i] - ca[i]) * share;
  return [mixed(0), mixed(1), mixed(2), a.opacity + (b.opacity - a.opacity) * share];
}

/**
 * The table of a transfer function from its first to its last point: red, green, blue, and what a millimetre swallows
 * (-ln of what it lets through), so that the picture does not depend on the length of the steps.
 */
export function transferTable(points: readonly TransferPoint[], steps: number): Float32Array {
  const [low, high] = transferSpan(points);
  const table = new Float32Array(steps * 4);
  for (let i = 0; i < steps; i++) {
    const [r, g, b, opacity] = transferAt(points, low + ((high - low) * i) / (steps - 1));
    table.set([r, g, b, opacity > 0 ? -Math.log(1 - Math.min(MOST_OPAQUE, opacity)) : 0], i * 4);
  }
  return table;
}

/** First and last value, never the same. */
export function transferSpan(points: readonly TransferPoint[]): readonly [number, number] {
  const low = points[0]?.value ?? 0;
  return [low, Math.max(low + 1, points.at(-1)?.value ?? 1)];
}
