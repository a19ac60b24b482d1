// Letters take up tools, Escape goes one step back: in the 3D picture and on slices alike.
import type { Store } from "../state/store.ts";
import { TOOLS, hindrance } from "./tools.ts";

/** Whether the key meant anything. */
export function takeUp(key: string, store: Store): boolean {
  const { state } = store;
  const chosen = TOOLS.find((one) => one.key === key.toLowerCase());
  if (chosen && !hindrance(chosen, state)) store.dispatch({ type: "tool", tool: chosen.id });
  else if (key !== "Escape") return false;
  else if (state.pendingLpsMm.length) store.dispatch({ type: "measure-cancel" });
  else if (state.tool !== "turn") store.dispatch({ type: "tool", tool: "turn" });
  else store.dispatch({ type: "select", id: null });
  return true;
}
