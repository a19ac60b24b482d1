// What is written over the large picture, and in which order.
import { afterEach, describe, expect, test, vi } from "vitest";
import { GONE_AFTER_MS, lossTeller } from "../../src/viewer/graphics_lost.ts";
import { apart } from "../../src/viewer/model/pills.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import { createStore } from "../../src/viewer/state/store.ts";
import { pageIn } from "./page_in.ts";
import { sceneJson } from "./scenes.ts";

test("the numbers of measurements lie over the lines of all of them", async () => {
  pageIn("en");
  // The panels' engine asks for one as it comes up.
  vi.stubGlobal("document", { ...document, createTreeWalker: () => ({}) });
  const { marks } = await import("../../src/viewer/panels/picture_marks.ts");
  const done: string[] = [];
  const noted = (name: string) => (): unknown => {
    done.push(name);
    return { width: 100 };
  };
  const paint = new Proxy({} as CanvasRenderingContext2D, { get: (_, name) => noted(String(name)), set: () => true });
  const measure = (name: string, z: number) => ({
    id: name, name, kind: "distance", unit: "mm", value: 20, pointsLpsMm: [[-10, 0, z], [10, 0, z]],
  });
  const state = {
    camera: { targetLpsMm: [0, 0, 0], turn: [0.7071, 0, 0, 0.7071], distanceMm: 300 },
    tool: "turn", probe: null, measurements: [measure("one", 0), measure("two", 5)],
  };
  marks({ store: { state } } as never, paint, () => "#000000");
  expect(done.filter((one) => one === "fillText")).toHaveLength(2);
  expect(done.lastIndexOf("stroke")).toBeLessThan(done.indexOf("roundRect"));
});

describe("numbers that want the same place", () => {
  const VIEW = { width: 400, height: 300 };
  const pill = (x: number, y: number) => ({ x, y, width: 100, height: 20 });

  test("stand above one another, the first where it belongs", () => {
    const places = apart([pill(200, 150), pill(210, 152), pill(190, 149), pill(200, 150)], VIEW, 8);
    expect(places[0]).toEqual({ x: 200, y: 150 });
    const heights = places.map(({ y }) => y).sort((a, b) => a - b);
    for (const [index, y] of heights.slice(1).entries()) expect(y - (heights[index] ?? 0)).toBeGreaterThanOrEqual(20);
  });

  test("stay where they are when nothing stands in their way, and inside the view", () => {
    const wanted = [pill(60, 40), pill(200, 40), pill(60, 80)];
    expect(apart(wanted, VIEW, 8)).toEqual(wanted.map(({ x, y }) => ({ x, y })));
    const [low, above] = apart([pill(-50, 500), pill(-50, 500)], VIEW, 8);
    expect(low).toEqual({ x: 58, y: 282 });
    expect(above?.y).toBeLessThanOrEqual(282 - 20);
  });
});

describe("graphics that a device takes away", () => {
  afterEach(() => void vi.useRealTimers());

  test("are waited for for a while, and then a page that is loaded anew is offered", () => {
    vi.useFakeTimers();
    const store = createStore(firstState(readManifest(sceneJson()), { profile: "desktop", aspect: 1 }));
    const said = () => store.state.notices.map(({ key, retry }) => [key, retry]);
    const tell = lossTeller(store);
    tell(true);
    expect(said()).toEqual([["context-lost", null]]);
    vi.advanceTimersByTime(GONE_AFTER_MS);
    expect(said()).toEqual([["context-gone", "view"]]);
    tell(false);
    expect(said()).toEqual([]);
    tell(true);
    tell(false);
    vi.advanceTimersByTime(2 * GONE_AFTER_MS);
    expect(said()).toEqual([]);
  });
});
