// One level of bricks as one 3D texture, written brick by brick.
import {
  Data3DTexture, HalfFloatType, LinearFilter, NearestFilter, RedFormat, RedIntegerFormat, UnsignedByteType,
  UnsignedShortType, Vector3, type WebGLRenderer,
} from "three";
import { brickPlace, brickShape } from "../loading/bricks.ts";
import type { BrickLevel } from "../model/manifest.ts";

export type Form = "r16f" | "r8" | "r8ui" | "r16ui";

const isWhole = (form: Form): boolean => form.endsWith("ui");
export const bytesOfTexel = (form: Form): number => (form.includes("16") ? 2 : 1);

function prepared(texture: Data3DTexture, form: Form): Data3DTexture {
  texture.format = isWhole(form) ? RedIntegerFormat : RedFormat;
  texture.type = form === "r16f" ? HalfFloatType : form === "r16ui" ? UnsignedShortType : UnsignedByteType;
  texture.minFilter = texture.magFilter = isWhole(form) ? NearestFilter : LinearFilter;
  texture.unpackAlignment = 1;
  return texture;
}

/** A texture of one texel, to stand where there is none yet. */
export function emptyTexture(form: Form): Data3DTexture {
  const texture = prepared(new Data3DTexture(form.includes("16") ? new Uint16Array(1) : new Uint8Array(1), 1, 1, 1), form);
  texture.needsUpdate = true;
  return texture;
}

export class BrickTexture {
  readonly level: BrickLevel;
  readonly form: Form;
  readonly texture: Data3DTexture;
  /** Which bricks were written. */
  readonly written: Uint8Array;
  #count = 0;

  constructor(level: BrickLevel, form: Form) {
    this.level = level;
    this.form = form;
    const [slices, rows, columns] = level.shape;
    this.texture = prepared(new Data3DTexture(null, columns, rows, slices), form);
    // Storage without content: the browser clears it, and bricks fill it.
    this.texture.source.dataReady = false;
    this.texture.needsUpdate = true;
    this.written = new Uint8Array(level.bricks.length);
  }

  get isComplete(): boolean {
    return this.#count === this.level.bricks.length;
  }

  get bytes(): number {
    return this.level.shape[0] * this.level.shape[1] * this.level.shape[2] * bytesOfTexel(this.form);
  }

  write(renderer: WebGLRenderer, index: number, texels: Uint16Array | Uint8Array): void {
    const [slices, rows, columns] = brickShape(this.level, index);
    const [s, r, c] = brickPlace(this.level, index);
    const part = prepared(new Data3DTexture(texels as Uint16Array<ArrayBuffer>, columns, rows, slices), this.form);
    const edge = this.level.brick;
    renderer.copyTextureToTexture(part, this.texture, null, new Vector3(c * edge, r * edge, s * edge));
    if (!this.written[index]) {
      this.written[index] = 1;
      this.#count++;
    }
  }

  /** What was written there stands in for what could not be had. */
  unwrite(index: number): void {
    if (this.written[index]) this.#count--;
    this.written[index] = 0;
  }

  /** After a lost context: nothing is there any more. */
  forget(): void {
    this.written.fill(0);
    this.#count = 0;
    this.texture.needsUpdate = true;
  }

  dispose(): void {
    this.texture.dispose();
  }
}
