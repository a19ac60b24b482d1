// Parts of files -> bytes, tried again where it is worth it; what went wrong as a word that can be said.

/** "program": a part of the viewer itself did not arrive. */
export type LoadFlaw = "network" | "missing" | "refused" | "server" | "damaged" | "program";

export class LoadFailed extends Error {
  readonly flaw: LoadFlaw;
  constructor(flaw: LoadFlaw, detail: string) {
    super(`${flaw}: ${detail}`);
    this.flaw = flaw;
  }
}

/** What went wrong, of whatever was thrown. */
export const flawOf = (fault: unknown, otherwise: LoadFlaw = "damaged"): LoadFlaw =>
  fault instanceof LoadFailed ? fault.flaw : otherwise;

/** Nothing came for so long that nothing will. */
class Stalled extends LoadFailed {
  constructor(address: string) {
    super("network", `nothing came of ${address}`);
  }
}

// A server that restarts is back within these; the waits add up to about eight seconds.
const WAITS_MS = [300, 900, 2200, 4500];
/** Without a byte for so long, an answer is given up; each byte begins it anew. */
const STALL_MS = 20_000;
/** Whoever stalls is asked twice in all: nobody waits for minutes. */
const MOST_STALLS = 2;
/** Far above the list of any scene; what is longer is no list, and does not fill the memory. */
export const LONGEST_JSON = 64 * 2 ** 20;

export interface RangeOptions {
  readonly signal?: AbortSignal;
  /** Waits between tries, and until an answer is given up, for tests. */
  readonly waitsMs?: readonly number[];
  readonly stallMs?: number;
}

/** Bytes [offset, offset + bytes) of a file. Raises LoadFailed, or AbortError when the signal says so. */
export async function fetchRange(
  address: string,
  offset: number,
  bytes: number,
  options: RangeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const headers = { Range: `bytes=${offset}-${offset + bytes - 1}` };
  return tried(options, () =>
    watched(address, headers, options, async (answer, chunks) => {
      // A proxy that knows no ranges sends the whole: nothing is kept of it but what was asked for.
      const skipped = answer.status === 206 ? 0 : offset;
      const part = new Uint8Array(bytes);
      let seen = 0;
      let filled = 0;
      for await (const chunk of chunks) {
        const wanted = chunk.subarray(Math.max(0, skipped - seen)).subarray(0, bytes - filled);
        seen += chunk.length;
        part.set(wanted, filled);
        filled += wanted.length;
        if (filled === bytes) return part;
      }
      if (filled === bytes) return part;
      // What lies beyond the file's end will not come, however often one asks.
      const whole = Number(answer.headers.get("Content-Range")?.split("/")[1] ?? seen);
      throw new LoadFailed(offset + bytes > whole ? "damaged" : "network", `${filled} of ${bytes} bytes`);
    }),
  );
}

/** A whole JSON file of at most LONGEST_JSON bytes. Raises LoadFailed. */
export async function fetchJson(address: string, options: RangeOptions = {}): Promise<unknown> {
  const text = await tried(options, () =>
    watched(address, {}, options, async (_, chunks) => {
      const decoder = new TextDecoder();
      const parts: string[] = [];
      let seen = 0;
      for await (const chunk of chunks) {
        seen += chunk.length;
        if (seen > LONGEST_JSON) throw new LoadFailed("damaged", `more than ${LONGEST_JSON} bytes`);
        parts.push(decoder.decode(chunk, { stream: true }));
      }
      return parts.join("") + decoder.decode();
    }),
  );
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new LoadFailed("damaged", address);
  }
}

type Chunks = AsyncIterable<Uint8Array>;

/** An answer, read as it comes, and given up where nothing comes; what is left of it when `read` is done is not fetched. */
async function watched<T>(
  address: string,
  headers: Record<string, string>,
  { signal, stallMs = STALL_MS }: RangeOptions,
  read: (answer: Response, chunks: Chunks) => Promise<T>,
): Promise<T> {
  const end = new AbortController();
  const follow = (): void => end.abort(signal?.reason);
  if (signal?.aborted) follow();
  signal?.addEventListener("abort", follow);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const wait = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => end.abort(new Stalled(address)), stallMs);
  };
  async function* chunksOf(answer: Response): Chunks {
    const reader = answer.body?.getReader();
    for (;;) {
      wait();
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) return;
      yield value;
    }
  }
  try {
    wait();
    const answer = await fetch(address, { headers, signal: end.signal, credentials: "same-origin" });
    refuse(answer, address);
    return await read(answer, chunksOf(answer));
  } catch (fault) {
    throw end.signal.reason instanceof Stalled ? end.signal.reason : fault;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", follow);
    end.abort();
  }
}

function refuse(answer: Response, address: string): void {
  if (answer.ok) return;
  if (answer.status === 404 || answer.status === 410) throw new LoadFailed("missing", address);
  if (answer.status === 416) throw new LoadFailed("damaged", address);
  if (answer.status === 401 || answer.status === 403) throw new LoadFailed("refused", address);
  throw new LoadFailed("server", `${answer.status} ${address}`);
}

/** Again after a while, unless trying again cannot help. */
async function tried<T>(options: RangeOptions, once: () => Promise<T>): Promise<T> {
  const waits = options.waitsMs ?? WAITS_MS;
  let stalls = 0;
  for (let turn = 0; ; turn += 1) {
    try {
      return await once();
    } catch (fault) {
      if (options.signal?.aborted) throw fault;
      const failed = fault instanceof LoadFailed ? fault : new LoadFailed("network", String(fault));
      if (failed instanceof Stalled) stalls += 1;
      const wait = stalls < MOST_STALLS ? waits[turn] : undefined;
      if (wait === undefined || (failed.flaw !== "network" && failed.flaw !== "server")) throw failed;
      await pause(wait, options.signal);
    }
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason instanceof Error ? signal.reason : new Error("aborted"));
    });
  });
}

/** Whether bytes have this SHA-256; true where the page is not allowed to know (plain HTTP from afar). */
export async function hasHash(bytes: Uint8Array<ArrayBuffer>, sha256: string | null): Promise<boolean> {
  if (sha256 === null || !globalThis.crypto?.subtle) return true;
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...sum].map((one) => one.toString(16).padStart(2, "0")).join("") === sha256;
}
