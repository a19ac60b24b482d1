// The same scan, mesh, camera and transfer function for both pages.
import { transferPresets } from "../../viewer/src/viewer/model/transfer.ts";
import { type Phantom, writeBody } from "../../viewer/tests/pages/phantoms.ts";

export const SIZE = 512;
export const EYE = [250, -560, 120] as const;
export const STEP_MM = 1;
export const BACKGROUND = "#f8f7f3";
export const POINTS = transferPresets("HU", [-1000, 2000]).find((p) => p.id === "ct-bone")!.points;

export const scan = (): Promise<Phantom> => writeBody(256, [1, 1, 1], 0, true);

/** A knobbly heart of about 150 000 triangles. */
export function heart() {
  const [around, down] = [388, 194];
  const positions = new Float32Array((around + 1) * (down + 1) * 3);
  const indices = new Uint32Array(around * down * 6);
  let at = 0;
  for (let j = 0; j <= down; j++)
    for (let i = 0; i <= around; i++) {
      const [a, b] = [(i / around) * 2 * Math.PI, (j / down) * Math.PI];
      const r = 1 + 0.05 * Math.sin(5 * a) * Math.sin(4 * b);
      positions.set([14 + 38 * r * Math.sin(b) * Math.cos(a), -8 + 38 * r * Math.sin(b) * Math.sin(a), -12 + 48 * r * Math.cos(b)], at);
      at += 3;
    }
  at = 0;
  for (let j = 0; j < down; j++)
    for (let i = 0; i < around; i++) {
      const p = j * (around + 1) + i;
      indices.set([p, p + around + 1, p + 1, p + 1, p + around + 1, p + around + 2], at);
      at += 6;
    }
  return { positions, indices, colour: "#b5443a" };
}

/** What the measuring script calls. */
export interface BenchPage {
  /** Draw one frame, turned by so many degrees about the patient's long axis, and wait until it is drawn. */
  frame(degrees: number): number;
}
declare global {
  interface Window { bench: BenchPage }
}

export function eyeAt(degrees: number): [number, number, number] {
  const a = (degrees * Math.PI) / 180;
  return [EYE[0] * Math.cos(a) - EYE[1] * Math.sin(a), EYE[0] * Math.sin(a) + EYE[1] * Math.cos(a), EYE[2]];
}
