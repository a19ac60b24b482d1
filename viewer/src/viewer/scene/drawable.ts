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
  /** No frame will follow: this one is to be as good as it gets. */
  readonly isFinal: boolean;
  /** Of the solid meshes, drawn before the volume pass; null where no pass needs it. */
  readonly depth: DepthTexture | null;
  /** Their colour, likewise: as the screen will show it (sRGB), multiplied with its opacity. */
  readonly colour: Texture | null;
  /** The see-through meshes by themselves, and how near the nearest is; null where there are none. */
  readonly glass: { readonly colour: Texture; readonly depth: DepthTexture } | null;
}

/** See-through meshes lie on this layer of the engine, all else on layer 0. */
export const GLASS_LAYER = 1;

/**
 * Solid things are drawn first, then see-through meshes: with a drawable of the volume pass in sight each into a
 * target of its own, and the volume pass lays both together on the screen. Overlays come last, without depth.
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
  /** More of it comes by itself, in frames that it asks for. */
  readonly isDrawing?: boolean;
  /** The context came back after it was lost: what was written to textures by hand must be written again. */
  restore?(): void;
  dispose(): void;
}
