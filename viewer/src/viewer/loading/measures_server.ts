// Asking the server for the measurements, and sending them: every answer becomes a plain outcome.
import type { Measurement } from "../state/view_state.ts";
import { bodyOf, readKept } from "./measures_wire.ts";

/** Why the server will not take or give them, however often it is asked. */
export type Refusal = "signed-out" | "gone" | "not-allowed" | "refused";

export type Fetched =
  | { readonly is: "fetched"; readonly measurements: readonly Measurement[]; readonly version: string }
  | { readonly is: "stop"; readonly why: Refusal }
  | { readonly is: "again"; readonly waitMs: number };

export type Sent =
  | { readonly is: "saved"; readonly version: string }
  /** The list there is another than the one this was meant for. */
  | { readonly is: "outdated" }
  /** `isUnsure`: it may have been taken all the same. */
  | { readonly is: "again"; readonly waitMs: number; readonly isUnsure: boolean }
  | { readonly is: "stop"; readonly why: Refusal };

/** What a browser carries on sending when the page goes: 64 KiB in all (Fetch, 4.6), less what else is on its way. */
const KEEPALIVE_MOST = 60_000;
const LONGEST_MS = 30_000;
const PASSING = new Set([408, 423, 425, 429]);

export const outlivesThePage = (body: string): boolean => new TextEncoder().encode(body).length <= KEEPALIVE_MOST;

export interface MeasuresServer {
  fetchAll(): Promise<Fetched>;
  send(measurements: readonly Measurement[], version: string): Promise<Sent>;
}

export interface ServerOptions {
  readonly address: string;
  readonly token: string;
  /** The token of the session there is now; null where nobody is signed in any more. */
  readonly freshToken: () => Promise<string | null>;
}

export function measuresServer({ address, token, freshToken }: ServerOptions): MeasuresServer {
  let current = token;

  function put(body: string, version: string): Promise<Sent | "other-session"> {
    const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": current, "If-Match": version };
    const init = { method: "PUT", keepalive: outlivesThePage(body), headers, body };
    return inTime(address, init, (answer) => outcome(answer)).catch(() => ({ is: "again", waitMs: 0, isUnsure: true }));
  }

  return {
    fetchAll: () =>
      inTime(address, { headers: { Accept: "application/json" }, cache: "no-store" }, async (answer): Promise<Fetched> => {
        if (!answer.ok) return refused(answer) ?? { is: "again", waitMs: wishedMs(answer) };
        // The version only together with what it is the version of: a list that did not arrive was not seen.
        const measurements = readKept(await answer.json());
        return { is: "fetched", measurements, version: versionOf(answer) };
      }).catch(() => ({ is: "again", waitMs: 0 })),
    async send(measurements, version) {
      const body = bodyOf(measurements);
      const sent = await put(body, version);
      if (sent !== "other-session") return sent;
      const fresh = await freshToken().catch(() => undefined);
      if (fresh === undefined) return { is: "again", waitMs: 0, isUnsure: false };
      if (fresh === null) return { is: "stop", why: "signed-out" };
      current = fresh;
      const again = await put(body, version);
      return again === "other-session" ? { is: "stop", why: "not-allowed" } : again;
    },
  };
}

async function outcome(answer: Response): Promise<Sent | "other-session"> {
  if (answer.ok) {
    // A page of something in between says 200 as well.
    readKept(await answer.json());
    return { is: "saved", version: versionOf(answer) };
  }
  if (answer.status === 409 || answer.status === 412 || answer.status === 428) return { is: "outdated" };
  if (answer.status === 403 && (await codeOf(answer)) === "request.cross-site") return "other-session";
  return refused(answer) ?? { is: "again", waitMs: wishedMs(answer), isUnsure: answer.status >= 500 };
}

function refused({ status }: Response): { readonly is: "stop"; readonly why: Refusal } | undefined {
  if (status < 400 || status >= 500 || PASSING.has(status)) return undefined;
  const why = status === 401 ? "signed-out" : status === 403 ? "not-allowed" : status === 404 || status === 410 ? "gone" : "refused";
  return { is: "stop", why };
}

function versionOf(answer: Response): string {
  const version = answer.headers.get("ETag");
  if (!version) throw new TypeError("no version");
  return version;
}

async function codeOf(answer: Response): Promise<unknown> {
  const problem: unknown = await answer.json().catch(() => null);
  return typeof problem === "object" && problem !== null && "code" in problem ? problem.code : undefined;
}

/** How long the server asks to be left alone. */
function wishedMs(answer: Response): number {
  const seconds = Number(answer.headers.get("Retry-After") ?? 0);
  return Number.isFinite(seconds) ? Math.min(600, Math.max(0, seconds)) * 1000 : 0;
}

/** Ask, and read the answer, within a time: a connection that hangs is one that failed. */
async function inTime<T>(address: string, init: RequestInit, read: (answer: Response) => Promise<T>): Promise<T> {
  const ending = new AbortController();
  const timer = setTimeout(() => ending.abort(), LONGEST_MS);
  try {
    return await read(await fetch(address, { ...init, signal: ending.signal }));
  } finally {
    clearTimeout(timer);
  }
}
