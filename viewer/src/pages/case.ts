// A case's page: follow its jobs, and let the form for building show only what fits the chosen series.
import { followJobs } from "../page/job_progress.ts";

const page = document.querySelector<HTMLElement>("[data-case]");
if (page?.dataset["case"]) followJobs(page.dataset["case"]);

document.addEventListener("change", (event) => fit((event.target as HTMLElement).closest("form[data-build]")));
document.addEventListener("region", () => fitAll());
fitAll();

function fitAll(): void {
  for (const form of document.querySelectorAll<HTMLElement>("form[data-build]")) fit(form);
}

/** Show what the form's choices ask for; what is hidden is not sent. */
function fit(form: Element | null): void {
  if (!(form instanceof HTMLFormElement)) return;
  const what = new FormData(form).get("what");
  const series = form.querySelector<HTMLInputElement>("input[name=series]:checked, input[name=series][type=hidden]");
  const modality = series?.dataset["modality"] ?? "";
  for (const pane of form.querySelectorAll<HTMLFieldSetElement>("fieldset[data-for]")) {
    const isWanted = pane.dataset["for"] === what;
    pane.hidden = !isWanted;
    pane.disabled = !isWanted;
  }
  for (const choice of form.querySelectorAll<HTMLElement>("[data-modalities]")) {
    const fits = modality === "" || (choice.dataset["modalities"] ?? "").split(" ").includes(modality);
    choice.hidden = !fits;
    for (const input of choice.querySelectorAll("input")) input.disabled = !fits;
  }
  for (const pane of form.querySelectorAll<HTMLElement>("[data-series]")) {
    const isWanted = pane.dataset["series"] === series?.value;
    pane.hidden = !isWanted;
    for (const input of pane.querySelectorAll("select")) input.disabled = !isWanted;
  }
  chooseFirst(form, "recipe");
}

/** Never without a choice: when the chosen recipe went out of sight, take the first in sight. */
function chooseFirst(form: HTMLFormElement, name: string): void {
  const inSight = [...form.querySelectorAll<HTMLInputElement>(`input[name=${name}]`)].filter((each) => !each.disabled);
  if (inSight.length && !inSight.some((each) => each.checked)) (inSight[0] as HTMLInputElement).checked = true;
}
