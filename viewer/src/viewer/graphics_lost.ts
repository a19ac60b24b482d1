// What is said when a device takes the graphics away, and when it does not give them back.
import type { Store } from "./state/store.ts";
import type { Retry } from "./state/view_state.ts";

export const GONE_AFTER_MS = 10_000;

/** The browser gives graphics back within moments, or never: after a while nobody should wait any more. */
export function lossTeller(store: Store): (isLost: boolean) => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (key: string, retry: Retry | null) =>
    store.dispatch({ type: "notice", notice: { id: "context", key, places: {}, kind: "warn", retry } });
  return (isLost) => {
    clearTimeout(timer);
    if (!isLost) return store.dispatch({ type: "notice-close", id: "context" });
    say("context-lost", null);
    timer = setTimeout(() => say("context-gone", "view"), GONE_AFTER_MS);
  };
}
