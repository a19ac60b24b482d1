// Parts of a page that change by themselves: fetched with the page as it is now, and put in place of the old.
// The server alone writes HTML; a script only decides when to look again, and keeps what a person has begun.
import { type Contact, contactOf, heard } from "./contact.ts";

const ANSWER_WITHIN_MS = 15_000;

let looking: Promise<Contact> | undefined;

/** Fetch this page again and replace each `data-region` whose content has changed. Says how the server answered. */
export async function refreshRegions(): Promise<Contact> {
  // Somebody else may be looking already, and may have begun too early for what is asked now.
  while (looking) await looking;
  looking = look();
  try {
    return await looking;
  } finally {
    looking = undefined;
  }
}

async function look(): Promise<Contact> {
  let contact: Contact = "away";
  try {
    const answer = await fetch(location.href, {
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    contact = contactOf(answer);
    if (contact === "good" && answer.ok) put(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // The server is away for a moment: what is shown stays, and the next look comes.
  }
  heard(contact);
  return contact;
}

function put(page: Document): void {
  document.title = page.title;
  for (const old of document.querySelectorAll<HTMLElement>("[data-region]")) {
    const fresh = page.querySelector<HTMLElement>(`[data-region="${CSS.escape(old.dataset["region"] ?? "")}"]`);
    if (!fresh || old.querySelector("[data-shown-once]") || withoutToken(fresh.innerHTML) === original(old)) continue;
    remember(fresh);
    replace(old, fresh);
    fresh.dispatchEvent(new CustomEvent("region", { bubbles: true }));
  }
  renewTokens(page);
}

// --- what the server wrote, before scripts and people changed it ---------------------------------------------

const originals = new WeakMap<HTMLElement, string>();

function remember(region: HTMLElement): void {
  originals.set(region, withoutToken(region.innerHTML));
}

function original(region: HTMLElement): string {
  return originals.get(region) ?? withoutToken(region.innerHTML);
}

/** The token of forms is another in every answer, and changes nothing that anybody sees. */
function withoutToken(html: string): string {
  return html.replace(/(name="csrf_token" value=)"[^"]*"/g, "$1");
}

/** Whoever signed in again meanwhile has another session, in which the old tokens do not hold. */
function renewTokens(page: Document): void {
  const token = page.querySelector<HTMLMetaElement>("meta[name=csrf-token]")?.content;
  if (!token) return;
  document.querySelector("meta[name=csrf-token]")?.setAttribute("content", token);
  for (const field of document.querySelectorAll<HTMLInputElement>("input[name=csrf_token]")) field.value = token;
}

// --- what a person has begun ---------------------------------------------------------------------------------

function replace(old: HTMLElement, fresh: HTMLElement): void {
  const active = document.activeElement instanceof HTMLElement && old.contains(document.activeElement) ? document.activeElement : null;
  const selection = active && selectionOf(active);
  const focus = active && (touchedForm(active) ? active : (twin(active, old, fresh) ?? fresh));
  for (const details of old.querySelectorAll("details")) {
    const again = twin(details, old, fresh);
    if (again instanceof HTMLDetailsElement) again.open = details.open;
  }
  for (const form of old.querySelectorAll("form")) {
    if (isTouched(form)) twin(form, old, fresh)?.replaceWith(form);
  }
  old.replaceWith(document.adoptNode(fresh));
  if (!focus) return;
  const target = focus.isConnected ? focus : fresh;
  if (target === fresh) fresh.tabIndex = -1;
  target.focus({ preventScroll: true });
  if (selection && target instanceof HTMLInputElement) target.setSelectionRange(...selection);
  if (selection && target instanceof HTMLTextAreaElement) target.setSelectionRange(...selection);
}

function selectionOf(field: HTMLElement): [number, number] | null {
  const isText = field instanceof HTMLTextAreaElement || field instanceof HTMLInputElement;
  // Null where a field has no such thing: a box to tick, an e-mail address.
  return isText && field.selectionStart !== null ? [field.selectionStart, field.selectionEnd ?? field.selectionStart] : null;
}

function touchedForm(field: HTMLElement): boolean {
  const form = field.closest("form");
  return form !== null && isTouched(form);
}

/** Whether somebody has filled anything into a form that is not sent yet. */
function isTouched(form: HTMLFormElement): boolean {
  return [...form.elements].some((field) => {
    if (field instanceof HTMLTextAreaElement) return field.value !== field.defaultValue;
    if (field instanceof HTMLSelectElement) {
      const first = [...field.options].findIndex((each) => each.defaultSelected);
      return field.selectedIndex !== Math.max(first, 0);
    }
    if (!(field instanceof HTMLInputElement) || field.type === "hidden") return false;
    const isTick = field.type === "checkbox" || field.type === "radio";
    return isTick ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  });
}

/** What takes an element's place among the new ones: of the same id, else of the same kind and words, in order. */
function twin(element: Element, old: Element, fresh: Element): HTMLElement | null {
  if (element.id) return fresh.querySelector<HTMLElement>(`#${CSS.escape(element.id)}`);
  const key = nameOf(element);
  const alike = (each: Element): boolean => nameOf(each) === key;
  const place = [...old.querySelectorAll(element.localName)].filter(alike).indexOf(element);
  return ([...fresh.querySelectorAll<HTMLElement>(element.localName)].filter(alike)[place] as HTMLElement | undefined) ?? null;
}

function nameOf(element: Element): string {
  if (element instanceof HTMLFormElement || element.localName === "form") return element.getAttribute("action") ?? "";
  const said = element.localName === "details" ? element.querySelector("summary") : element;
  const marks = ["name", "value", "href", "aria-label"].map((each) => said?.getAttribute(each) ?? "");
  return [...marks, said?.textContent?.trim() ?? ""].join(" ");
}

for (const region of document.querySelectorAll<HTMLElement>("[data-region]")) remember(region);
