import { beforeEach, describe, expect, test } from "vitest";
import type { Hit, RayWish } from "../../src/viewer/loading/mesh_messages.ts";
import type { MeshSource } from "../../src/viewer/loading/meshes.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import { createStore } from "../../src/viewer/state/store.ts";
import type { ToolId } from "../../src/viewer/state/view_state.ts";
import { pageIn } from "./page_in.ts";
import { organJson, scanJson, sceneJson } from "./scenes.ts";

const hitOn = (id: string): Hit => ({ id, pointLpsMm: [7.5, -3.25, 12], normal: [0, -1, 0], distanceMm: 100, isFace: false });

beforeEach(() => pageIn("en"));

async function pressed(tool: ToolId, more: Record<string, unknown>) {
  const { toolOf } = await import("../../src/viewer/tools/tools.ts");
  const store = createStore(firstState(readManifest(sceneJson(more)), { profile: "desktop", aspect: 1 }));
  const before = store.state.slices.crosshairLpsMm;
  store.dispatch({ type: "tool", tool });
  await toolOf(tool).tap({ x: 1, y: 1 }, { store, pick: async () => hitOn("liver") });
  return { before, after: store.state };
}

describe("a press on a surface", () => {
  test.each(["turn", "pick", "crosshair"] as const)("moves the crosshair to the point that was met: %s", async (tool) => {
    const { after } = await pressed(tool, { volume: scanJson });
    expect(after.slices.crosshairLpsMm).toEqual([7.5, -3.25, 12]);
  });

  test("leaves the crosshair where it was for tools that set points", async () => {
    const { before, after } = await pressed("distance", { volume: scanJson });
    expect(after.slices.crosshairLpsMm).toEqual(before);
    expect(after.pendingLpsMm).toEqual([[7.5, -3.25, 12]]);
  });

  test("moves no crosshair where there is no scan", async () => {
    const { before, after } = await pressed("turn", {});
    expect(after.slices.crosshairLpsMm).toEqual(before);
    expect(after.selected).toBe("liver");
  });
});

describe("what is seen through", () => {
  const state = firstState(readManifest(sceneJson({ organs: [organJson("skin"), organJson("liver")] })), { profile: "desktop", aspect: 1 });
  const view = { ...state.camera, width: 100, height: 100 };

  /** A worker whose ray meets what it is asked for, in the order of these. */
  async function met(inTheWay: readonly string[], of = state): Promise<string | undefined> {
    const { pickAt } = await import("../../src/viewer/scene/picking.ts");
    const source = {
      pick: async ({ organs }: RayWish) => {
        const id = inTheWay.find((one) => organs.some((organ) => organ.id === one && !organ.isOnlyCut));
        return { hit: id ? hitOn(id) : null, tookMs: 0 };
      },
    } as unknown as MeshSource;
    return (await pickAt(source, of, view, 50, 50))?.id;
  }

  test("is pressed where nothing solid lies behind it, and else what lies behind", async () => {
    expect(await met(["skin", "liver"])).toBe("liver");
    expect(await met(["skin"])).toBe("skin");
    expect(await met([])).toBeUndefined();
  });

  test("is not pressed when it cannot be seen at all", async () => {
    const organs = { ...state.organs, skin: { isShown: true, opacity: 0, colour: "#aabbcc" } };
    expect(await met(["skin"], { ...state, organs })).toBeUndefined();
  });
});
