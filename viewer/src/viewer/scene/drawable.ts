// What the stage draws: one file each in drawables/, listed in drawables.ts.
import type { DepthTexture, Object3D, PerspectiveCamera, Texture, WebGLRenderer } from "three";
import type { ViewState } from "../state/view_state.ts";

export interface FrameContext {
  readonly renderer: WebGLRenderer;
  readonly camera: PerspectiveCamera;
  /** In CSS pixels; times the ratio for those of the target. */
  readonly size: { readonly width: number; readonly height: number; readonly pixelRatio: number };
  /** The quality may fall: somebody is turning it. */
  readonly isMoving: boolean;
  /** Of the opaque meshes, drawn before the volume pass; null where no pass needs it. */
  readonly depth: DepthTexture | null;
  /** Their colour, likewise. */
  readonly colour: Texture | null;
}

/**
 * Opaque things and the see-through meshes are drawn first, into a target with a depth texture when a drawable of
 * the volume pass is in sight; then the volume pass over it, to the screen; then overlays, without depth.
 */
export type Pass = "solid" | "volume" | "overlay";

export interface Drawable {
  readonly pass: Pass;
  /** In sight is what `object.visible` says. */
  readonly object: Object3D;
  /** Take over what the state says; true to be asked again at the next frame. */
  update(state: ViewState): boolean;
  /** Just before the volume pass, whose target is not yet set: the place for own targets. */
  beforeVolume?(frame: FrameContext): void;
  /** The context came back after it was lost: what was written to textures by hand must be written again. */
  restore?(): void;
  dispose(): void;
}
