// What every tool is made of. One file each, listed in tools.ts.
import type { Hit } from "../loading/mesh_messages.ts";
import type { Manifest } from "../model/manifest.ts";
import type { ToolId } from "../state/view_state.ts";
import type { Store } from "../state/store.ts";

/** On the canvas, in CSS pixels from its upper left corner. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

export interface ToolContext {
  readonly store: Store;
  /** The first surface under a spot. */
  pick(spot: Spot): Promise<Hit | null>;
}

export interface Tool {
  readonly id: ToolId;
  /** The key that takes it up, while the 3D view has the focus. */
  readonly key: string;
  /** A path in a square of 24. */
  readonly sign: string;
  readonly cursor: string;
  /** In the page's language; what to do with it, in one sentence. */
  label(): string;
  hint(shown: Pick<Manifest, "estimate">): string;
  /** What it cannot do without. */
  readonly needs: "nothing" | "lengths" | "volume";
  /** Pressed and let go at one place. */
  tap(spot: Spot, context: ToolContext): void | Promise<void>;
  /** Drags with the main button or one finger belong to the tool; without it they turn the camera. */
  drag?(from: Spot, context: ToolContext): { move(to: Spot): void; end(): void };
}
