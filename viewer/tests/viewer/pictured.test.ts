// What is written over the large picture, and in which order.
import { expect, test, vi } from "vitest";
import { pageIn } from "./page_in.ts";

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
