import { describe, expect, test } from "vitest";
import { type BrickSource, BrickStream } from "../../src/viewer/loading/brick_stream.ts";
import type { LoadFlaw } from "../../src/viewer/loading/ranges.ts";
import type { BrickLevel } from "../../src/viewer/model/manifest.ts";

const level = (file: string, count: number): BrickLevel => ({
  file, shape: [64, 64, 64 * count], indexToLps: [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1], brick: 64, grid: [1, 1, count],
  bricks: Array.from({ length: count }, (_, i) => [i, 1, 0, 9] as const),
});
const ALL = level("all", 20);
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

/** A stream of names, whose owner wants what it has not written; bricks of `lost` cannot be had. */
function rig(setting: { lost?: number[]; standIn?: string; hold?: boolean } = {}) {
  const lost = new Set(setting.lost);
  const written = new Map<number, string>();
  const brought: number[][] = [];
  const told: [number, LoadFlaw][] = [];
  const held: (() => void)[] = [];
  let wanted = ALL.bricks.map((_, i) => i);
  const source: BrickSource<string> = {
    async bring(_, indices) {
      brought.push([...indices]);
      if (setting.hold) await new Promise<void>((go) => held.push(go));
    },
    async read(_, index) {
      if (lost.has(index)) throw new Error("lost");
      return `brick ${index}`;
    },
    next: () => ({ level: ALL, indices: wanted.filter((i) => !written.has(i) && stream.isOpen(ALL, i)) }),
    standIn: () => setting.standIn,
    arrived: () => undefined,
    failed: (count, flaw) => told.push([count, flaw]),
  };
  const stream = new BrickStream(source);
  return {
    stream, written, brought, told, lost, held,
    want: (indices: number[]) => void (wanted = indices),
    write(most = 8) {
      for (const { index, content } of stream.take(most)) written.set(index, content);
      stream.order();
    },
  };
}

describe("bricks on their way", () => {
  test("all come, each once, in the order they are wanted", async () => {
    const { stream, written, brought, write } = rig();
    stream.order();
    for (let turn = 0; turn < 20 && written.size < 20; turn++) {
      await settled();
      write();
    }
    expect([...written.keys()].sort((a, b) => a - b)).toEqual(ALL.bricks.map((_, i) => i));
    expect(brought.flat()).toEqual(ALL.bricks.map((_, i) => i));
    expect(stream.isQuiet).toBe(true);
  });

  test("are no more than eight at a time, and what is not written yet counts", async () => {
    const { stream, brought, write } = rig();
    stream.order();
    await settled();
    expect(brought).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]]);
    write(2);
    expect(brought.length).toBe(1);
    write(2);
    expect(brought[1]).toEqual([8, 9, 10, 11]);
  });

  test("follow a mind that has changed", async () => {
    const { stream, brought, want, write } = rig();
    stream.order();
    want([19, 18]);
    await settled();
    write();
    expect(brought[1]).toEqual([19, 18]);
  });

  test("that cannot be had are told, are not asked for again by themselves, and are once somebody wants it", async () => {
    const { stream, told, brought, lost, want, write, written } = rig({ lost: [3] });
    want([3, 4]);
    stream.order();
    await settled();
    write();
    expect(told).toEqual([[1, "damaged"]]);
    expect(brought.flat()).toEqual([3, 4]);
    lost.clear();
    expect(stream.retry()).toEqual([{ level: ALL, index: 3 }]);
    stream.order();
    await settled();
    write();
    expect(written.get(3)).toBe("brick 3");
  });

  test("that cannot be had are stood in for where something can", async () => {
    const { stream, want, write, written } = rig({ lost: [3], standIn: "nothing" });
    want([3]);
    stream.order();
    await settled();
    write();
    expect(written.get(3)).toBe("nothing");
  });

  test("say of which level they are", async () => {
    const { stream, held } = rig({ hold: true });
    stream.order();
    expect([stream.isComing(ALL), stream.isComing(level("other", 2)), stream.isWaiting]).toEqual([true, false, false]);
    held[0]!();
    await settled();
    expect([stream.isComing(ALL), stream.isWaiting]).toEqual([true, true]);
  });

  test("are nobody's any more after the end", async () => {
    const { stream, held, told } = rig({ hold: true, lost: [0] });
    stream.order();
    stream.end();
    held[0]!();
    await settled();
    stream.order();
    expect(told).toEqual([]);
  });
});
