// Which organ a voxel belongs to, on the graphics card, and the colours of those in sight: what washes and outlines need.
import { DataTexture, NearestFilter, RGBAFormat, UnsignedByteType, Vector3, type WebGLRenderer } from "three";
import { type BrickReader, brickPlace, voxelsOf, brickShape } from "../loading/bricks.ts";
import { BrickStream, type BrickWish } from "../loading/brick_stream.ts";
import type { LoadFlaw } from "../loading/ranges.ts";
import { applied, forColumnsFirst } from "../model/affine.ts";
import { isHull } from "../model/hulls.ts";
import type { BrickLevel, LabelsFile } from "../model/manifest.ts";
import { rgbOf } from "../model/transfer.ts";
import { type Vec3, length, subtract } from "../model/vectors.ts";
import { isVisible, type ViewState } from "../state/view_state.ts";
import { BrickTexture, emptyTexture } from "./brick_texture.ts";
import { betweenLevels, levelWithin, type ScanTextures } from "./scan_textures.ts";

const BUDGET = { desktop: { bytes: 128 << 20, edge: 1024 }, phone: { bytes: 16 << 20, edge: 256 } } as const;
const WASH = 0.3;
/** Of that, what a hull has. */
const HULL_WASH = 0.25;

type Labels = Uint8Array | Uint16Array;

export class ScanLabels {
  readonly uniforms;
  readonly level: BrickLevel | null;
  readonly bytesEach: 1 | 2;
  version = 0;
  onArrival: () => void = () => undefined;
  onTrouble: (flaw: LoadFlaw) => void = () => undefined;

  readonly #reader: BrickReader;
  readonly #levels: readonly BrickLevel[];
  /** The whole of it coarsely, then finely; the same where there is one level. */
  #coarse: BrickTexture | null = null;
  #fine: BrickTexture | null = null;
  readonly #stream: BrickStream<Labels>;
  #near: Vec3 = [0, 0, 0];
  #seen: readonly unknown[] = [];

  constructor(labels: LabelsFile | null, scan: ScanTextures, reader: BrickReader, profile: "desktop" | "phone") {
    this.bytesEach = labels?.dtype === "uint16" ? 2 : 1;
    const { bytes, edge } = BUDGET[profile];
    this.level = (labels && levelWithin(labels.levels, this.bytesEach, bytes, edge)) ?? null;
    this.#reader = reader;
    this.#stream = new BrickStream<Labels>({
      bring: (of, indices, signal) => reader.bring(of, indices, signal),
      read: (of, index, signal) => this.#labelsOf(of, index, signal),
      next: () => this.#next(),
      standIn: () => undefined,
      arrived: () => this.onArrival(),
      failed: (_, flaw) => this.onTrouble(flaw),
    });
    this.#levels = labels?.levels ?? [];
    const fine = this.#wayTo(scan, this.level);
    const coarse = this.#wayTo(scan, this.#levels.at(-1) ?? null);
    this.uniforms = {
      uLabels: { value: emptyTexture("r8ui") },
      uCoarseLabels: { value: emptyTexture("r8ui") },
      uLabelScale: { value: new Vector3(...fine.scale) },
      uLabelOffset: { value: new Vector3(...fine.offset) },
      uCoarseLabelScale: { value: new Vector3(...coarse.scale) },
      uCoarseLabelOffset: { value: new Vector3(...coarse.offset) },
      uPalette: { value: paletteOf(new Uint8Array(4)) },
      uOverlay: { value: 0 },
      uOutline: { value: 0 },
    };
  }

  get bytes(): number {
    return (this.#coarse?.bytes ?? 0) + (this.#fine?.bytes ?? 0);
  }

  get isSettled(): boolean {
    return this.#stream.isQuiet && (!this.#coarse || this.#next() === null);
  }

  /** Colours of the organs in sight. */
  take(state: ViewState): void {
    const { slices, organs, solo, manifest } = state;
    this.uniforms.uOverlay.value = slices.overlay && this.level ? WASH : 0;
    this.uniforms.uOutline.value = slices.outline && this.level ? 1 : 0;
    const now = [organs, solo, slices.overlay, slices.outline];
    if (now.every((one, i) => one === this.#seen[i])) return;
    this.#seen = now;
    const last = Math.max(0, ...manifest.organs.map((organ) => organ.label ?? 0));
    const colours = new Uint8Array(4 * (last + 1));
    for (const organ of manifest.organs) {
      if (organ.label === null || !isVisible(state, organ.id)) continue;
      const rgb = rgbOf(organs[organ.id]?.colour ?? organ.colour);
      // What encloses others is faint: it would tint all that lies in it. How much of an organ is seen through in 3D
      // says nothing of its slice.
      const wash = isHull(organ) ? HULL_WASH : 1;
      colours.set([...rgb.map((x) => Math.round(x * 255)), Math.round(wash * 255)], 4 * organ.label);
    }
    this.uniforms.uPalette.value.dispose();
    this.uniforms.uPalette.value = paletteOf(colours);
    this.version++;
  }

  /** Something shows labels: fetch them, the nearest to this point first. */
  want(near: Vec3): void {
    this.#near = near;
    this.#stream.order();
  }

  pump(renderer: WebGLRenderer, most = 8): boolean {
    for (const { level, index, content } of this.#stream.take(most)) {
      const texture = level === this.#coarse?.level ? this.#coarse : this.#fine;
      texture?.write(renderer, index, content.map((label) => label + 1));
      this.version++;
    }
    if (this.#coarse) this.#stream.order();
    return this.#stream.isWaiting;
  }

  restore(): void {
    this.#coarse?.forget();
    this.#fine?.forget();
    this.#stream.retry();
    this.uniforms.uPalette.value.needsUpdate = true;
    if (this.#coarse) this.#stream.order();
  }

  dispose(): void {
    this.#stream.end();
    this.uniforms.uLabels.value.dispose();
    this.uniforms.uCoarseLabels.value.dispose();
    this.uniforms.uPalette.value.dispose();
  }

  #wayTo(scan: ScanTextures, level: BrickLevel | null): { scale: Vec3; offset: Vec3 } {
    return level ? betweenLevels(scan.level, level) : { scale: [1, 1, 1], offset: [0, 0, 0] };
  }

  /** What to fetch now: the coarse level whole, then the fine one; null where nothing is left. */
  #next(): BrickWish | null {
    const form = this.bytesEach === 2 ? "r16ui" : "r8ui";
    const last = this.#levels.at(-1);
    if (!this.level || !last) return null;
    if (!this.#coarse) {
      this.#coarse = new BrickTexture(last, form);
      this.#put(this.uniforms.uCoarseLabels, this.#coarse);
    }
    const coarse = this.#open(this.#coarse);
    if (coarse) return coarse;
    if (this.level === last || this.#stream.isComing(last)) return null;
    if (!this.#fine) {
      this.#fine = new BrickTexture(this.level, form);
      this.#put(this.uniforms.uLabels, this.#fine);
    }
    return this.#open(this.#fine);
  }

  #put(uniform: { value: BrickTexture["texture"] }, texture: BrickTexture): void {
    uniform.value.dispose();
    uniform.value = texture.texture;
  }

  /** What is not there of a texture, the nearest first; null where nothing is missing. */
  #open({ level, written }: BrickTexture): BrickWish | null {
    const toLps = forColumnsFirst(level.indexToLps);
    const away = (index: number): number => {
      const [s, r, c] = brickPlace(level, index).map((at) => (at + 0.5) * level.brick) as [number, number, number];
      return length(subtract(applied(toLps, [c, r, s]), this.#near));
    };
    const open = level.bricks.map((_, index) => index).filter((i) => !written[i] && this.#stream.isOpen(level, i));
    if (open.length === 0) return null;
    const ranked = open.map((index) => [away(index), index] as const).sort((a, b) => a[0] - b[0]);
    return { level, indices: ranked.map(([, index]) => index) };
  }

  async #labelsOf(level: BrickLevel, index: number, signal: AbortSignal): Promise<Labels> {
    const [, bytes, min] = level.bricks[index]!;
    if (bytes > 0) return await this.#reader.labels(level, index, this.bytesEach, signal);
    const count = voxelsOf(brickShape(level, index));
    return (this.bytesEach === 2 ? new Uint16Array(count) : new Uint8Array(count)).fill(min);
  }
}

function paletteOf(colours: Uint8Array<ArrayBuffer>): DataTexture {
  const texture = new DataTexture(colours, colours.length / 4, 1, RGBAFormat, UnsignedByteType);
  texture.minFilter = texture.magFilter = NearestFilter;
  texture.needsUpdate = true;
  return texture;
}
