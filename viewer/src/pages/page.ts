// Every page: menus that close, times of the reader's zone, light or dark, copying, lists that stay current.
import { refreshRegions } from "../page/live_regions.ts";
import { localTimes } from "../page/times.ts";
import { word } from "../page/words.ts";

localTimes();
document.addEventListener("region", (event) => localTimes(event.target as HTMLElement));

// A menu closes when something else is pressed or reached by keys, which it may lie over, and on Escape, which gives
// the focus back.
for (const kind of ["click", "focusin"]) {
  document.addEventListener(kind, (event) => {
    for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
      if (!menu.contains(event.target as Node)) menu.open = false;
    }
  });
}
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll<HTMLDetailsElement>("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
});

// Light or dark at once; the form keeps it for the next page.
const look = document.querySelector<HTMLFormElement>("form[data-look]");
look?.querySelector("button")?.setAttribute("hidden", "");
look?.addEventListener("change", () => look.requestSubmit());

for (const select of document.querySelectorAll<HTMLSelectElement>("select[data-submits]")) {
  select.addEventListener("change", () => select.form?.requestSubmit());
}

document.addEventListener("click", async (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("button[data-copies]");
  const field = button && document.getElementById(button.dataset["copies"] ?? "");
  if (!button || !(field instanceof HTMLInputElement)) return;
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    // Without TLS there is no clipboard: select it, so that the keys for copying do the rest.
    field.select();
    return;
  }
  button.textContent = word("Copied");
});
for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copies]")) button.hidden = false;

// A form that was sent once is not sent again by a second press.
document.addEventListener("submit", (event) => {
  const form = event.target as HTMLFormElement;
  if (form.method !== "post" || event.defaultPrevented) return;
  if (form.dataset["sent"]) event.preventDefault();
  form.dataset["sent"] = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-sent]")) delete form.dataset["sent"];
});

// A list with work under way looks again every few seconds, as long as somebody looks at it.
const LIST_EVERY_MS = 4000;
async function lookAgain(): Promise<void> {
  if (!document.hidden && document.querySelector("[data-region][data-changing]")) await refreshRegions();
  setTimeout(lookAgain, LIST_EVERY_MS);
}
setTimeout(lookAgain, LIST_EVERY_MS);
