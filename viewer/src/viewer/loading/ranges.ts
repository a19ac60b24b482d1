// Parts of files -> bytes, tried again where it is worth it; what went wrong as a word that can be said.

export type LoadFlaw = "network" | "missing" | "refused" | "server" | "damaged";

export class LoadFailed extends Error {
  readonly flaw: LoadFlaw;
  constructor(flaw: LoadFlaw, detail: string) {
    super(`${flaw}: ${detail}`);
    this.flaw = flaw;
  }
}

// A server that restarts is back within these; the waits add up to about eight seconds.
const WAITS_MS = [300, 900, 2200, 4500];

export interface RangeOptions {
  readonly signal?: AbortSignal;
  /** Waits between tries, for tests. */
  readonly waitsMs?: readonly number[];
}

/** Bytes [offset, offset + bytes) of a file. Raises LoadFailed, or AbortError when the signal says so. */
export async function fetchRange(
  address: string,
  offset: number,
  bytes: number,
  options: RangeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return tried(options, async () => {
    const headers = { Range: `bytes=${offset}-${offset + bytes - 1}` };
    const answer = await fetch(address, { headers, ...withSignal(options), credentials: "same-origin" });
    refuse(answer, address);
    const body = new Uint8Array(await answer.arrayBuffer());
    // A proxy that knows no ranges sends the whole.
    const part = answer.status === 206 ? body : body.subarray(offset, offset + bytes);
    if (part.byteLength !== bytes) {
      // What lies beyond the file's end will not come, however often one asks.
      const whole = Number(answer.headers.get("Content-Range")?.split("/")[1] ?? body.byteLength);
      const isBeyond = offset + bytes > whole;
      throw new LoadFailed(isBeyond ? "damaged" : "network", `${part.byteLength} of ${bytes} bytes`);
    }
    return part.byteLength === body.byteLength ? part : part.slice();
  });
}

/** A whole JSON file. Raises LoadFailed. */
export async function fetchJson(address: string, options: RangeOptions = {}): Promise<unknown> {
  return tried(options, async () => {
    const answer = await fetch(address, { ...withSignal(options), credentials: "same-origin" });
    refuse(answer, address);
    const text = await answer.text();
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new LoadFailed("damaged", address);
    }
  });
}

const withSignal = (options: RangeOptions) => (options.signal ? { signal: options.signal } : {});

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
  for (let turn = 0; ; turn += 1) {
    try {
      return await once();
    } catch (fault) {
      if (options.signal?.aborted) throw fault;
      const failed = fault instanceof LoadFailed ? fault : new LoadFailed("network", String(fault));
      const wait = waits[turn];
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
