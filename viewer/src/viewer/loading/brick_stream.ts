// Bricks on their way: what was asked for, what has come and waits to be written, and what could not be had.
import type { BrickLevel } from "../model/manifest.ts";
import { type LoadFlaw, flawOf } from "./ranges.ts";

export interface Piece<T> {
  readonly level: BrickLevel;
  readonly index: number;
  readonly content: T;
}

export interface BrickWish {
  readonly level: BrickLevel;
  /** The most wanted first. */
  readonly indices: readonly number[];
}

export interface BrickSource<T> {
  /** Fetch these together, as far as they can be had. */
  bring(level: BrickLevel, indices: readonly number[], signal: AbortSignal): Promise<void>;
  /** One of them, decoded; rejects where it cannot be had. */
  read(level: BrickLevel, index: number, signal: AbortSignal): Promise<T>;
  /** What to ask for now, of that which is open; null where nothing is. */
  next(): BrickWish | null;
  /** What is written instead of a brick that cannot be had; undefined for nothing. */
  standIn(level: BrickLevel, index: number): T | undefined;
  arrived(): void;
  /** How many cannot be had by now, and why; "network" where the reasons differ. */
  failed(count: number, flaw: LoadFlaw): void;
}

/** Asked for and not yet written: enough to keep network and decoders busy, little enough to change one's mind. */
const IN_FLIGHT = 8;

export class BrickStream<T> {
  readonly #source: BrickSource<T>;
  readonly #asked = new Map<string, BrickLevel>();
  readonly #failed = new Map<string, { readonly level: BrickLevel; readonly index: number; readonly flaw: LoadFlaw }>();
  readonly #end = new AbortController();
  #arrived: Piece<T>[] = [];

  constructor(source: BrickSource<T>) {
    this.#source = source;
  }

  /** Nothing is under way, and nothing waits to be written. */
  get isQuiet(): boolean {
    return this.#asked.size === 0 && this.#arrived.length === 0;
  }

  get isWaiting(): boolean {
    return this.#arrived.length > 0;
  }

  /** Neither asked for, nor waiting, nor known not to be had. */
  isOpen(level: BrickLevel, index: number): boolean {
    const key = keyOf(level, index);
    return !this.#asked.has(key) && !this.#failed.has(key) && !this.#arrived.some((one) => one.index === index && one.level === level);
  }

  /** Whether a part of this level is under way or waits. */
  isComing(level: BrickLevel): boolean {
    return [...this.#asked.values()].includes(level) || this.#arrived.some((one) => one.level === level);
  }

  /** At most so many that have come, to be written; room is made for the next. */
  take(most: number): Piece<T>[] {
    return this.#arrived.splice(0, most);
  }

  /** Ask for what is wanted now, where there is room for a few at once. */
  order(): void {
    const free = IN_FLIGHT - this.#asked.size - this.#arrived.length;
    if (free < IN_FLIGHT / 2 || this.#end.signal.aborted) return;
    const wish = this.#source.next();
    const indices = wish?.indices.slice(0, free) ?? [];
    if (!wish || indices.length === 0) return;
    const { level } = wish;
    for (const index of indices) this.#asked.set(keyOf(level, index), level);
    // A run that cannot be had is told by each of its bricks.
    const there = this.#source.bring(level, indices, this.#end.signal).catch(() => undefined);
    for (const index of indices) void this.#follow(there, level, index);
  }

  /** What could not be had may be asked for again: told, and forgotten. */
  retry(): { readonly level: BrickLevel; readonly index: number }[] {
    const again = [...this.#failed.values()].map(({ level, index }) => ({ level, index }));
    this.#failed.clear();
    return again;
  }

  end(): void {
    this.#end.abort();
  }

  /** Whoever is not signed in any more gets nothing: that is said before all else. */
  #commonFlaw(): LoadFlaw {
    const flaws = new Set([...this.#failed.values()].map(({ flaw }) => flaw));
    if (flaws.has("refused")) return "refused";
    const [only = "network"] = flaws;
    return flaws.size === 1 ? only : "network";
  }

  async #follow(there: Promise<void>, level: BrickLevel, index: number): Promise<void> {
    const { signal } = this.#end;
    try {
      await there;
      const content = await this.#source.read(level, index, signal);
      this.#arrived.push({ level, index, content });
    } catch (error) {
      if (signal.aborted) return;
      this.#failed.set(keyOf(level, index), { level, index, flaw: flawOf(error) });
      const content = this.#source.standIn(level, index);
      if (content !== undefined) this.#arrived.push({ level, index, content });
      this.#source.failed(this.#failed.size, this.#commonFlaw());
    } finally {
      this.#asked.delete(keyOf(level, index));
    }
    if (signal.aborted) return;
    this.#source.arrived();
    this.order();
  }
}

const keyOf = (level: BrickLevel, index: number): string => `${level.file} ${index}`;
