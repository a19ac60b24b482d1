// What has been said and needs no answer goes by itself, but not from under a pointer or the focus.

export interface Leaving<Said> {
  /** All that is to be seen now: what is new has its time from now on. */
  see(all: readonly Said[]): void;
  /** Held, nothing goes; let go, all have their whole time again. */
  hold(isHeld: boolean): void;
}

export function leaving<Said>(restMs: number, close: (said: Said) => void): Leaving<Said> {
  const timers = new Map<Said, ReturnType<typeof setTimeout> | undefined>();
  let isHeld = false;
  const begin = (said: Said): void => {
    clearTimeout(timers.get(said));
    timers.set(said, isHeld ? undefined : setTimeout(() => close(said), restMs));
  };
  return {
    see(all) {
      for (const [said, timer] of timers) {
        if (all.includes(said)) continue;
        clearTimeout(timer);
        timers.delete(said);
      }
      for (const said of all) if (!timers.has(said)) begin(said);
    },
    hold(now) {
      if (now === isHeld) return;
      isHeld = now;
      for (const said of [...timers.keys()]) begin(said);
    },
  };
}
