// Parts of files as they come over bad lines: stalled, endless, refused, damaged, or not at all.
import { afterEach, describe, expect, test, vi } from "vitest";
import { LONGEST_JSON, LoadFailed, fetchJson, fetchRange, flawOf } from "../../src/viewer/loading/ranges.ts";

afterEach(() => vi.unstubAllGlobals());

const QUICK = { waitsMs: [1, 1, 1, 1], stallMs: 30 };

/** Answers one after the other, the last one again and again; counts the questions. */
function server(...answers: ((signal: AbortSignal) => Response | Promise<Response>)[]) {
  const asked = { count: 0 };
  vi.stubGlobal("fetch", (_: string, { signal }: { signal: AbortSignal }) => {
    const answer = answers[Math.min(asked.count, answers.length - 1)]!;
    asked.count += 1;
    return answer(signal);
  });
  return asked;
}

/** Chunks for ever, or until nobody reads them. */
function stream(chunk: () => Uint8Array | undefined, told = { sent: 0, isCancelled: false }): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(to) {
      const one = chunk();
      told.sent += one?.length ?? 0;
      if (one) to.enqueue(one);
    },
    cancel: () => void (told.isCancelled = true),
  });
}

/** As a browser does it: whoever aborts breaks the body. */
function silent(signal: AbortSignal, body: ReadableStream<Uint8Array> = new ReadableStream()): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  body.pipeTo(writable, { signal }).catch(() => undefined);
  return new Response(readable, { status: 206 });
}

const never = (signal: AbortSignal): Promise<Response> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
const flawIn = async (going: Promise<unknown>): Promise<string> => going.then(() => "none", (fault: unknown) => (fault instanceof LoadFailed ? flawOf(fault) : "other"));

describe("a stretch of a file", () => {
  test("that never begins is given up, asked for once more, and then told", async () => {
    const asked = server(never);
    expect(await flawIn(fetchRange("a", 0, 10, QUICK))).toBe("network");
    expect(asked.count).toBe(2);
  });

  test("that stops in the middle is given up likewise, and comes at the second try", async () => {
    let isFirst = true;
    const asked = server(
      (signal) => silent(signal, stream(() => (isFirst ? ((isFirst = false), new Uint8Array(4)) : undefined))),
      () => new Response(new Uint8Array(10).fill(7), { status: 206 }),
    );
    expect([...(await fetchRange("a", 0, 10, QUICK))]).toEqual(Array<number>(10).fill(7));
    expect(asked.count).toBe(2);
  });

  test("that comes slowly, but comes, is waited for", async () => {
    const slow = new ReadableStream<Uint8Array>({
      async pull(to) {
        await new Promise((go) => setTimeout(go, 12));
        to.enqueue(new Uint8Array(1));
      },
    });
    vi.useFakeTimers();
    const asked = server(() => new Response(slow, { status: 206 }));
    const going = fetchRange("a", 0, 6, QUICK);
    await vi.advanceTimersByTimeAsync(100);
    vi.useRealTimers();
    expect((await going).length).toBe(6);
    expect(asked.count).toBe(1);
  });

  test("of a server that sends the whole without end is read no further than it goes", async () => {
    const told = { sent: 0, isCancelled: false };
    let next = 0;
    server(() => new Response(stream(() => Uint8Array.from({ length: 8 }, () => next++), told), { status: 200 }));
    expect([...(await fetchRange("a", 20, 10, QUICK))]).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect(told.sent).toBeLessThan(64);
  });

  test.each([[401, "refused"], [403, "refused"], [404, "missing"], [416, "damaged"], [503, "server"]])(
    "answered with %i is %s", async (status, flaw) => {
      server(() => new Response(null, { status }));
      expect(await flawIn(fetchRange("a", 0, 10, QUICK))).toBe(flaw);
    },
  );

  test("that the file does not have is damaged, one that broke off is asked for again", async () => {
    const short = (whole: string) => () => new Response(new Uint8Array(4), { status: 206, headers: { "Content-Range": `bytes 0-3/${whole}` } });
    const beyond = server(short("4"));
    expect(await flawIn(fetchRange("a", 0, 10, QUICK))).toBe("damaged");
    expect(beyond.count).toBe(1);
    const broken = server(short("400"));
    expect(await flawIn(fetchRange("a", 0, 10, QUICK))).toBe("network");
    expect(broken.count).toBe(5);
  });
});

describe("a list", () => {
  test("is read as it is", async () => {
    server(() => new Response('{"a": "ü"}'));
    expect(await fetchJson("a", QUICK)).toEqual({ a: "ü" });
  });

  test("without end is damaged, and is read no further than lists go", async () => {
    const told = { sent: 0, isCancelled: false };
    const chunk = new Uint8Array(2 ** 22);
    const asked = server(() => new Response(stream(() => chunk, told)));
    expect(await flawIn(fetchJson("a", QUICK))).toBe("damaged");
    expect(told.sent).toBeLessThan(LONGEST_JSON + 3 * chunk.length);
    expect(asked.count).toBe(1);
  });

  test("that stalls is given up", async () => {
    const asked = server((signal) => silent(signal));
    expect(await flawIn(fetchJson("a", QUICK))).toBe("network");
    expect(asked.count).toBe(2);
  });
});
