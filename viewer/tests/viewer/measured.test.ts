import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { inOrder } from "../../src/viewer/model/measure.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { leaving } from "../../src/viewer/panels/leaving.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import { reduce } from "../../src/viewer/state/reducer.ts";
import { createStore } from "../../src/viewer/state/store.ts";
import { type Measurement, type Notice, goesByItself } from "../../src/viewer/state/view_state.ts";
import { pageIn } from "./page_in.ts";
import { sceneJson } from "./scenes.ts";

const made = (id: string): Measurement => ({ id, kind: "distance", name: `Of ${id}`, pointsLpsMm: [[0, 0, 0], [3, 4, 0]], value: 5, unit: "mm" });
const first = firstState(readManifest(sceneJson()), { profile: "desktop", aspect: 1 });
const three = reduce(first, { type: "measures-load", measurements: ["a", "b", "c"].map(made), keptIds: [] });

describe("a measurement that was taken away", () => {
  const removed = reduce(three, { type: "measure-remove", id: "b" });

  test("is put back under the same name at the same place", () => {
    expect(removed.measurements.map(({ id }) => id)).toEqual(["a", "c"]);
    const { offer, places } = removed.notices[0] as Notice;
    expect(places).toEqual({ name: "Of b" });
    if (offer?.kind !== "put-back") throw new Error("nothing is offered");
    const back = reduce(removed, { type: "measure-put-back", measurement: offer.measurement, at: offer.at });
    expect(back.measurements).toEqual(three.measurements);
    expect(back.notices).toEqual([]);
    expect(reduce(back, { type: "measure-put-back", measurement: offer.measurement, at: 0 })).toBe(back);
  });

  test("is offered until another is, and the offer has no end by itself", () => {
    const both = reduce(removed, { type: "measure-remove", id: "a" });
    expect(both.notices.map(({ places }) => places["name"])).toEqual(["Of a"]);
    expect(both.notices.some(goesByItself)).toBe(false);
  });
});

describe("names and order", () => {
  test("measurements stand in the order in which they were made, those of before first", () => {
    const ids = ["1764320000002-5-6", "77-8", "1764320000001-1-2", "4294967295-3"];
    expect(inOrder(ids.map((id) => ({ id }))).map(({ id }) => id)).toEqual(["77-8", "4294967295-3", "1764320000001-1-2", "1764320000002-5-6"]);
  });

  test("a new one comes after all others", async () => {
    pageIn("en");
    const { nextName } = await import("../../src/viewer/tools/measuring.ts");
    const { id, name } = nextName(createStore(three), "distance");
    expect(name).toBe("Distance 4");
    expect(inOrder([{ id }, { id: "1764320000001-1-2" }]).at(-1)).toEqual({ id });
    expect(id.length).toBeLessThanOrEqual(40);
  });

  test("a name that nobody chose is read in one's own language, and one that somebody chose as it is", async () => {
    pageIn("de", { "Distance {number}": "Strecke {number}", "Angle {number}": "Winkel {number}" });
    const { keptName, shownName } = await import("../../src/viewer/tools/measuring.ts");
    expect(shownName("distance", "Distance 3")).toBe("Strecke 3");
    expect(keptName("distance", "Strecke 3")).toBe("Distance 3");
    expect(keptName("angle", shownName("angle", "Angle 12"))).toBe("Angle 12");
    for (const chosen of ["Distance to the rib", "Distance 3 a", "Angle 3", "3", ""]) {
      expect(shownName("distance", chosen)).toBe(chosen);
      expect(keptName("distance", chosen)).toBe(chosen);
    }
  });
});

describe("what has been said", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());
  const told = () => {
    const gone: string[] = [];
    return { gone, notices: leaving<string>(8000, (one) => gone.push(one)) };
  };

  test("goes by itself after its time", () => {
    const { gone, notices } = told();
    notices.see(["copied"]);
    vi.advanceTimersByTime(7999);
    expect(gone).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(gone).toEqual(["copied"]);
  });

  test("stays under a pointer or the focus, and has its whole time afterwards", () => {
    const { gone, notices } = told();
    notices.see(["copied"]);
    vi.advanceTimersByTime(5000);
    notices.hold(true);
    vi.advanceTimersByTime(60_000);
    notices.hold(false);
    vi.advanceTimersByTime(7999);
    expect(gone).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(gone).toEqual(["copied"]);
  });

  test("is not closed twice when somebody closed it before", () => {
    const { gone, notices } = told();
    notices.see(["copied"]);
    notices.see([]);
    vi.advanceTimersByTime(60_000);
    expect(gone).toEqual([]);
  });

  test("only good news goes", () => {
    const notice = (kind: Notice["kind"]): Notice => ({ id: "x", key: "x", places: {}, kind, retry: null });
    expect((["good", "warn", "bad"] as const).map(notice).map(goesByItself)).toEqual([true, false, false]);
  });
});
