// What is said of meshes that do not come, and that it is said no longer than it is true.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Mesh } from "../../src/viewer/loading/mesh_messages.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import { createStore } from "../../src/viewer/state/store.ts";
import { pageIn } from "./page_in.ts";
import { sceneJson } from "./scenes.ts";

beforeEach(() => {
  pageIn("en");
  vi.useFakeTimers();
  vi.stubGlobal("requestAnimationFrame", (go: () => void) => setTimeout(go, 0));
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

async function rig() {
  const { meshNews } = await import("../../src/viewer/loading/mesh_news.ts");
  const store = createStore(firstState(readManifest(sceneJson()), { profile: "desktop", aspect: 1 }));
  const news = meshNews(store, { take: () => undefined }, () => undefined);
  const arrive = (id: string, level: string) => news.arrived({ id, level } as Mesh);
  const said = () => store.state.notices.map(({ key, places }) => [key, places["count"]]);
  return { store, news, arrive, said };
}

describe("of meshes that do not come", () => {
  test("it is said how many, and no longer once all of them are there at whatever level", async () => {
    const { news, arrive, said } = await rig();
    for (const id of ["liver", "kidney"]) news.failed(id, "coarse", "damaged");
    expect(said()).toEqual([["meshes-failed", 2]]);
    arrive("liver", "medium");
    expect(said()).toEqual([["mesh-failed", 1]]);
    arrive("kidney", "full");
    expect(said()).toEqual([]);
    expect(news.isCoarseThere()).toBe(true);
  });

  test("a finer one that comes after all takes back that its organ stays coarse", async () => {
    const { news, arrive, said } = await rig();
    arrive("liver", "coarse");
    news.failed("liver", "full", "network");
    expect(said()[0]?.[0]).toBe("detail-failed");
    arrive("liver", "full");
    expect(said()).toEqual([]);
  });

  test("of which nothing is there, it is not said that it stays coarse", async () => {
    const { news, said } = await rig();
    news.failed("liver", "coarse", "missing");
    news.failed("liver", "full", "missing");
    expect(said()).toEqual([["mesh-failed", 1]]);
  });

  test.each([["network", "meshes-network"], ["server", "meshes-network"], ["refused", "signed-out"], ["program", "program-missing"]] as const)(
    "%s is said as %s", async (flaw, key) => {
      const { news, said } = await rig();
      for (const id of ["liver", "kidney"]) news.failed(id, "coarse", flaw);
      expect(said()).toEqual([[key, 2]]);
    },
  );
});

test("one is one, and thousands are written as the language does", async () => {
  const { addSentences, noticeText } = await import("../../src/viewer/words.ts");
  addSentences({ parts: (at, { count }) => (count === 1 ? "one part" : `${at["count"]} parts`) });
  expect(noticeText({ key: "parts", places: { count: 1 } })).toBe("one part");
  expect(noticeText({ key: "parts", places: { count: 1200 } })).toBe("1,200 parts");
});
