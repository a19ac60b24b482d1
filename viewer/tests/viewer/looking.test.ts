import { describe, expect, test } from "vitest";
import { wantedDetails } from "../../src/viewer/model/detail.ts";
import { type Anchor, placed } from "../../src/viewer/model/label_places.ts";
import { eyeOf, meeting, mmPerPixel, onScreen, rayThrough } from "../../src/viewer/model/rays.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { type Bounds, type Vec3, add, length, scale, slerp, subtract, turned } from "../../src/viewer/model/vectors.ts";
import { VIEW_NAMES, axesOf, facing, firstTurn, fitting, namedTurn, orbited, twisted } from "../../src/viewer/model/viewpoint.ts";
import { organJson, sceneJson } from "./scenes.ts";

const BOX: Bounds = [[-100, -60, -200], [100, 60, 200]];
const close = (a: Vec3, b: Vec3) => expect(length(subtract(a, b))).toBeLessThan(1e-6);

describe("views have the patient the right way round", () => {
  test("from the front the patient's right is at the left and the head is up", () => {
    const { right, up, back } = axesOf(namedTurn("anterior"));
    close(right, [1, 0, 0]);
    close(up, [0, 0, 1]);
    close(back, [0, -1, 0]);
  });

  test("from below, as a radiologist looks, the patient's right is at the left and the front is up", () => {
    const { right, up } = axesOf(namedTurn("inferior"));
    close(right, [1, 0, 0]);
    close(up, [0, -1, 0]);
  });

  test("every named view is looked at from its own side", () => {
    for (const name of VIEW_NAMES) expect(facing(namedTurn(name))).toBe(name);
  });
});

describe("turning", () => {
  test("a drag to the right brings the patient's right side into view, and the head stays up", () => {
    const turn = orbited(namedTurn("anterior"), Math.PI / 2, 0);
    expect(facing(turn)).toBe("right");
    close(axesOf(turn).up, [0, 0, 1]);
  });

  test("a drag downwards shows the top of the head", () => {
    expect(facing(orbited(namedTurn("anterior"), 0, Math.PI / 2))).toBe("superior");
  });

  test("a thousand small turns leave a turn of length one", () => {
    let turn = firstTurn();
    for (let step = 0; step < 1000; step += 1) turn = twisted(orbited(turn, 0.1, 0.07), 0.01);
    expect(Math.hypot(...turn)).toBeCloseTo(1, 9);
    expect(length(turned([1, 2, 3], turn))).toBeCloseTo(Math.sqrt(14), 6);
  });

  test("half of the way from front to left lies between them", () => {
    const { back } = axesOf(slerp(namedTurn("anterior"), namedTurn("left"), 0.5));
    close(back, [Math.SQRT1_2, -Math.SQRT1_2, 0]);
  });
});

describe("rays and the screen agree", () => {
  const view = { ...fitting(BOX, 1.5, firstTurn()), width: 900, height: 600 };

  test("a point seen at a pixel lies on the ray through that pixel", () => {
    for (const point of [[0, 0, 0], [50, -20, 120], [-90, 10, -150]] as Vec3[]) {
      const seen = onScreen(view, point);
      const ray = rayThrough(view, seen?.x ?? 0, seen?.y ?? 0);
      const far = length(subtract(point, ray.originLpsMm));
      close(add(ray.originLpsMm, scale(ray.direction, far)), point);
    }
  });

  test("what fits is inside the picture, on a wide screen and on a phone", () => {
    for (const [width, height] of [[900, 600], [390, 700]] as const) {
      const seen = { ...fitting(BOX, width / height, firstTurn()), width, height };
      for (const x of [-100, 100]) for (const y of [-60, 60]) for (const z of [-200, 200]) {
        const at = onScreen(seen, [x, y, z]);
        expect(at && at.x > 0 && at.x < width && at.y > 0 && at.y < height).toBe(true);
      }
    }
  });

  test("nothing is seen behind the eye, and a pixel is as wide as it looks", () => {
    expect(onScreen(view, add(eyeOf(view), scale(axesOf(view.turn).back, 10)))).toBeUndefined();
    const mm = mmPerPixel(view, view.targetLpsMm);
    const beside = onScreen(view, add(view.targetLpsMm, scale(axesOf(view.turn).right, mm)));
    expect((beside?.x ?? 0) - 450).toBeCloseTo(1, 6);
  });

  test("a ray meets a plane where it lies, and never behind", () => {
    const ray = { originLpsMm: [0, 0, 0] as Vec3, direction: [0, 0, 1] as Vec3 };
    expect(meeting(ray, { normal: [0, 0, 1], constant: -7 })).toBeCloseTo(7);
    expect(meeting(ray, { normal: [0, 0, 1], constant: 7 })).toBeUndefined();
    expect(meeting(ray, { normal: [1, 0, 0], constant: 7 })).toBeUndefined();
  });
});

describe("names beside the picture", () => {
  const room = { width: 800, top: 10, bottom: 590, margin: 20, lineHeight: 26 };
  const anchors = (count: number): Anchor[] =>
    Array.from({ length: count }, (_, index) => ({ id: `a${index}`, x: 300 + (index * 37) % 200, y: 300 + (index * 11) % 40, width: 80, weight: index }));

  test("none stands over another and none outside, however near their organs are", () => {
    for (const count of [1, 5, 30, 200]) {
      const places = placed(anchors(count), room);
      for (const side of ["left", "right"]) {
        const heights = places.filter((one) => one.side === side).map((one) => one.y).sort((a, b) => a - b);
        heights.slice(1).forEach((y, index) => expect(y - (heights[index] ?? 0)).toBeGreaterThanOrEqual(26 - 1e-9));
        if (heights.length) expect(Math.min(...heights)).toBeGreaterThanOrEqual(23 - 1e-9);
        if (heights.length) expect(Math.max(...heights)).toBeLessThanOrEqual(577 + 1e-9);
      }
    }
  });

  test("where there are too many, the heaviest stay", () => {
    const ids = placed(anchors(200), room).map((one) => one.id);
    expect(ids.length).toBe(44);
    expect(ids).toContain("a199");
    expect(ids).not.toContain("a0");
  });

  test("an only name stands at the height of its organ", () => {
    expect(placed([{ id: "a", x: 500, y: 333, width: 80, weight: 1 }], room)[0]?.y).toBeCloseTo(333);
  });
});

describe("detail goes where one looks", () => {
  const { organs } = readManifest(sceneJson({ organs: [organJson("near"), organJson("far", { bounds_lps_mm: [[-10, 4980, -30], [10, 5020, 30]] })] }));
  const looked = { eyeLpsMm: [0, -120, 0] as Vec3, forward: [0, 1, 0] as Vec3, pixelsPerRadian: 1500 };
  const levels = (options: Partial<Parameters<typeof wantedDetails>[1]>) =>
    Object.fromEntries(wantedDetails(organs, { looked, profile: "desktop", selected: null, ...options }).map((one) => [one.id, one.level]));

  test("what fills the screen comes whole, what is a speck stays coarse", () => {
    expect(levels({})).toEqual({ near: "full", far: "coarse" });
  });

  test("a phone holds no organ of more than 30,000 triangles", () => {
    expect(levels({ profile: "phone" })).toEqual({ near: "medium", far: "coarse" });
  });

  test("the budget is kept", () => {
    expect(levels({ budget: 21_000 })).toEqual({ near: "medium", far: "coarse" });
    expect(levels({ budget: 500 })).toEqual({ near: "coarse", far: "coarse" });
  });

  test("a finer level that is the very same mesh is not fetched a second time", () => {
    const light = organs.map((organ) => ({ ...organ, meshes: { ...organ.meshes, full: organ.meshes.medium } }));
    expect(wantedDetails(light, { looked, profile: "desktop", selected: null })[0]).toEqual({ id: "near", level: "medium" });
  });

  test("behind the eye nothing is wanted", () => {
    expect(levels({ looked: { ...looked, eyeLpsMm: [0, 300, 0] } })).not.toHaveProperty("near");
  });
});
