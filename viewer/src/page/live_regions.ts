// Parts of a page that change by themselves: fetched with the page as it is now, and put in place of the old.
// The server alone writes HTML; a script only decides when to look again.

let isLooking = false;

/** Fetch this page again and replace each `data-region` whose content has changed. */
export async function refreshRegions(): Promise<void> {
  if (isLooking) return;
  isLooking = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const old of document.querySelectorAll<HTMLElement>("[data-region]")) {
      const fresh = page.querySelector<HTMLElement>(`[data-region="${CSS.escape(old.dataset["region"] ?? "")}"]`);
      if (fresh && !isInUse(old) && fresh.innerHTML !== original(old)) {
        remember(fresh);
        old.replaceWith(document.adoptNode(fresh));
        fresh.dispatchEvent(new CustomEvent("region", { bubbles: true }));
      }
    }
  } catch {
    // The server is away for a moment: what is shown stays, and the next look comes.
  } finally {
    isLooking = false;
  }
}

const originals = new WeakMap<HTMLElement, string>();

function remember(region: HTMLElement): void {
  originals.set(region, region.innerHTML);
}

function original(region: HTMLElement): string {
  return originals.get(region) ?? region.innerHTML;
}

/** A region that somebody is typing in, or has opened something in, is left alone. */
function isInUse(region: HTMLElement): boolean {
  const active = document.activeElement;
  return region.contains(active) && active?.matches("input, select, textarea, button, summary") === true;
}

for (const region of document.querySelectorAll<HTMLElement>("[data-region]")) remember(region);
