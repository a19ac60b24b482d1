// What is pressed is looked at: the slices go through it.
import type { Vec3 } from "../model/vectors.ts";
import type { Store } from "../state/store.ts";

/** Moves the crosshair, where there is a scan to have one. */
export function goThere(store: Store, crosshairLpsMm: Vec3): void {
  if (store.state.manifest.volume) store.dispatch({ type: "slices", change: { crosshairLpsMm } });
}
