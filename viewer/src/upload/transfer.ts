// One Blob -> the server, in pieces by tus, for as long as it takes: whatever interrupts it, it goes on by itself.
import { type DetailedError, Upload } from "tus-js-client";
import { type Problem, refusal } from "./refusal.ts";

export type Trouble = "away" | "sign-in" | "refused";

export interface Watching {
  /** Bytes that the server has acknowledged or is being sent. */
  progress: (sent: number) => void;
  /** "away": it is tried again by itself. Otherwise somebody must do something, then call `goOn`. */
  trouble: (kind: Trouble, sentence: string, hint: string) => void;
  /** Bytes flow again. */
  well: () => void;
  done: (uploadId: string) => void;
}

const CHUNK_BYTES = 16 << 20;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
// The server is busy, restarting, or the piece before is still being written down.
const PASSING = new Set([0, 408, 409, 423, 429, 500, 502, 503, 504]);

export class Transfer {
  private readonly upload: Upload;
  private wait = FIRST_WAIT_MS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private isPaused = false;
  private token: string;

  constructor(blob: Blob, name: string, fingerprint: string, token: string, watching: Watching) {
    this.token = token;
    this.upload = new Upload(blob, {
      endpoint: "/api/uploads",
      chunkSize: CHUNK_BYTES,
      retryDelays: null,
      metadata: { filename: name },
      fingerprint: async () => `plastinate ${fingerprint}`,
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => {
        request.setHeader("X-CSRF-Token", this.token);
      },
      onProgress: (sent) => watching.progress(sent),
      onChunkComplete: () => {
        this.wait = FIRST_WAIT_MS;
        watching.well();
      },
      onSuccess: () => watching.done((this.upload.url ?? "").split("/").at(-1) ?? ""),
      onError: (error) => this.recover(error as DetailedError, watching),
    });
    addEventListener("online", () => this.timer !== undefined && this.again());
  }

  /** Begin, or go on with what an earlier page or visit has sent of the same content. */
  async begin(): Promise<void> {
    const [earlier] = await this.upload.findPreviousUploads();
    if (earlier) this.upload.resumeFromPreviousUpload(earlier);
    if (!this.isPaused) this.upload.start();
  }

  pause(): void {
    this.isPaused = true;
    clearTimeout(this.timer);
    void this.upload.abort();
  }

  goOn(token?: string): void {
    this.isPaused = false;
    if (token) this.token = token;
    this.wait = FIRST_WAIT_MS;
    this.again();
  }

  /** Give up, and let the server forget what it has. */
  async drop(): Promise<void> {
    this.isPaused = true;
    clearTimeout(this.timer);
    await this.upload.abort(true).catch(() => undefined);
  }

  private again(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    if (!this.isPaused) this.upload.start();
  }

  private recover(error: DetailedError, watching: Watching): void {
    const status = error.originalResponse?.getStatus() ?? 0;
    const [sentence, hint] = told(error);
    if (PASSING.has(status)) {
      watching.trouble("away", sentence, hint);
      this.timer = setTimeout(() => this.again(), this.wait);
      this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
      return;
    }
    watching.trouble(status === 401 || status === 403 ? "sign-in" : "refused", sentence, hint);
  }
}

/** The sentence and the hint of the server's problem document, where it sent one. */
function told(error: DetailedError): [string, string] {
  try {
    return refusal(JSON.parse(error.originalResponse?.getBody() ?? "") as Problem);
  } catch {
    return ["", ""];
  }
}
