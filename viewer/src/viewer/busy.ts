// What the viewer has still to do, told on the page, so that whoever waits for a picture need not guess how long.

const parts = new Set<string>();

/**
 * A part has something to do, or has not any more. `data-busy` of the page's root element holds the names of
 * those that have, and is empty when all that is looked at is fetched, drawn, said and at rest.
 */
export function busy(part: string, isBusy: boolean): void {
  if (isBusy) parts.add(part);
  else parts.delete(part);
  const now = [...parts].sort().join(" ");
  if (document.documentElement.dataset["busy"] !== now) document.documentElement.dataset["busy"] = now;
}
