import { expect, test } from "vitest";
import { tellApart } from "../../src/viewer/model/palettes.ts";

/** sRGB as who lacks the red cones sees it (Viénot, Brettel, Mollon 1999), for colours of like lightness. */
function withoutRedCones(colour: string): number[] {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => (Number.parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  const mixed = 0.11238 * r + 0.88762 * g;
  return [mixed, mixed, 0.00401 * (r - g) + b].map((one) => Math.max(0, one) ** (1 / 2.2) * 255);
}

test("the first seven differ for everybody, and so do their shades", () => {
  const ids = Array.from({ length: 28 }, (_, index) => `o${index}`);
  const colours = Object.values(tellApart(ids));
  expect(new Set(colours).size).toBe(28);
  const seven = colours.slice(0, 7).map(withoutRedCones);
  seven.forEach((one, at) => {
    for (const other of seven.slice(at + 1)) expect(Math.hypot(...one.map((part, i) => part - (other[i] ?? 0)))).toBeGreaterThan(24);
  });
});
