import { describe, expect, test } from "vitest";
import { pageIn } from "./page_in.ts";

const inLanguage = async (lang: string) => {
  pageIn(lang);
  return import("../../src/viewer/panels/format.ts");
};

describe("figures in the reader's language", () => {
  test("a distance has the language's decimal mark, an angle its sign", async () => {
    const german = await inLanguage("de");
    expect(german.measured({ value: 94.62, unit: "mm" })).toBe("94,6 mm");
    expect(german.measured({ value: 92.46, unit: "deg" })).toBe("92,5°");
    const english = await inLanguage("en");
    expect(english.measured({ value: 94.62, unit: "mm" })).toBe("94.6 mm");
    expect(english.measured({ value: 92.46, unit: "deg" })).toBe("92.5°");
  });

  test("below zero stands a minus and no hyphen, whoever says the number", async () => {
    const { bare, quantity, voxelValue, millimetres } = await inLanguage("de");
    expect(voxelValue(-110, "HU")).toBe("−110 HU");
    expect(quantity(-110, "HU")).toBe("−110 HU");
    expect(voxelValue(-0.25, "a.u.")).toBe("−0,3");
    expect(bare(-1.5, "a.u.")).toBe("−1,5");
    expect(millimetres(-2)).toBe("−2,0 mm");
  });
});
