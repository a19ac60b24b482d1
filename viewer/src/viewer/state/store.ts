// One state, and who wants to know when it changes.
import type { Intent } from "./intents.ts";
import { reduce } from "./reducer.ts";
import type { ViewState } from "./view_state.ts";

export type Listener = (state: ViewState, before: ViewState) => void;

export interface Store {
  readonly state: ViewState;
  dispatch(intent: Intent): void;
  /** Returns what ends it. */
  subscribe(listener: Listener): () => void;
}

export function createStore(first: ViewState): Store {
  let state = first;
  const listeners = new Set<Listener>();
  return {
    get state() {
      return state;
    },
    dispatch(intent) {
      const before = state;
      state = reduce(before, intent);
      if (state === before) return;
      // What a listener dispatches comes after, with its own before and after.
      const [now, all] = [state, [...listeners]];
      for (const listener of all) listener(now, before);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
