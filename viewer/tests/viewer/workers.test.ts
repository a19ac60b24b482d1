// What stands between the page and its workers, and what the workers refuse.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { BrickReader, BrickWorkers } from "../../src/viewer/loading/bricks.ts";
import type { BrickAnswer, BrickOrder } from "../../src/viewer/loading/brick_worker.ts";
import { startMeshes } from "../../src/viewer/loading/meshes.ts";
import { LoadFailed } from "../../src/viewer/loading/ranges.ts";
import type { BrickLevel, Manifest, Organ } from "../../src/viewer/model/manifest.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { readAt } from "../../src/viewer/slices/probe.ts";
import { sceneJson } from "./scenes.ts";

type Heard = (event: { data?: unknown; message?: string }) => void;

/** A worker that does what the test says. */
class Fake {
  static all: Fake[] = [];
  onmessage: Heard | null = null;
  onerror: Heard | null = null;
  isOver = false;
  readonly told: { type?: string; id: number }[] = [];
  readonly #heard = new Map<string, Heard[]>();
  constructor() {
    Fake.all.push(this);
  }
  addEventListener(kind: string, hear: Heard): void {
    this.#heard.set(kind, [...(this.#heard.get(kind) ?? []), hear]);
  }
  postMessage(message: { id: number }): void {
    this.told.push(message);
  }
  terminate(): void {
    this.isOver = true;
  }
  answer(data: unknown): void {
    this.onmessage?.({ data });
    for (const hear of this.#heard.get("message") ?? []) hear({ data });
  }
  fall(): void {
    this.onerror?.({});
    for (const hear of this.#heard.get("error") ?? []) hear({});
  }
}

beforeEach(() => {
  Fake.all = [];
  vi.stubGlobal("Worker", Fake);
  vi.stubGlobal("document", { documentElement: { dataset: {} } });
});
afterEach(() => vi.unstubAllGlobals());

const flawOf = (going: Promise<unknown>): Promise<unknown> => going.then(() => "none", (fault: unknown) => (fault instanceof LoadFailed ? fault.flaw : fault));

describe("decoders of bricks", () => {
  const wish = { kind: "labels", bytesEach: 1, bytes: new Uint8Array(1), shape: [1, 1, 1], least: 0, greatest: 1, sha256: null } as const;

  test("one whose script did not arrive before the first order is started anew by it", async () => {
    const workers = new BrickWorkers(1);
    Fake.all[0]!.fall();
    const going = workers.ask(wish);
    expect([Fake.all.length, Fake.all[0]!.isOver]).toEqual([2, true]);
    Fake.all[1]!.answer({ id: 0, kind: "labels", labels: new Uint8Array(1) });
    expect((await going).kind).toBe("labels");
  });

  test("one that breaks costs its order alone, and says that a part of the program is missing", async () => {
    const workers = new BrickWorkers(1);
    const [first, second] = [workers.ask(wish), workers.ask(wish)];
    Fake.all[0]!.fall();
    expect(await flawOf(first)).toBe("program");
    Fake.all[1]!.answer({ id: 1, kind: "labels", labels: new Uint8Array(1) });
    expect((await second).kind).toBe("labels");
  });
});

const SHAPE = [1, 1, 4] as const;
async function packed(values: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
  const steps = values.map((v, i) => (v - (i ? values[i - 1]! : 0)) & 0xffff);
  const bytes = Uint8Array.from([...steps.map((s) => s & 255), ...steps.map((s) => s >> 8)]);
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
async function hashOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...sum].map((one) => one.toString(16).padStart(2, "0")).join("");
}

describe("a brick is refused", async () => {
  const bytes = await packed([-5, 9, 3, -32768]);
  const sha256 = await hashOf(bytes);
  const whole = { id: 1, kind: "voxels", unmeasured: -32768, bytes, shape: SHAPE, least: -5, greatest: 9, sha256 } as const;

  async function decoded(order: BrickOrder): Promise<BrickAnswer> {
    await import("../../src/viewer/loading/brick_worker.ts");
    return new Promise((resolve) => {
      vi.stubGlobal("postMessage", resolve);
      (globalThis as unknown as { onmessage: (event: { data: BrickOrder }) => void }).onmessage({ data: order });
    });
  }

  test("never where it is whole, with or without a hash", async () => {
    for (const known of [sha256, null]) {
      const answer = await decoded({ ...whole, sha256: known });
      expect(answer.kind === "voxels" && [...answer.voxels]).toEqual([-5, 9, 3, -32768]);
    }
  });

  test("where a bit is another, though it unpacks and lies between least and greatest", async () => {
    expect((await decoded({ ...whole, bytes: await packed([-5, 9, 4, -32768]) })).kind).toBe("damaged");
  });

  test("where its least or greatest is not what the list says", async () => {
    for (const lie of [{ least: -6 }, { greatest: 10 }, { unmeasured: null }]) expect((await decoded({ ...whole, ...lie })).kind).toBe("damaged");
  });
});

const LEVEL: BrickLevel = {
  file: "view/volume-0.bin", shape: [1, 1, 4], indexToLps: [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1], brick: 64, grid: [1, 1, 1],
  bricks: [[0, 9, -5, 9]], sha256: ["a"],
};

test("a damaged brick is not kept: whoever tries again fetches it anew", async () => {
  let fetches = 0;
  const fetch = (): Promise<Uint8Array<ArrayBuffer>> => ((fetches += 1), Promise.resolve(new Uint8Array(9)));
  const reader = new BrickReader(fetch, { compressed: 1000, decoded: 1000 }, 1);
  for (const id of [0, 1]) {
    const going = flawOf(reader.voxels(LEVEL, 0, null));
    await vi.waitFor(() => expect(Fake.all[0]!.told.length).toBe(id + 1));
    Fake.all[0]!.answer({ id, kind: "damaged", why: "a bit" });
    expect(await going).toBe("damaged");
  }
  expect([fetches, reader.bytesKept]).toEqual([2, 0]);
});

test("where the labels cannot be read the value is said, and that the organ is not known", async () => {
  const reader = { voxelAt: () => Promise.resolve(57), labelAt: () => Promise.reject(new LoadFailed("missing", "labels")) } as unknown as BrickReader;
  const volume = { levels: [LEVEL], unmeasured: null, scale: 1, offset: 0 };
  const manifest = { volume, labels: { dtype: "uint8", levels: [LEVEL] }, organs: [] } as unknown as Manifest;
  expect(await readAt(reader, manifest, [1, 0, 0])).toEqual({ lpsMm: [1, 0, 0], value: 57, organ: null, isOrganUnread: true });
});

describe("the worker of the meshes", () => {
  const manifest = readManifest(sceneJson());
  const liver = manifest.organs[0] as Organ;
  const meshOf = (id: string, level: string) => ({ type: "mesh", mesh: { id, level } });

  function begun() {
    const told: string[] = [];
    const meshes = startMeshes("files/");
    meshes.tell({ arrived: ({ id, level }) => told.push(`${level} ${id}`), failed: (id, level, flaw) => told.push(`no ${level} ${id}: ${flaw}`) });
    return { meshes, told };
  }

  test("that did not arrive is said of every organ, and another is started for whoever tries again", () => {
    const { meshes, told } = begun();
    meshes.loadCoarse(manifest);
    Fake.all[0]!.fall();
    expect(told).toEqual(["no coarse liver: program", "no coarse kidney: program"]);
    void meshes.pick({ originLpsMm: [0, 0, 0], direction: [1, 0, 0], organs: [] });
    expect(Fake.all.length).toBe(1);
    meshes.load(liver, "coarse");
    Fake.all[1]!.answer(meshOf("liver", "coarse"));
    expect(told.at(-1)).toBe("coarse liver");
  });

  test("that broke is replaced by one that learns what was known, without telling it once more", () => {
    const { meshes, told } = begun();
    meshes.load(liver, "coarse");
    Fake.all[0]!.answer(meshOf("liver", "coarse"));
    Fake.all[0]!.fall();
    expect(Fake.all[1]!.told.map(({ type }) => type)).toEqual(["load"]);
    Fake.all[1]!.answer(meshOf("liver", "coarse"));
    expect(told).toEqual(["coarse liver"]);
  });

  test("asks a server that does not answer for the stretch alone, and then says that all of it is away", async () => {
    vi.useFakeTimers();
    const [heard, said] = [[] as Heard[], [] as { flaw: string }[]];
    vi.stubGlobal("self", { addEventListener: (_: string, hear: Heard) => heard.push(hear), postMessage: (one: { flaw: string }) => said.push(one) });
    let fetches = 0;
    vi.stubGlobal("fetch", () => ((fetches += 1), Promise.resolve(new Response(null, { status: 503 }))));
    await import("../../src/viewer/loading/mesh_worker.ts");
    const wishes = manifest.organs.map(({ id, meshes }) => ({ id, level: "coarse", mesh: meshes.coarse }));
    heard[0]!({ data: { type: "together", files: "", wishes } });
    await vi.advanceTimersByTimeAsync(9000);
    vi.useRealTimers();
    expect(said.map(({ flaw }) => flaw)).toEqual(["server", "server"]);
    expect(fetches).toBe(5);
  });
});
