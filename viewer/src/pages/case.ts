// A case's page: follow its jobs, and let the form for building show only what fits the chosen series.
import { letPoint } from "../page/two_points.ts";
import { followJobs } from "../page/job_progress.ts";

const page = document.querySelector<HTMLElement>("[data-case]");
if (page?.dataset["case"]) followJobs(page.dataset["case"]);

// What a person chose, not the page: another series leaves such a choice alone where it fits.
const chosenByHand = new WeakMap<Element, Set<string>>();

document.addEventListener("change", (event) => {
  const input = event.target as HTMLInputElement;
  const form = input.closest("form[data-build]");
  if (form) chosenByHand.set(form, (chosenByHand.get(form) ?? new Set()).add(input.name));
  fit(form, { isOther: input.name === "series" || input.name === "modality" });
});
document.addEventListener("region", () => fitAll());
fitAll();
// Whoever reads by ear or by keyboard begins at what is wrong.
document.getElementById("refused")?.focus();
goOnAtWhatBegan();

/** Whoever pressed "Build" goes on at the work that it began; at its result, where it was there already. */
function goOnAtWhatBegan(): void {
  if (!location.hash.startsWith("#job-")) return;
  const job = document.getElementById(location.hash.slice(1));
  const place = job ?? document.getElementById("results");
  if (place) place.tabIndex = -1;
  // What is said about a result that was there already stands above it, and stays in sight.
  place?.focus({ preventScroll: !job });
  // Said once: the page loaded again begins at its top.
  history.replaceState(history.state, "", location.pathname + location.search);
}

function fitAll(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-points]")) letPoint(place);
  for (const form of document.querySelectorAll<HTMLElement>("form[data-build]")) fit(form);
}

/** Show what the form's choices ask for. What is out of sight stays as it was chosen, and the server passes it over. */
function fit(form: Element | null, { isOther = false } = {}): void {
  if (!(form instanceof HTMLFormElement)) return;
  if (form.dataset["picture"] !== undefined) return fitPicture(form);
  const what = chosen(form, "what")?.value;
  const series = chosen(form, "series") ?? form.querySelector<HTMLInputElement>("input[name=series]");
  const said = series?.dataset["modality"] ?? "";
  const likely = series?.dataset["likely"] ?? "";
  if (isOther && said === "" && !isByHand(form, "modality")) {
    for (const each of form.querySelectorAll<HTMLInputElement>("input[name=modality]")) each.checked = each.value === likely;
  }
  const kind = said || (chosen(form, "modality")?.value ?? "");
  show(form, "[data-for]", (pane) => pane.dataset["for"] === what);
  show(form, "[data-series]", (pane) => pane.dataset["series"] === series?.value);
  show(form, "[data-kind]", () => said === "");
  show(form, "[data-likely-is]", (hint) => hint.dataset["likelyIs"] === likely);
  const fitting = show(form, "[data-modalities]", (choice) => kind !== "" && isFor(choice, kind));
  for (const choice of form.querySelectorAll<HTMLElement>("[data-modalities]")) {
    for (const input of choice.querySelectorAll("input")) input.disabled = choice.hidden === true;
  }
  show(form, "[data-none=open]", () => kind === "");
  show(form, "[data-none=known]", () => kind !== "" && fitting === 0);
  chooseLikeliest(form, (series?.dataset["likeliest"] ?? "").split(" "), isOther);
  nameFormats(form);
}

/** What concerns the kind of model that is chosen, and how its size is said. */
function fitPicture(form: HTMLFormElement): void {
  const kind = chosen(form, "kind")?.value ?? "";
  const size = chosen(form, "size")?.value ?? "";
  show(form, "[data-of]", (pane) => (pane.dataset["of"] ?? "").split(" ").includes(kind));
  show(form, "[data-size]", (pane) => (pane.dataset["size"] ?? "").split(" ").includes(size));
  nameFormats(form);
}

function nameFormats(form: HTMLFormElement): void {
  const formats = [...form.querySelectorAll<HTMLInputElement>("input[name=formats]:checked")];
  const named = form.querySelector("[data-formats]");
  if (named) named.textContent = formats.map((each) => each.dataset["title"] ?? each.value).join(", ") || "–";
}

function chosen(form: HTMLFormElement, name: string): HTMLInputElement | null {
  return form.querySelector<HTMLInputElement>(`input[name=${name}]:checked`);
}

function isByHand(form: HTMLFormElement, name: string): boolean {
  return chosenByHand.get(form)?.has(name) ?? false;
}

/** Show those that are wanted and hide the others; says how many are shown. */
function show(form: HTMLFormElement, which: string, isWanted: (each: HTMLElement) => boolean): number {
  let shown = 0;
  for (const each of form.querySelectorAll<HTMLElement>(which)) {
    each.hidden = !isWanted(each);
    if (!each.hidden) shown += 1;
  }
  return shown;
}

/** Whether a recipe or an organ is for this kind of scan; one that names no kind is for all. */
function isFor(choice: HTMLElement, kind: string): boolean {
  const kinds = (choice.dataset["modalities"] ?? "").split(" ");
  return kinds.includes(kind) || kinds.includes("");
}

/** Never without a set in sight: the likeliest for another series, unless a person chose one that fits it as well. */
function chooseLikeliest(form: HTMLFormElement, likeliest: string[], isOther: boolean): void {
  const inSight = [...form.querySelectorAll<HTMLInputElement>("input[name=recipe]")].filter((each) => !each.disabled);
  if (inSight.some((each) => each.checked) && (!isOther || isByHand(form, "recipe"))) return;
  const next = inSight.find((each) => likeliest.includes(each.value)) ?? inSight[0];
  if (next) next.checked = true;
}
