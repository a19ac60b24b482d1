// The view of a picture's model: no word of patients, pixels where no length is known, and its confidence in colours.
import { beforeEach, describe, expect, test, vi } from "vitest";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { onScreen } from "../../src/viewer/model/rays.ts";
import type { Vec3 } from "../../src/viewer/model/vectors.ts";
import { axesOf } from "../../src/viewer/model/viewpoint.ts";
import { toAddress } from "../../src/viewer/state/address.ts";
import { firstState, isFirstLook } from "../../src/viewer/state/first_state.ts";
import { fromAddress } from "../../src/viewer/state/read_address.ts";
import { reduce } from "../../src/viewer/state/reducer.ts";
import type { ViewState } from "../../src/viewer/state/view_state.ts";
import { pageIn } from "./page_in.ts";
import { organJson, sceneJson } from "./scenes.ts";

const file = (name: string) => ({ file: `view/${name}-0.jpg`, bytes: 9, media_type: "image/jpeg", sha256: "0".repeat(64) });
const pictured = (more: Record<string, unknown> = {}): ViewState => {
  const organ = organJson("object", { texture: file("texture"), confidence: file("confidence"), ...more });
  const manifest = readManifest(sceneJson({ unit: "px", organs: [organ], estimate: { invented: "the far side" } }));
  return firstState(manifest, { profile: "desktop", aspect: 1 });
};
const scanned = firstState(readManifest(sceneJson({ unit: "px" })), { profile: "desktop", aspect: 1 });

beforeEach(() => pageIn("en"));

describe("the sides of a picture", () => {
  test("are called as they are seen from the front: what is a patient's left is its right", async () => {
    const { sideWords, faceName } = await import("../../src/viewer/scene/side_words.ts");
    const words = sideWords(pictured().manifest);
    expect([words.marks.left, words.marks.right, words.marks.superior, words.marks.anterior]).toEqual(["Right", "Left", "Top", "Front"]);
    expect(words.from("left")).toBe("From the right of the picture");
    expect(words.depth("right")).toBe("Depth from the left");
    expect([0, 3].map((face) => faceName(face, pictured().manifest))).toEqual(["Left side of the box", "Right side of the box"]);
  });

  test("keep a patient's letters where a patient is seen", async () => {
    const { sideWords, faceName } = await import("../../src/viewer/scene/side_words.ts");
    const words = sideWords(scanned.manifest);
    expect([words.marks.left, words.from("left"), words.depth("left")]).toEqual(["L", "From the left", "Depth from the left"]);
    expect(faceName(0, scanned.manifest)).toBe("Right side of the box");
  });

  test("say where a place lies, from the picture's middle and in its unit", async () => {
    const { placeWords } = await import("../../src/viewer/panels/readings.ts");
    const { manifest } = pictured();
    expect(placeWords([-12.34, 3, 40], manifest)).toBe("left 12.3 px, up 40.0 px, behind 3.0 px");
    expect(placeWords([12, -3, -40], { ...manifest, unit: "mm" })).toBe("right 12.0 mm, down 40.0 mm, before 3.0 mm");
    expect(placeWords([12, -3, -40], scanned.manifest)).toBe("L 12.0  A 3.0  I 40.0");
  });
});

describe("measuring on a picture's model", () => {
  const measure = (state: ViewState): ViewState =>
    ([[0, 0, 0], [3, 4, 0]] as const).reduce(
      (now, pointLpsMm) => reduce(now, { type: "measure-point", pointLpsMm, name: "One", id: "one" }),
      reduce(state, { type: "tool", tool: "distance" }),
    );

  test("is in pixels until a length is known, and never in millimetres", async () => {
    const { measured } = await import("../../src/viewer/panels/format.ts");
    const [done] = measure(pictured()).measurements;
    expect([done?.value, done?.unit]).toEqual([5, "px"]);
    expect(done && measured(done)).toBe("5.0 px");
    expect(measure(scanned).measurements).toEqual([]);
  });

  test("comes back from the server with its unit", async () => {
    const { readKept } = await import("../../src/viewer/loading/measures_wire.ts");
    const kept = { id: "a", kind: "distance", name: "x", points_lps_mm: [[0, 0, 0], [3, 4, 0]], value: 5 };
    expect(readKept({ measurements: [{ ...kept, unit: "px" }] })[0]?.unit).toBe("px");
    expect(() => readKept({ measurements: [{ ...kept, unit: "deg" }] })).toThrow();
  });

  test("offers no tool that needs a scan", async () => {
    const { toolsOf } = await import("../../src/viewer/tools/tools.ts");
    expect(toolsOf(pictured().manifest).map(({ id }) => id)).toEqual(["turn", "pick", "clip", "distance", "angle"]);
    expect(toolsOf(scanned.manifest)).toHaveLength(7);
  });
});

describe("a picture's model as it is first seen", () => {
  // A pyramid that opens away from the lens, as a view does.
  const far = [-100, 100].flatMap((x) => [-80, 80].map((z) => [x, 200, z]));
  const extremes = [[-10, 0, -8], [10, 0, 8], ...far];
  const scene = { bounds_lps_mm: [[-100, 0, -80], [100, 200, 80]], extremes_lps_mm: extremes };

  test("is seen from the front and so much from the side that its depth is seen", () => {
    const { back } = axesOf(pictured(scene).camera.turn);
    const degrees = (Math.acos(-back[1]) * 180) / Math.PI;
    expect(degrees).toBeGreaterThan(10);
    expect(degrees).toBeLessThan(16);
  });

  test("fills the view better than its box would, and lies in it", () => {
    const { camera } = pictured(scene);
    expect(camera.distanceMm).toBeLessThan(pictured({ ...scene, extremes_lps_mm: null }).camera.distanceMm);
    const seen = extremes.map((one) => onScreen({ ...camera, width: 600, height: 600 }, one as unknown as Vec3));
    expect(seen.every((at) => at && at.x > 50 && at.x < 550 && at.y > 50 && at.y < 550)).toBe(true);
  });

  test("is framed by its box where the points make no sense", () => {
    for (const bad of ["x", [], [[0, 0, 0]], [[0, 0, Number.NaN], [1, 1, 1]], [[0, 0, 1e9], [1, 1, 1]]])
      expect(pictured({ ...scene, extremes_lps_mm: bad }).manifest.organs[0]?.extremesLpsMm).toBeNull();
  });

  test("has no name over it, and a link that shows one brings it back", () => {
    expect([pictured().hasLabels, scanned.hasLabels]).toEqual([false, true]);
    const named = reduce(pictured(), { type: "labels", hasLabels: true });
    expect(fromAddress(`#${toAddress(named)}`, pictured()).reduce(reduce, pictured()).hasLabels).toBe(true);
    expect(toAddress(pictured())).not.toContain("names");
  });
});

describe("how sure the depth is", () => {
  test("is shown when it is wished for, by a link too, and first looks are without", () => {
    const shown = reduce(pictured(), { type: "paint", paint: "confidence" });
    expect(shown.paint).toBe("confidence");
    expect([isFirstLook(pictured()), isFirstLook(shown)]).toEqual([true, false]);
    expect(fromAddress(`#${toAddress(shown)}`, pictured()).reduce(reduce, pictured()).paint).toBe("confidence");
    expect(reduce(shown, { type: "look-reset" }).paint).toBe("picture");
  });

  test("cannot be wished for where no network looked at the picture", () => {
    const plain = pictured({ confidence: null });
    expect(reduce(plain, { type: "paint", paint: "confidence" })).toBe(plain);
    expect(reduce(scanned, { type: "paint", paint: "confidence" })).toBe(scanned);
  });

  test("is fetched when it is wished for, once", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", async (address: string) => {
      asked.push(address);
      return new Response(null, { status: 404 });
    });
    const { createStore } = await import("../../src/viewer/state/store.ts");
    const { keepTextures } = await import("../../src/viewer/loading/textures.ts");
    const store = createStore(pictured());
    const failed: string[] = [];
    await new Promise<void>((resolve) => {
      keepTextures("https://x/", store, {
        take: () => undefined,
        failed(name) {
          failed.push(name);
          if (failed.length === 2) resolve();
          else for (const paint of ["confidence", "picture", "confidence"] as const) store.dispatch({ type: "paint", paint });
        },
      });
    });
    expect(asked.map((one) => one.split("/").at(-1))).toEqual(["texture-0.jpg", "confidence-0.jpg"]);
  });
});
