// Which organ a voxel belongs to, on the graphics card, and the colours of those in sight: what washes and outlines need.
import { DataTexture, NearestFilter, RGBAFormat, UnsignedByteType, Vector3, type WebGLRenderer } from "three";
import { type BrickReader, brickPlace, voxelsOf, brickShape } from "../loading/bricks.ts";
import { applied, forColumnsFirst } from "../model/affine.ts";
import type { BrickLevel, LabelsFile } from "../model/manifest.ts";
import { rgbOf } from "../model/transfer.ts";
import { type Vec3, length, subtract } from "../model/vectors.ts";
import { isVisible, type ViewState } from "../state/view_state.ts";
import { BrickTexture, emptyTexture } from "./brick_texture.ts";
import { betweenLevels, levelWithin, type ScanTextures } from "./scan_textures.ts";

const BUDGET = { desktop: { bytes: 128 << 20, edge: 1024 }, phone: { bytes: 16 << 20, edge: 256 } } as const;
const WASH = 0.3;
const IN_FLIGHT = 8;

export class ScanLabels {
  readonly uniforms;
  readonly level: BrickLevel | null;
  readonly bytesEach: 1 | 2;
  version = 0;
  onArrival: () => void = () => undefined;
  onTrouble: (why: string) => void = () => undefined;

  readonly #reader: BrickReader;
  #texture: BrickTexture | null = null;
  #arrived: [number, Uint8Array | Uint16Array][] = [];
  #asked = new Set<number>();
  #failed = new Set<number>();
  #near: Vec3 = [0, 0, 0];
  #seen: readonly unknown[] = [];
  readonly #end = new AbortController();

  constructor(labels: LabelsFile | null, scan: ScanTextures, reader: BrickReader, profile: "desktop" | "phone") {
    this.bytesEach = labels?.dtype === "uint16" ? 2 : 1;
    const { bytes, edge } = BUDGET[profile];
    this.level = (labels && levelWithin(labels.levels, this.bytesEach, bytes, edge)) ?? null;
    this.#reader = reader;
    const way = this.level ? betweenLevels(scan.level, this.level) : { scale: [1, 1, 1] as const, offset: [0, 0, 0] as const };
    const [slices, rows, columns] = this.level?.shape ?? [1, 1, 1];
    this.uniforms = {
      uLabels: { value: emptyTexture("r8ui") },
      uLabelScale: { value: new Vector3(...way.scale) },
      uLabelOffset: { value: new Vector3(...way.offset) },
      uLabelSize: { value: new Vector3(columns, rows, slices) },
      uPalette: { value: paletteOf(new Uint8Array(4)) },
      uOverlay: { value: 0 },
      uOutline: { value: 0 },
    };
  }

  get bytes(): number {
    return this.#texture?.bytes ?? 0;
  }

  get isSettled(): boolean {
    return this.#arrived.length === 0 && this.#asked.size === 0 && (this.#texture === null || this.#open().length === 0);
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
      // What is glass in the picture is faint here: a hull would tint all that lies in it.
      const opacity = Math.max(0.15, organs[organ.id]?.opacity ?? 1);
      colours.set([...rgb.map((x) => Math.round(x * 255)), Math.round(opacity * 255)], 4 * organ.label);
    }
    this.uniforms.uPalette.value.dispose();
    this.uniforms.uPalette.value = paletteOf(colours);
    this.version++;
  }

  /** Something shows labels: fetch them, the nearest to this point first. */
  want(near: Vec3): void {
    this.#near = near;
    if (!this.level) return;
    if (!this.#texture) {
      this.#texture = new BrickTexture(this.level, this.bytesEach === 2 ? "r16ui" : "r8ui");
      this.uniforms.uLabels.value.dispose();
      this.uniforms.uLabels.value = this.#texture.texture;
    }
    this.#order();
  }

  pump(renderer: WebGLRenderer, most = 8): boolean {
    for (const [index, labels] of this.#arrived.splice(0, most)) {
      this.#texture?.write(renderer, index, labels);
      this.version++;
    }
    return this.#arrived.length > 0;
  }

  restore(): void {
    this.#texture?.forget();
    this.#failed.clear();
    this.uniforms.uPalette.value.needsUpdate = true;
    this.#order();
  }

  dispose(): void {
    this.#end.abort();
    this.uniforms.uLabels.value.dispose();
    this.uniforms.uPalette.value.dispose();
  }

  #open(): number[] {
    const { level } = this;
    if (!level || !this.#texture) return [];
    const waiting = new Set(this.#arrived.map(([index]) => index));
    return level.bricks
      .map((_, index) => index)
      .filter((i) => !this.#texture?.written[i] && !this.#asked.has(i) && !this.#failed.has(i) && !waiting.has(i));
  }

  #order(): void {
    const { level } = this;
    const free = IN_FLIGHT - this.#asked.size;
    if (!level || free < IN_FLIGHT / 2 || this.#end.signal.aborted) return;
    const toLps = forColumnsFirst(level.indexToLps);
    const away = (index: number): number => {
      const [s, r, c] = brickPlace(level, index).map((at) => (at + 0.5) * level.brick) as [number, number, number];
      return length(subtract(applied(toLps, [c, r, s]), this.#near));
    };
    const next = this.#open().map((index) => [away(index), index] as const).sort((a, b) => a[0] - b[0]).slice(0, free);
    const indices = next.map(([, index]) => index);
    for (const index of indices) this.#asked.add(index);
    const there = this.#reader.bring(level, indices, this.#end.signal).catch(() => undefined);
    for (const index of indices) {
      there.then(() => this.#labelsOf(level, index)).then(
        (labels) => this.#arrived.push([index, labels]),
        (error: unknown) => {
          this.#failed.add(index);
          if (!this.#end.signal.aborted) this.onTrouble(String(error));
        },
      ).finally(() => {
        this.#asked.delete(index);
        if (this.#end.signal.aborted) return;
        this.onArrival();
        this.#order();
      });
    }
  }

  async #labelsOf(level: BrickLevel, index: number): Promise<Uint8Array | Uint16Array> {
    const [, bytes, min] = level.bricks[index]!;
    if (bytes > 0) return await this.#reader.labels(level, index, this.bytesEach, this.#end.signal);
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
