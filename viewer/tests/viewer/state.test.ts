import { beforeEach, describe, expect, test } from "vitest";
import { isHull } from "../../src/viewer/model/hulls.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import type { Intent } from "../../src/viewer/state/intents.ts";
import { reduce } from "../../src/viewer/state/reducer.ts";
import { createStore } from "../../src/viewer/state/store.ts";
import { type ViewState, isVisible } from "../../src/viewer/state/view_state.ts";
import { organJson, scanJson, sceneJson } from "./scenes.ts";

let state: ViewState;
const after = (...intents: Intent[]): ViewState => intents.reduce(reduce, state);
beforeEach(() => {
  state = firstState(readManifest(sceneJson({ volume: scanJson })), { profile: "desktop", aspect: 1 });
});

describe("organs", () => {
  test("hidden, shown, alone and chosen", () => {
    expect(isVisible(after({ type: "show", ids: ["liver"], isShown: false }), "liver")).toBe(false);
    const alone = after({ type: "solo", id: "kidney" });
    expect([isVisible(alone, "liver"), isVisible(alone, "kidney")]).toEqual([false, true]);
    expect(isVisible(reduce(alone, { type: "show-all", isShown: true }), "liver")).toBe(true);
    expect(after({ type: "select", id: "nobody" }).selected).toBeNull();
    expect(after({ type: "solo", id: "nobody" })).toBe(state);
  });

  test("an opacity stays between nothing and all, a colour is a colour", () => {
    expect(after({ type: "opacity", ids: ["liver"], opacity: 7 }).organs["liver"]?.opacity).toBe(1);
    expect(after({ type: "colour", id: "liver", colour: "url(x)" })).toBe(state);
    expect(after({ type: "colour", id: "liver", colour: "#123456" }).organs["liver"]?.colour).toBe("#123456");
  });

  test("what covers everything begins as glass, unless it is all there is", () => {
    const of = (ids: string[]) => firstState(readManifest(sceneJson({ organs: ids.map((id) => organJson(id)) })), { profile: "desktop", aspect: 1 });
    expect(of(["skin", "liver"]).organs["skin"]?.opacity).toBeLessThan(0.5);
    expect(of(["skin"]).organs["skin"]?.opacity).toBe(1);
    const known = readManifest(sceneJson({ organs: [organJson("skin"), organJson("muscle", { opacity: 0.8 }), organJson("husk", { opacity: 0.2 }), organJson("liver")] }));
    expect(known.organs.map(isHull)).toEqual([true, false, true, false]);
  });
});

describe("cuts", () => {
  const plane = (id: string) => ({ id, normal: [0, 0, 1] as const, offsetMm: 3, isFlipped: false, scope: "all" as const });

  test("three are the most, and each is of its own", () => {
    const full = after(...["1", "2", "2", "3", "4"].map((id): Intent => ({ type: "clip-add", plane: plane(id) })));
    expect(full.clip.planes.map(({ id }) => id)).toEqual(["1", "2", "3"]);
    const moved = reduce(full, { type: "clip-change", id: "2", change: { offsetMm: 9 } });
    expect(moved.clip.planes.map(({ offsetMm }) => offsetMm)).toEqual([3, 9, 3]);
    expect(reduce(moved, { type: "clip-remove", id: "1" }).clip.planes.length).toBe(2);
  });
});

describe("measuring", () => {
  const point = (x: number, y: number, z = 0): Intent => ({ type: "measure-point", pointLpsMm: [x, y, z], name: "M", id: `${x} ${y}` });

  test("two points make a distance, three an angle", () => {
    const one = after({ type: "tool", tool: "distance" }, point(0, 0), point(3, 4));
    expect(one.measurements[0]).toMatchObject({ kind: "distance", value: 5, unit: "mm" });
    expect(one.pendingLpsMm).toEqual([]);
    const corner = after({ type: "tool", tool: "angle" }, point(2, 0), point(0, 0), point(0, 2));
    expect(corner.measurements[0]?.value).toBeCloseTo(90);
  });

  test("another tool, or Escape, forgets the points that were set", () => {
    expect(after({ type: "tool", tool: "distance" }, point(0, 0), { type: "tool", tool: "angle" }).pendingLpsMm).toEqual([]);
    expect(after({ type: "tool", tool: "distance" }, point(0, 0), { type: "measure-cancel" }).pendingLpsMm).toEqual([]);
  });

  test("without millimetres nothing is measured", () => {
    state = firstState(readManifest(sceneJson({ unit: "px" })), { profile: "desktop", aspect: 1 });
    expect(after({ type: "tool", tool: "distance" }, point(0, 0), point(3, 4)).measurements).toEqual([]);
  });

  test("an angle without a leg is none, an empty name keeps the old one", () => {
    expect(after({ type: "tool", tool: "angle" }, point(0, 0), point(0, 0), point(0, 2)).measurements).toEqual([]);
    const one = after({ type: "tool", tool: "distance" }, point(0, 0), point(3, 4));
    expect(reduce(one, { type: "measure-rename", id: "3 4", name: "  " }).measurements[0]?.name).toBe("M");
    expect(reduce(one, { type: "measure-rename", id: "3 4", name: "Width" }).measurements[0]?.name).toBe("Width");
  });
});

describe("the store", () => {
  test("tells what changed with what was before, and not when nothing did", () => {
    const store = createStore(state);
    const told: [string | null, string | null][] = [];
    const end = store.subscribe((now, before) => told.push([before.selected, now.selected]));
    store.dispatch({ type: "select", id: "liver" });
    store.dispatch({ type: "select", id: "nobody" });
    store.dispatch({ type: "tool", tool: "turn" });
    end();
    store.dispatch({ type: "select", id: "kidney" });
    expect(told).toEqual([[null, "liver"]]);
  });
});
