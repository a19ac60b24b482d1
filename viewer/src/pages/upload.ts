// The page for a new case: what is dropped becomes one upload, the upload becomes a case, and its page opens.
import { csrfToken } from "../page/csrf_token.ts";
import { left, percent, size } from "../page/measures.ts";
import { language, word } from "../page/words.ts";
import { filesChosen, filesDropped } from "../upload/dropped.ts";
import { type Problem, refusal } from "../upload/refusal.ts";
import { Transfer, type Trouble } from "../upload/transfer.ts";
import { type Entry, zipOf } from "../upload/zip.ts";

const drop = element("drop");
const transferCard = element("transfer");
const bar = element("bar") as HTMLProgressElement;
const pause = element("pause") as HTMLButtonElement;
const trouble = element("trouble");
const title = element("title") as HTMLInputElement;

let transfer: Transfer | undefined;
let stopping = new AbortController();
let isUnderWay = false;
let isPaused = false;

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no #${id} on this page`);
  return found;
}

function tell(id: string, text: string): void {
  element(id).textContent = text;
}

// --- what was chosen ---------------------------------------------------------------------------------------

for (const id of ["folder", "files"]) {
  const field = element(id) as HTMLInputElement;
  field.addEventListener("change", () => {
    if (field.files?.length) void send(filesChosen(field.files));
    field.value = "";
  });
  element(`choose-${id}`).addEventListener("click", () => field.click());
}
if (!("webkitdirectory" in HTMLInputElement.prototype)) element("choose-folder").hidden = true;

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", async (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (isUnderWay || !event.dataTransfer) return;
  tell("none", word("Looking through the folder ..."));
  await send(await filesDropped(event.dataTransfer).catch(() => []));
});

// --- sending -----------------------------------------------------------------------------------------------

async function send(entries: Entry[]): Promise<void> {
  if (isUnderWay) return;
  const first = entries[0];
  if (!first) {
    tell("none", word("There is no file in what you chose. Choose the folder that holds the images."));
    return;
  }
  tell("none", "");
  isUnderWay = true;
  stopping = new AbortController();
  drop.hidden = true;
  transferCard.hidden = false;
  element("transfer-name").focus();
  const name = nameOf(entries);
  const bytes = entries.reduce((sum, entry) => sum + entry.data.size, 0);
  tell("transfer-name", name);
  tell("transfer-what", entries.length === 1 ? size(bytes) : word("{count} files, {size}", { count: count(entries.length), size: size(bytes) }));
  try {
    if (entries.length === 1) {
      const file = first.data as File;
      begin(file, first.name.split("/").at(-1) ?? "scan", `file ${file.name} ${file.size} ${file.lastModified}`);
      return;
    }
    tell("state", word("Reading the files ..."));
    const zip = await zipOf(entries, {
      signal: stopping.signal,
      progress: (done) => {
        bar.value = done / bytes;
        tell("share", percent(done / bytes));
      },
    });
    begin(zip.blob, `${name}.zip`, zip.fingerprint);
  } catch {
    if (!stopping.signal.aborted) fail("refused", word("A file could not be read."), word("It was moved or changed while it was read. Choose the folder again."));
  }
}

/** The folder they lie in, or the file; of loose pictures the first. */
function nameOf(entries: Entry[]): string {
  const tops = new Set(entries.map((entry) => entry.name.split("/")[0] ?? ""));
  const [top = ""] = tops;
  const isFolder = entries.every((entry) => entry.name.includes("/"));
  if (tops.size === 1 && (isFolder || entries.length === 1)) return isFolder ? top : top.split("/").at(-1) ?? top;
  // Loose files of a scan have numbers for names; pictures are called something.
  const arePictures = entries.every(({ data }) => data instanceof File && data.type.startsWith("image/"));
  return (arePictures ? entries.map(({ name }) => name).sort()[0] : undefined) ?? word("Scan");
}

function count(number: number): string {
  return new Intl.NumberFormat(language).format(number);
}

function begin(blob: Blob, name: string, fingerprint: string): void {
  const pace = new Pace();
  bar.removeAttribute("value");
  tell("state", word("Connecting ..."));
  transfer = new Transfer(blob, name, fingerprint, csrfToken(document), {
    progress: (sent) => {
      pace.add(sent);
      bar.value = sent / blob.size;
      tell("share", percent(sent / blob.size));
      if (isPaused) return;
      tell("state", word("{sent} of {whole}, {speed} a second", { sent: size(sent), whole: size(blob.size), speed: size(pace.perSecond) }));
      tell("left", pace.perSecond > 0 && sent < blob.size ? left((blob.size - sent) / pace.perSecond) : "");
      trouble.hidden = true;
    },
    well: () => (trouble.hidden = true),
    trouble: (kind, sentence, hint) => fail(kind, sentence, hint),
    done: (uploadId) => void makeCase(uploadId),
  });
  pause.hidden = false;
  void transfer.begin();
}

/** Bytes a second over the last seconds: steady enough to read, quick enough to be true. */
class Pace {
  private seen: [number, number][] = [];
  perSecond = 0;

  add(sent: number): void {
    const now = performance.now();
    this.seen.push([now, sent]);
    this.seen = this.seen.filter(([moment]) => now - moment < 6000);
    const [since, from] = this.seen[0] as [number, number];
    if (now - since > 400) this.perSecond = Math.max(0, ((sent - from) / (now - since)) * 1000);
  }
}

// --- the case ----------------------------------------------------------------------------------------------

async function makeCase(uploadId: string): Promise<void> {
  pause.hidden = true;
  bar.value = 1;
  tell("share", percent(1));
  tell("left", "");
  tell("state", word("Everything has arrived. Opening the case ..."));
  for (let wait = 500; ; wait = Math.min(8000, wait * 2)) {
    const answer = await fetch("/api/cases", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRF-Token": csrfToken(document) },
      body: JSON.stringify({ title: title.value.trim(), upload_ids: [uploadId] }),
    }).catch(() => undefined);
    if (answer?.ok) {
      isUnderWay = false;
      const made = (await answer.json()) as { id: string };
      location.assign(`/cases/${encodeURIComponent(made.id)}`);
      return;
    }
    if (answer && answer.status < 500 && answer.status !== 423 && answer.status !== 429) {
      fail("refused", ...refusal((await answer.json().catch(() => ({}))) as Problem));
      return;
    }
    fail("away", "", "");
    await new Promise((go) => setTimeout(go, wait));
  }
}

// --- trouble, and what can be done about it ----------------------------------------------------------------

const SENTENCES: Record<Trouble, [string, string]> = {
  away: ["The server does not answer just now.", "Nothing is lost: the upload goes on by itself as soon as it can."],
  "sign-in": ["You are no longer signed in.", "Sign in again in another tab, then go on here: what has arrived is kept."],
  refused: ["The server did not take the upload.", "Try again, or ask the administrator."],
};

function fail(kind: Trouble, sentence: string, hint: string): void {
  const [usual, advice] = SENTENCES[kind];
  // What passes by itself is said in the same calm words, whatever broke.
  const own = kind === "refused";
  tell("trouble-sentence", (own && sentence) || word(usual));
  tell("trouble-hint", (own && hint) || word(advice));
  element("try-again").hidden = kind === "away";
  element("trouble-sign-in").hidden = kind !== "sign-in";
  tell("left", "");
  if (kind !== "away") tell("state", word("Waiting"));
  trouble.hidden = false;
}

element("try-again").addEventListener("click", async () => {
  trouble.hidden = true;
  const page = await fetch(location.href).then((answer) => answer.text()).catch(() => "");
  const fresh = csrfToken(new DOMParser().parseFromString(page, "text/html"));
  if (transfer) transfer.goOn(fresh);
  else startAnew();
});

pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.textContent = isPaused ? word("Go on") : word("Pause");
  if (isPaused) {
    transfer?.pause();
    tell("state", word("Paused. What has arrived is kept."));
    tell("left", "");
  } else {
    tell("state", word("Connecting ..."));
    transfer?.goOn();
  }
});

element("stop").addEventListener("click", async () => {
  stopping.abort();
  const dropped = transfer;
  startAnew();
  await dropped?.drop();
});

function startAnew(): void {
  transfer = undefined;
  isUnderWay = false;
  isPaused = false;
  pause.textContent = word("Pause");
  pause.hidden = true;
  trouble.hidden = true;
  transferCard.hidden = true;
  drop.hidden = false;
  element("choose-folder").focus();
}

addEventListener("beforeunload", (event) => {
  if (isUnderWay) event.preventDefault();
});
drop.hidden = false;
