import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { keepMeasures } from "../../src/viewer/loading/saved_measures.ts";
import { freeName, merged } from "../../src/viewer/loading/merge_measures.ts";
import { readKept } from "../../src/viewer/loading/measures_wire.ts";
import { MOST_MEASUREMENTS } from "../../src/viewer/model/measure.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import { type Store, createStore } from "../../src/viewer/state/store.ts";
import type { Measurement } from "../../src/viewer/state/view_state.ts";
import { sceneJson } from "./scenes.ts";

// Words are looked up in the page, as soon as what says them is imported.
vi.hoisted(() => {
  const page = { getElementById: () => null, documentElement: { lang: "en" } };
  Object.assign(globalThis, { document: page });
  if (!("navigator" in globalThis)) Object.assign(globalThis, { navigator: { languages: ["en"] } });
});

const measure = (id: string, name = id, z = 0): Measurement => ({ id, kind: "distance", name, pointsLpsMm: [[0, 0, z], [3, 4, z]], value: 5, unit: "mm" });
const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);

interface Asked {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly keepalive: boolean;
}

/** A server that keeps a list with a version, and fails as it is told. */
class Server {
  list: Measurement[] = [];
  version = 0;
  token = "t1";
  readonly asked: Asked[] = [];
  /** What the next requests of a method meet instead of an answer; the last one stays. */
  readonly faults: Record<string, (Response | "reset" | "hangs" | "lost")[]> = { GET: [], PUT: [] };

  has(...list: Measurement[]): void {
    this.list = list;
    this.version += 1;
  }

  get puts(): Asked[] {
    return this.asked.filter(({ method }) => method === "PUT");
  }

  readonly fetch = async (_: string, init: RequestInit = {}): Promise<Response> => {
    const method = init.method ?? "GET";
    const headers = init.headers as Record<string, string>;
    this.asked.push({ method, headers, keepalive: init.keepalive ?? false });
    const fault = this.faults[method]?.shift();
    if (fault instanceof Response) return fault;
    if (fault === "reset") throw new TypeError("reset");
    if (fault === "hangs")
      return new Promise((_, reject) => init.signal?.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
    if (method === "PUT") {
      if (headers["X-CSRF-Token"] !== this.token) return problem(403, "request.cross-site");
      if (headers["If-Match"] !== `"${this.version}"`) return problem(headers["If-Match"] ? 409 : 428);
      this.has(...readKept(JSON.parse(init.body as string)));
      if (fault === "lost") throw new TypeError("the answer was lost");
    }
    return this.answer();
  };

  answer(): Response {
    const measurements = this.list.map(({ pointsLpsMm, ...one }) => ({ ...one, points_lps_mm: pointsLpsMm }));
    return Response.json({ measurements }, { headers: { ETag: `"${this.version}"` } });
  }
}

const problem = (status: number, code = "x"): Response => Response.json({ code }, { status });

let server: Server;
let store: Store;
let ends: EventTarget;
const freshToken = vi.fn<() => Promise<string | null>>();
const open = (canEdit = true) => keepMeasures({ address: "/m", canEdit, token: "t1", freshToken, store });
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const add = (...list: Measurement[]) =>
  store.dispatch({ type: "measures-load", measurements: [...store.state.measurements, ...list], keptIds: [] });
const remove = (id: string) => store.dispatch({ type: "measure-remove", id });
const here = () => idsOf(store.state.measurements).toSorted();
const there = () => idsOf(server.list).toSorted();
const said = () => store.state.notices.find(({ id }) => id === "measurements")?.key;
function wouldStay(): boolean {
  const event = new Event("beforeunload", { cancelable: true });
  ends.dispatchEvent(event);
  return event.defaultPrevented;
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  ends = new EventTarget();
  freshToken.mockReset();
  store = createStore(firstState(readManifest(sceneJson()), { profile: "desktop", aspect: 1 }));
  vi.stubGlobal("fetch", server.fetch);
  vi.stubGlobal("addEventListener", ends.addEventListener.bind(ends));
  vi.stubGlobal("document", Object.assign(new EventTarget(), { visibilityState: "visible" }));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("what was measured before", () => {
  const cut = () => new Response('{"measurements": [{"id"', { headers: { ETag: '"1"' } });
  const page = () => new Response("<html>", { headers: { ETag: '"1"', "Content-Type": "text/html" } });
  const odd = () => Response.json({ measurements: [{ id: "a" }] }, { headers: { ETag: '"1"' } });
  test.each([
    ["a fault", () => problem(500)],
    ["a body cut short", cut],
    ["a page", page],
    ["a list of something else", odd],
    ["no version", () => Response.json({ measurements: [] })],
    ["a reset", () => "reset" as const],
    ["nothing for a long time", () => "hangs" as const],
  ])("is not written over after %s, and both are there in the end", async (_, fault) => {
    server.has(measure("old"));
    server.faults["GET"] = [fault(), fault()];
    const heard = new Set<string | undefined>();
    store.subscribe(() => heard.add(said()));
    open();
    await pass(0);
    add(measure("new"));
    await pass(1500);
    expect(server.puts).toEqual([]);
    expect(wouldStay()).toBe(true);
    await pass(75_000);
    expect(heard).toContain("not-fetched");
    expect(there()).toEqual(["new", "old"]);
    expect(here()).toEqual(["new", "old"]);
    expect(said()).toBeUndefined();
    expect(wouldStay()).toBe(false);
  });

  test("is there for whoever may only look, who sends nothing", async () => {
    server.has(measure("old"));
    open(false);
    await pass(0);
    add(measure("mine"));
    await pass(120_000);
    expect(here()).toEqual(["mine", "old"]);
    expect(server.asked.length).toBe(1);
    expect(wouldStay()).toBe(false);
  });
});

describe("saving", () => {
  test("needs one request for what was measured in one go", async () => {
    open();
    await pass(0);
    add(measure("a"));
    add(measure("b"));
    await pass(1000);
    expect(there()).toEqual(["a", "b"]);
    remove("a");
    await pass(1000);
    expect(there()).toEqual(["b"]);
    expect(server.puts.map(({ headers }) => headers["If-Match"])).toEqual(['"0"', '"1"']);
  });

  test("is tried ever more rarely while it fails, whatever is said meanwhile", async () => {
    open();
    await pass(0);
    server.faults["PUT"] = Array.from({ length: 20 }, () => problem(500));
    add(measure("a"));
    await pass(900);
    expect(said()).toBe("not-saved");
    store.dispatch({ type: "notice-close", id: "measurements" });
    const seen: number[] = [];
    for (let minute = 0; minute < 3; minute += 1) {
      seen.push(server.puts.length);
      await pass(60_000);
    }
    // At once, after 2, 5, 15 s and then every minute.
    expect(seen).toEqual([1, 4, 5]);
    expect(said()).toBeUndefined();
    expect(wouldStay()).toBe(true);
    server.faults["PUT"] = [];
    await pass(60_000);
    expect(there()).toEqual(["a"]);
  });

  test("waits as long as the server asks", async () => {
    open();
    await pass(0);
    server.faults["PUT"] = [Response.json({}, { status: 429, headers: { "Retry-After": "40" } })];
    add(measure("a"));
    await pass(35_000);
    expect(server.puts.length).toBe(1);
    await pass(10_000);
    expect(there()).toEqual(["a"]);
  });

  test.each([
    [403, "measures-not-allowed"],
    [404, "measures-gone"],
    [410, "measures-gone"],
    [401, "measures-signed-out"],
    [422, "measures-refused"],
  ])("stops at %i and says why", async (status, key) => {
    open();
    await pass(0);
    server.faults["PUT"] = [problem(status)];
    add(measure("a"));
    await pass(600_000);
    expect([server.puts.length, said()]).toEqual([1, key]);
    expect(here()).toEqual(["a"]);
    expect(wouldStay()).toBe(true);
  });

  test("goes on once one has signed in again, with the token of the new session", async () => {
    const kept = open();
    await pass(0);
    server.faults["PUT"] = [problem(401)];
    add(measure("a"));
    await pass(1000);
    expect(store.state.notices[0]?.offer).toEqual({ kind: "sign-in" });
    server.token = "t2";
    freshToken.mockResolvedValueOnce(null).mockResolvedValue("t2");
    await kept.save();
    expect(said()).toBe("measures-signed-out");
    document.dispatchEvent(new Event("visibilitychange"));
    await pass(0);
    expect([there(), said()]).toEqual([["a"], undefined]);
    add(measure("b"));
    await pass(1000);
    expect([there(), freshToken.mock.calls.length]).toEqual([["a", "b"], 2]);
  });

  test("a page that answers in the server's place has saved nothing", async () => {
    open();
    await pass(0);
    server.faults["PUT"] = [new Response("<html>Welcome to this network", { headers: { ETag: '"9"' } })];
    add(measure("a"));
    await pass(1000);
    expect(said()).toBe("not-saved");
    await pass(2000);
    expect(there()).toEqual(["a"]);
  });
});

describe("leaving", () => {
  test("at once loses nothing of a short list", async () => {
    open();
    await pass(0);
    add(measure("a"));
    expect(wouldStay()).toBe(false);
    ends.dispatchEvent(new Event("pagehide"));
    await pass(0);
    expect([there(), server.puts[0]?.keepalive]).toEqual([["a"], true]);
  });

  test("a list too long to be sent meanwhile is saved at once, and until it is one is asked to stay", async () => {
    open();
    await pass(0);
    add(...Array.from({ length: 480 }, (_, at) => measure(`m${at}`, "x".repeat(100))));
    expect(wouldStay()).toBe(true);
    await pass(1);
    expect([server.list.length, server.puts[0]?.keepalive]).toEqual([480, false]);
    expect(wouldStay()).toBe(false);
  });

  test("while another list is on its way one is asked to stay", async () => {
    open();
    await pass(0);
    server.faults["PUT"] = ["hangs"];
    add(measure("a"));
    await pass(1000);
    expect(wouldStay()).toBe(false);
    add(measure("b"));
    expect(wouldStay()).toBe(true);
  });
});

describe("two at once", () => {
  test("both changes are in, and it is said", async () => {
    server.has(measure("a"), measure("b"));
    open();
    await pass(0);
    server.has(measure("b"), measure("c"));
    remove("b");
    add(measure("d"));
    await pass(1000);
    expect([there(), here(), said()]).toEqual([["c", "d"], ["c", "d"], "both-kept"]);
  });

  test("what was sent without an answer, and then removed, does not come back", async () => {
    open();
    await pass(0);
    server.faults["PUT"] = ["lost"];
    add(measure("a"));
    await pass(1000);
    expect(there()).toEqual(["a"]);
    remove("a");
    await pass(3000);
    expect([there(), here()]).toEqual([[], []]);
  });

  test("more than can be kept are all here, and it is said; with fewer they are saved", async () => {
    const many = (letter: string) => Array.from({ length: 300 }, (_, at) => measure(`${letter}${at}`));
    open();
    await pass(0);
    server.has(...many("a"));
    add(...many("b"));
    await pass(5000);
    expect([here().length, there().length, said()]).toEqual([600, 300, "measures-too-many"]);
    for (let at = 0; at < 100; at += 1) remove(`b${at}`);
    await pass(5000);
    expect([there().length, said()]).toEqual([MOST_MEASUREMENTS, undefined]);
  });

  test("the removed stay removed, the added are kept, of the changed mine is in force", () => {
    const before = ["kept", "mine-gone", "their-gone", "mine-new", "their-new"].map((id) => measure(id));
    const [kept, mineGone, theirGone, mineNew, theirNew] = before as [Measurement, Measurement, Measurement, Measurement, Measurement];
    const mine = [kept, theirGone, { ...mineNew, name: "by me" }, theirNew, measure("mine")];
    const theirs = [kept, mineGone, mineNew, { ...theirNew, name: "by them" }, measure("their")];
    const both = merged({ before, mine, theirs });
    expect(both.map(({ id, name }) => [id, name])).toEqual([
      ["kept", "kept"], ["mine-new", "by me"], ["their-new", "by them"], ["their", "their"], ["mine", "mine"],
    ]);
  });

  test("two of one name are told apart", () => {
    const both = merged({ before: [], mine: [measure("b", "Distance 1"), measure("c", "Distance 2")], theirs: [measure("a", "Distance 1")] });
    expect(both.map(({ name }) => name)).toEqual(["Distance 1", "Distance 2", "Distance 3"]);
    expect(freeName("Carina", new Set(["Carina", "Carina 2"]))).toBe("Carina 3");
  });
});

test("where no more can be kept the next one is refused in words, at its first point", () => {
  add(...Array.from({ length: MOST_MEASUREMENTS }, (_, at) => measure(`m${at}`)));
  store.dispatch({ type: "tool", tool: "distance" });
  store.dispatch({ type: "measure-point", pointLpsMm: [0, 0, 0], name: "x", id: "x" });
  expect(store.state.pendingLpsMm).toEqual([]);
  expect(store.state.notices.map(({ key }) => key)).toEqual(["measures-full"]);
});
