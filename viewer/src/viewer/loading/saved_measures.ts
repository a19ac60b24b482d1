// Measurements <-> the build they were made on, kept by the server. Nothing is sent before what is there was read.
import { MOST_MEASUREMENTS } from "../model/measure.ts";
import type { Store } from "../state/store.ts";
import type { Measurement, Notice } from "../state/view_state.ts";
import { type MeasuresServer, type Refusal, type ServerOptions, measuresServer, outlivesThePage } from "./measures_server.ts";
import { bodyOf } from "./measures_wire.ts";
import { merged } from "./merge_measures.ts";

const REST_MS = 900;
const WAITS_MS = [2_000, 5_000, 15_000, 60_000] as const;
/** Somebody who saves as often as this at the same time as I do will have a pause. */
const MOST_MERGES = 4;

export interface SavedMeasures {
  /** Try at once, whatever went wrong before. */
  save(): Promise<void>;
}

export interface SaveOptions extends ServerOptions {
  readonly canEdit: boolean;
  readonly store: Store;
}

/** Fetch what was measured before; keep what is measured from now on, where one may. */
export function keepMeasures(options: SaveOptions): SavedMeasures {
  const keeper = new Keeper(options, measuresServer(options));
  void keeper.save();
  return keeper;
}

class Keeper implements SavedMeasures {
  /** What the server has, as far as is known; undefined before it was read. */
  private seen: { readonly measurements: readonly Measurement[]; readonly version: string } | undefined;
  /** The list here that needs no saving. */
  private settled: readonly Measurement[];
  private readonly sentIds = new Set<string>();
  private failures = 0;
  private stoppedBy: Refusal | "too-many" | undefined;
  private sending: readonly Measurement[] | undefined;
  private said: string | undefined;
  /** Whether somebody has done something since it was said. */
  private isToBeSaidAgain = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isLoading = false;
  private turn: Promise<void> = Promise.resolve();

  private readonly options: SaveOptions;
  private readonly server: MeasuresServer;

  constructor(options: SaveOptions, server: MeasuresServer) {
    this.options = options;
    this.server = server;
    this.settled = this.mine;
    options.store.subscribe((state, before) => {
      if (state.measurements !== before.measurements) this.changed();
    });
    // Whoever leaves at once has measured all the same; on a phone a page that is put aside may never come back.
    addEventListener("pagehide", () => this.leave());
    document.addEventListener("visibilitychange", () => (document.visibilityState === "hidden" ? this.leave() : this.back()));
    addEventListener("online", () => {
      if (this.failures) void this.attempt();
    });
    addEventListener("beforeunload", (event) => {
      if (this.wouldBeLost) event.preventDefault();
    });
  }

  save(): Promise<void> {
    this.isToBeSaidAgain = true;
    return this.attempt();
  }

  /** One after the other, or the second would not know the version of the first. */
  private attempt(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.turn = this.turn.catch(() => undefined).then(() => this.step());
    return this.turn;
  }

  private get mine(): readonly Measurement[] {
    return this.options.store.state.measurements;
  }

  private get isUnsaved(): boolean {
    return this.options.canEdit && this.mine !== this.settled;
  }

  /** What is unsaved, and cannot be sent while the page goes. */
  private get wouldBeLost(): boolean {
    if (!this.isUnsaved) return false;
    if (!this.seen || this.failures || this.stoppedBy) return true;
    return (this.sending !== undefined && this.sending !== this.mine) || !outlivesThePage(bodyOf(this.mine));
  }

  private changed(): void {
    if (!this.isUnsaved || this.isLoading) return;
    this.isToBeSaidAgain = true;
    // What failed is tried again when its time has come, not with every change.
    if (this.failures && this.timer !== undefined) return;
    // A long list cannot be sent while the page goes: there must be as little time as possible to lose it in.
    this.later(outlivesThePage(bodyOf(this.mine)) ? REST_MS : 0);
  }

  private later(waitMs: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.attempt(), waitMs);
  }

  private leave(): void {
    if (this.isUnsaved && !this.failures && !this.stoppedBy) void this.attempt();
  }

  /** Back from signing in, perhaps. */
  private back(): void {
    if (this.stoppedBy === "signed-out") void this.attempt();
  }

  private async step(): Promise<void> {
    this.stoppedBy = undefined;
    if (!this.seen && !(await this.read("first"))) return;
    for (let merges = 0; this.isUnsaved && this.seen; merges += 1) {
      if (this.mine.length > MOST_MEASUREMENTS) return this.stop("too-many");
      const list = this.mine;
      this.sending = list;
      const sent = await this.server.send(list, this.seen.version);
      this.sending = undefined;
      if (sent.is === "saved") {
        this.seen = { measurements: list, version: sent.version };
        this.settled = list;
        this.sentIds.clear();
        this.wentWell();
        // What was measured meanwhile has its own rest, unless there is none to give.
        if (this.isUnsaved) this.changed();
        return;
      }
      if (sent.is === "stop") return this.stop(sent.why);
      if (sent.is === "again" && sent.isUnsure) for (const { id } of list) this.sentIds.add(id);
      if (sent.is === "again" || merges >= MOST_MERGES) return this.fail("not-saved", sent.is === "again" ? sent.waitMs : 0);
      if (!(await this.read("meanwhile"))) return;
    }
  }

  /** Read what the server has, and put it together with what is here. */
  private async read(when: "first" | "meanwhile"): Promise<boolean> {
    const fetched = await this.server.fetchAll();
    if (fetched.is !== "fetched") {
      if (fetched.is === "stop") this.stop(fetched.why);
      else this.fail(when === "first" ? (this.options.canEdit ? "not-fetched" : "not-fetched-to-look") : "not-saved", fetched.waitMs);
      return false;
    }
    const theirs = fetched.measurements;
    const mine = this.mine;
    const isUntouched = mine === this.settled;
    const both = merged({ before: this.seen?.measurements ?? [], mine, theirs, sentIds: this.sentIds });
    this.seen = { measurements: theirs, version: fetched.version };
    this.sentIds.clear();
    this.isLoading = true;
    this.options.store.dispatch({ type: "measures-load", measurements: both, keptIds: theirs.map(({ id }) => id) });
    this.isLoading = false;
    // What comes from the server needs no saving.
    if (isUntouched) this.settled = this.mine;
    if (when === "first") this.wentWell();
    else this.say("both-kept", "warn", null);
    return true;
  }

  private wentWell(): void {
    this.failures = 0;
    clearTimeout(this.timer);
    this.timer = undefined;
    if (this.said && this.said !== "both-kept") this.options.store.dispatch({ type: "notice-close", id: "measurements" });
    this.said = undefined;
  }

  private fail(key: string, waitMs: number): void {
    const rest = WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)] ?? REST_MS;
    this.failures += 1;
    this.later(Math.max(rest, waitMs));
    this.say(key, "bad", "measurements");
  }

  /** Asking again would bring the same answer, until a person has done something about it. */
  private stop(why: Refusal | "too-many"): void {
    this.stoppedBy = why;
    this.failures = 0;
    this.say(this.options.canEdit ? `measures-${why}` : "not-fetched-to-look", "bad", "measurements");
  }

  private say(key: string, kind: Notice["kind"], retry: Notice["retry"]): void {
    // Said once: whoever closed it knows it, until more is at stake.
    if (this.said === key && !this.isToBeSaidAgain) return;
    this.said = key;
    this.isToBeSaidAgain = false;
    const places = { count: this.mine.length, most: MOST_MEASUREMENTS };
    const offer = key === "measures-signed-out" ? { offer: { kind: "sign-in" } as const } : {};
    this.options.store.dispatch({ type: "notice", notice: { id: "measurements", key, places, kind, retry, ...offer } });
  }
}
