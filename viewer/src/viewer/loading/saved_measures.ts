// Measurements <-> the build they were made on, kept by the server.
import type { Vec3 } from "../model/vectors.ts";
import type { Store } from "../state/store.ts";
import type { Measurement } from "../state/view_state.ts";

const REST_MS = 900;

/** As the API has it. */
interface Kept {
  readonly id: string;
  readonly kind: "distance" | "angle";
  readonly name: string;
  readonly points_lps_mm: readonly (readonly [number, number, number])[];
  readonly value: number;
  readonly unit: "mm" | "deg";
}

export interface SavedMeasures {
  save(): Promise<void>;
}

export interface SaveOptions {
  readonly address: string;
  readonly canEdit: boolean;
  readonly token: string;
  readonly store: Store;
}

/** Fetch what was measured before; keep what is measured from now on, where one may. */
export function keepMeasures({ address, canEdit, token, store }: SaveOptions): SavedMeasures {
  let version: string | null = null;
  let known: readonly Measurement[] = store.state.measurements;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let turn = Promise.resolve();

  const say = (key: string, kind: "bad" | "warn", retry: "measurements" | null) =>
    store.dispatch({ type: "notice", notice: { id: "measurements", key, places: {}, kind, retry } });

  async function fetchAll(): Promise<Measurement[]> {
    const answer = await fetch(address, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    version = answer.headers.get("ETag");
    return ((await answer.json()) as { measurements: Kept[] }).measurements.map(fromKept);
  }

  /** By id: what is here wins, what only the server has is added. */
  function together(theirs: readonly Measurement[]): readonly Measurement[] {
    const mine = store.state.measurements;
    const ids = new Set([...mine, ...known].map((one) => one.id));
    return [...theirs.filter((one) => !ids.has(one.id)), ...mine];
  }

  const load = (theirs: readonly Measurement[]): void =>
    store.dispatch({ type: "measures-load", measurements: together(theirs), keptIds: theirs.map(({ id }) => id) });

  async function put(isLast = false): Promise<Response> {
    return fetch(address, {
      method: "PUT",
      keepalive: isLast,
      headers: { "Content-Type": "application/json", "X-CSRF-Token": token, ...(version ? { "If-Match": version } : {}) },
      body: JSON.stringify({ measurements: store.state.measurements.map(toKept) }),
    });
  }

  async function saveNow(): Promise<void> {
    try {
      let answer = await put();
      if (answer.status === 409 || answer.status === 412) {
        load(await fetchAll());
        say("both-kept", "warn", null);
        answer = await put();
      }
      if (!answer.ok) throw new Error(String(answer.status));
      version = answer.headers.get("ETag");
      known = store.state.measurements;
    } catch {
      say("not-saved", "bad", "measurements");
    }
  }

  /** One after the other, or the second would not know the version of the first. */
  function save(): Promise<void> {
    clearTimeout(timer);
    turn = turn.then(saveNow);
    return turn;
  }

  void fetchAll().then(
    (theirs) => {
      const isUntouched = store.state.measurements === known;
      if (theirs.length) load(theirs);
      if (isUntouched) known = store.state.measurements;
    },
    () => undefined,
  );
  store.subscribe((state) => {
    if (state.measurements === known || !canEdit) return;
    clearTimeout(timer);
    timer = setTimeout(() => void (store.state.measurements === known || save()), REST_MS);
  });
  // Whoever leaves at once has measured all the same.
  addEventListener("pagehide", () => {
    if (!canEdit || store.state.measurements === known) return;
    void put(true);
  });
  return { save };
}

const fromKept = (one: Kept): Measurement => ({
  id: one.id,
  kind: one.kind,
  name: one.name,
  pointsLpsMm: one.points_lps_mm.map(([x, y, z]): Vec3 => [x, y, z]),
  value: one.value,
  unit: one.unit,
});

const toKept = (one: Measurement): Kept => ({
  id: one.id,
  kind: one.kind,
  name: one.name,
  points_lps_mm: one.pointsLpsMm,
  value: one.value,
  unit: one.unit,
});
