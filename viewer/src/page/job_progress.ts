// The jobs of a case -> bars and words that move; when one begins or ends, the page's parts are fetched anew.
// By a stream of events where the server has one to spare, and by asking every few seconds where not.
import { contactOf, heard, isMissed } from "./contact.ts";
import { refreshRegions } from "./live_regions.ts";
import { left, percent } from "./measures.ts";
import { word, wordOr } from "./words.ts";

export interface JobState {
  id: string;
  state: "queued" | "running" | "done" | "failed" | "cancelled";
  attempt: number;
  share_done: number;
  doing: string;
  found: string[];
  glimpse: string | null;
  remaining_s: number | null;
  position: number | null;
  is_cancel_requested: boolean;
}

const ASK_EVERY_MS = 2500;
// While nothing is under way: somebody else may begin something.
const ASK_IDLE_MS = 15_000;
const TRY_STREAM_AGAIN_MS = 60_000;
const ANSWER_WITHIN_MS = 10_000;

/** Keep the page of a case current. A stream holds a thread of the server, so it is open only while work goes on. */
export function followJobs(address: string): void {
  // The jobs whose outcome the page shows. It is fetched again for any others, and until that has worked.
  let shown = signature(jobsShown());
  let isBusy = jobsShown().some(([, state]) => state === "queued" || state === "running");
  let isBehind = false;
  let stream: EventSource | undefined;
  let refusedUntil = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function take(jobs: JobState[]): Promise<void> {
    for (const job of jobs) show(job);
    for (const job of jobs) announce(job);
    isBusy = jobs.some((job) => job.state === "queued" || job.state === "running");
    if (!isBusy) hush();
    else if (!stream && performance.now() > refusedUntil) listen();
    const now = signature(jobs.map((job) => [job.id, job.state, String(job.attempt)]));
    // The line that says so goes once the page has been fetched anew: until then its forms may be another session's.
    if (isMissed()) isBehind = true;
    else heard("good");
    if (now === shown && !isBehind) return;
    isBehind = true;
    if ((await refreshRegions()) === "good") [shown, isBehind] = [now, false];
  }

  function listen(): void {
    stream = new EventSource(`${address}/events`);
    stream.addEventListener("jobs", (event) => void take(JSON.parse(event.data) as JobState[]));
    stream.addEventListener("error", () => {
      // A stream that was refused is closed for good; one that broke opens again by itself.
      if (stream?.readyState !== EventSource.CLOSED) return;
      stream = undefined;
      refusedUntil = performance.now() + TRY_STREAM_AGAIN_MS;
    });
  }

  function hush(): void {
    stream?.close();
    stream = undefined;
  }

  async function ask({ isBack = false } = {}): Promise<void> {
    clearTimeout(timer);
    let isAway = false;
    // An open stream tells everything but that its reader was signed out; one that is broken just now does not.
    if (!document.hidden && (isBack || isBehind || stream?.readyState !== EventSource.OPEN)) {
      try {
        const answer = await fetch(`${address}/jobs`, {
          headers: { Accept: "application/json" },
          signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
        });
        if (answer.ok) await take(((await answer.json()) as { jobs: JobState[] }).jobs);
        else heard(contactOf(answer));
      } catch {
        // Asked again soon.
        isAway = true;
        heard("away");
      }
    }
    clearTimeout(timer);
    timer = setTimeout(ask, isBusy || isBehind || isAway ? ASK_EVERY_MS : ASK_IDLE_MS);
  }

  if (isBusy) listen();
  timer = setTimeout(ask, isBusy ? ASK_EVERY_MS : ASK_IDLE_MS);
  // Whoever comes back to the page sees what is true now: they may have signed in again in another tab.
  document.addEventListener("visibilitychange", () => !document.hidden && void ask({ isBack: true }));
  addEventListener("pagehide", () => {
    hush();
    clearTimeout(timer);
  });
  addEventListener("pageshow", (event) => event.persisted && void ask({ isBack: true }));
}

function jobsShown(): string[][] {
  const island = document.querySelector<HTMLElement>("[data-jobs-known]");
  return JSON.parse(island?.dataset["jobsKnown"] ?? "[]") as string[][];
}

function signature(jobs: string[][]): string {
  return JSON.stringify(jobs.map((job) => job.join(" ")).sort());
}

function show(job: JobState): void {
  const card = document.querySelector<HTMLElement>(`[data-job="${CSS.escape(job.id)}"]`);
  if (!card) return;
  const bar = card.querySelector("progress");
  if (job.state === "running") {
    if (bar) bar.value = job.share_done;
    // The last step ends with the job: until then it is not all done.
    tell(card, "share", percent(Math.min(job.share_done, 0.99)));
    tell(card, "doing", job.is_cancel_requested ? word("Stopping ...") : doing(job));
  } else if (job.state === "queued") {
    tell(card, "doing", place(job));
  }
  glimpse(card, job);
  // Nothing is said where nobody knows; what was said before may no longer hold.
  tell(card, "left", job.remaining_s === null ? "" : left(job.remaining_s));
}

/** What was found so far: a picture of it, and names. The picture before stays until the next has come. */
function glimpse(card: HTMLElement, job: JobState): void {
  const figure = card.querySelector<HTMLElement>('[data-part="glimpse"]');
  const picture = figure?.querySelector("img");
  if (!figure || !picture) return;
  tell(card, "found", job.found.map((name) => wordOr(`part ${name}`, name)).join(", "));
  if (job.glimpse && picture.getAttribute("src") !== job.glimpse) picture.src = job.glimpse;
  figure.hidden = !job.glimpse;
}

function place(job: JobState): string {
  if (job.position === null || job.position < 2) return word("Waiting for its turn");
  return word("Waiting: number {position} in the queue", { position: job.position });
}

const ENDS: Partial<Record<JobState["state"], string>> = {
  done: word("Done"),
  failed: word("Failed"),
  cancelled: word("Stopped"),
};

/** Say it to whoever listens to the page when a job that is shown has ended. */
function announce(job: JobState): void {
  const title = document.getElementById(`job-${job.id}`)?.textContent;
  const news = document.getElementById("news");
  const end = ENDS[job.state];
  if (title && news && end) news.textContent = `${title}: ${end}`;
}

function tell(card: HTMLElement, part: string, text: string): void {
  const place = card.querySelector(`[data-part="${part}"]`);
  if (place && place.textContent !== text) place.textContent = text;
}

/** "surface: lung-left, lung-right" -> the step and the organs by their names. */
function doing(job: JobState): string {
  if (!job.doing) return word("Beginning");
  const whole = wordOr(`step ${job.doing}`, "");
  if (whole) return whole;
  const [step = "", parts = ""] = job.doing.split(": ", 2);
  const names = parts.split(", ").map((name) => wordOr(`part ${name}`, name));
  return parts ? `${wordOr(`step ${step}`, step)}: ${names.join(", ")}` : wordOr(`step ${step}`, step);
}
