import { describe, expect, test } from "vitest";
import { UnreadableManifest, readManifest } from "../../src/viewer/model/read_manifest.ts";
import { organJson, sceneJson } from "./scenes.ts";

const flawOf = (json: unknown): string => {
  try {
    readManifest(json);
  } catch (fault) {
    if (fault instanceof UnreadableManifest) return fault.flaw;
    throw fault;
  }
  return "none";
};

describe("a scene is read warily", () => {
  test("what the server writes is read whole", () => {
    const read = readManifest(sceneJson());
    expect(read.organs.map(({ id }) => id)).toEqual(["liver", "kidney"]);
    expect(read.organs[0]?.colour).toBe("#aa5544");
    expect(read.organs[0]?.meshes.full?.triangles).toBe(60_000);
    expect(read.leftOut).toEqual([]);
  });

  test("a newer version and something else altogether are refused by name", () => {
    expect(flawOf(sceneJson({ version: 2 }))).toBe("newer-version");
    expect(flawOf({ hello: 1 })).toBe("not-a-scene");
    expect(flawOf(null)).toBe("not-a-scene");
    expect(flawOf(sceneJson({ version: "1" }))).toBe("not-a-scene");
    expect(flawOf(sceneJson({ organs: [] }))).toBe("no-organs");
  });

  test("a damaged organ is left out and named, the others stay", () => {
    const broken = organJson("spleen", { bounds_lps_mm: [[0, 0, 0], [Number.NaN, 1, 1]] });
    const read = readManifest(sceneJson({ organs: [organJson("liver"), broken, 7, null] }));
    expect(read.organs.map(({ id }) => id)).toEqual(["liver"]);
    expect(read.leftOut).toEqual(["organs[1].bounds_lps_mm[1][0]", "organs[2]", "organs[3]"]);
  });

  test("a title that is none makes the list a damaged one", () => {
    expect(flawOf(sceneJson({ title: 5 }))).toBe("not-a-scene");
  });

  test("the second organ of a name is left out and named", () => {
    const read = readManifest(sceneJson({ organs: [organJson("liver"), organJson("spleen"), organJson("liver")] }));
    expect(read.organs.map(({ id }) => id)).toEqual(["liver", "spleen"]);
    expect([read.leftOut, read.leftOutCount]).toEqual([["organs[2].id"], 1]);
  });

  test("figures that no organ can have are left out, the organ stays", () => {
    const seen = { voxels: 5, mean: 50, sd: 4, min: 10, max: 90, p05: 20, median: 50, p95: 80 };
    const of = (more: Record<string, unknown>) => readManifest(sceneJson({ organs: [organJson("liver", { statistics: seen, ...more })] })).organs[0];
    expect(of({ volume_ml: 1500, area_mm2: 9e4 })).toMatchObject({ volumeMl: 1500, areaMm2: 9e4, statistics: seen });
    expect(of({ volume_ml: -3, area_mm2: 1e300, distance_mean_mm: -1, distance_p95_mm: "far" })).toMatchObject(
      { volumeMl: null, areaMm2: null, distanceMeanMm: null, distanceP95Mm: null });
    const lies = [{ mean: 1e300 }, { sd: -1 }, { mean: Number.NaN }, { min: 95 }, { p05: 60 }, { mean: 91 }];
    for (const lie of lies) expect(of({ statistics: { ...seen, ...lie } })?.statistics).toBeNull();
  });

  test("a damaged finer mesh costs that detail alone", () => {
    const organ = organJson("liver");
    const meshes = organ["meshes"] as Record<string, Record<string, unknown>>;
    const read = readManifest(sceneJson({ organs: [{ ...organ, meshes: { ...meshes, full: { ...meshes["full"], bytes: -1 } } }] }));
    expect(read.organs[0]?.meshes.full).toBeNull();
    expect(read.organs[0]?.meshes.medium).not.toBeNull();
  });

  test("no file outside the scene's folder is ever asked for", () => {
    for (const file of ["../../../etc/passwd", "https://example.org/x.bin", "view/../x.bin", "other/x.bin"]) {
      const organ = organJson("liver");
      const meshes = organ["meshes"] as Record<string, Record<string, unknown>>;
      expect(flawOf(sceneJson({ organs: [{ ...organ, meshes: { coarse: { ...meshes["coarse"], file } } }] }))).toBe("no-organs");
    }
  });

  test("streams outside their mesh, and counts beyond reason, are refused", () => {
    const organ = organJson("liver");
    const coarse = (organ["meshes"] as Record<string, Record<string, unknown>>)["coarse"];
    const bad = [
      { streams: { positions: [0, 301], normals: [0, 1], indices: [0, 1] } },
      { vertices: 1e12 },
      { step: 0 },
      { triangles: 1.5 },
    ];
    for (const more of bad)
      expect(flawOf(sceneJson({ organs: [{ ...organ, meshes: { coarse: { ...coarse, ...more } } }] }))).toBe("no-organs");
  });

  test("a huge name is cut, an unknown light is not green, a strange colour becomes a plain one", () => {
    const read = readManifest(sceneJson({ organs: [organJson("a", { name: "n".repeat(9999), light: "blue", colour: "red;}" })] }));
    expect(read.organs[0]?.name.length).toBe(300);
    expect(read.organs[0]?.light).toBe("red");
    expect(read.organs[0]?.colour).toMatch(/^#[0-9a-f]{6}$/);
  });

  test("a texture and the word that all is an estimate are read; what is no texture costs the texture alone", () => {
    const organ = organJson("object");
    const texture = { file: "view/texture-0.jpg", bytes: 9, media_type: "image/jpeg", sha256: "0".repeat(64) };
    const read = readManifest(sceneJson({ organs: [{ ...organ, texture }], estimate: { invented: "the far side" } }));
    expect(read.organs[0]?.texture?.mediaType).toBe("image/jpeg");
    expect(read.estimate).toEqual({ invented: "the far side", pictures: 1 });
    expect(readManifest(sceneJson({ organs: [organ], estimate: { pictures: 2 } })).estimate?.pictures).toBe(2);
    for (const more of [{ media_type: "text/html" }, { file: "https://example.org/x.jpg" }, { bytes: 1e12 }])
      expect(readManifest(sceneJson({ organs: [{ ...organ, texture: { ...texture, ...more } }] })).organs[0]?.texture).toBeNull();
    expect(readManifest(sceneJson({ organs: [organ], estimate: 7 })).estimate).not.toBeNull();
    expect(readManifest(sceneJson({ organs: [organ] })).estimate).toBeNull();
  });

  test("two organs of one id are one", () => {
    expect(readManifest(sceneJson({ organs: [organJson("a"), organJson("a")] })).organs.length).toBe(1);
  });

  test("places that no patient has, steps without sense, and ids that every object has are refused; a label without sense is none", () => {
    const bad: Record<string, unknown>[] = [
      { bounds_lps_mm: [[0, 0, 0], [1e308, 1, 1]] },
      { centre_lps_mm: [0, 1e6, 0] },
    ];
    const values = { voxels: 9, mean: 1, sd: 1, min: 0, max: 2, p05: 0, median: 1, p95: 2 };
    const read = (label: unknown) => readManifest(sceneJson({ organs: [organJson("a", { label, statistics: values })] })).organs[0];
    for (const label of [1e308, -7, 1.5, "2", 0]) expect(read(label)).toMatchObject({ label: null, hasSenselessLabel: true, statistics: null });
    for (const label of [7, null, undefined]) expect(read(label)).toMatchObject({ hasSenselessLabel: false, statistics: values });
    for (const more of bad) expect(flawOf(sceneJson({ organs: [organJson("a", more)] }))).toBe("no-organs");
    for (const id of ["__proto__", "constructor", "", "a b", "x".repeat(101)])
      expect(flawOf(sceneJson({ organs: [organJson(id)] }))).toBe("no-organs");
    const meshes = organJson("a")["meshes"] as Record<string, Record<string, unknown>>;
    for (const more of [{ step: 1e300 }, { step: 1e-300 }, { origin: [0, 0, 1e9] }, { bytes: 2 ** 40 }, { file: "view/.." }])
      expect(flawOf(sceneJson({ organs: [organJson("a", { meshes: { coarse: { ...meshes["coarse"], ...more } } })] }))).toBe("no-organs");
  });

  test("of a million organs five hundred are read, and it is said how many were left out", () => {
    // Whoever looked at the others would be slow, and fall here.
    const unseen = { get id(): string { throw new Error("looked at"); } };
    const organs = Array.from({ length: 20_000 }, (_, index) => (index < 500 ? organJson(`o${index}`) : unseen));
    const read = readManifest(sceneJson({ organs }));
    expect(read.organs.length).toBe(500);
    expect(read.leftOutCount).toBe(19_500);
    const flawed = readManifest(sceneJson({ organs: [organJson("a"), ...Array.from({ length: 400 }, () => 7)] }));
    expect([flawed.leftOutCount, flawed.leftOut.length]).toEqual([400, 100]);
  });

  test("groups in a chain without end stand side by side", () => {
    const groups = Array.from({ length: 20_000 }, (_, index) => ({ id: `g${index}`, name: "G", parent: `g${index + 1}` }));
    const read = readManifest(sceneJson({ organs: [organJson("a", { parent: "g0" })], groups }));
    expect(read.groups.length).toBe(500);
    const depth = (id: string | null, deep = 0): number =>
      id === null || deep > 50 ? deep : depth(read.groups.find((one) => one.id === id)?.parent ?? null, deep + 1);
    expect(depth("g0")).toBeLessThan(15);
  });
});
