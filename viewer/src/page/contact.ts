// Whether the server answers, and as whom: told in a quiet line at the foot of the window, taken back by itself.
// The sentences stand in the page, hidden; a script only shows the one that holds.

export type Contact = "good" | "away" | "signed-out" | "gone";

/** A server that is begun again is away for a moment: once is no news. */
const AWAY_BEFORE_TOLD = 2;

let shown: Contact = "good";
let awayInARow = 0;

/** What an answer says about the server. A page that was not to be had leads to the sign-in page instead. */
export function contactOf(answer: Response): Contact {
  if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname !== location.pathname)) return "signed-out";
  if (answer.status === 403 || answer.status === 404) return "gone";
  return answer.ok || answer.status === 429 ? "good" : "away";
}

/** Whether a line says that the server is missed, or another's: what the page holds is from before. */
export const isMissed = (): boolean => shown !== "good";

/** Take note of how a request ended. */
export function heard(contact: Contact): void {
  awayInARow = contact === "away" ? awayInARow + 1 : 0;
  if (contact === "away" && awayInARow < AWAY_BEFORE_TOLD) return;
  shown = contact;
  for (const line of document.querySelectorAll<HTMLElement>("[data-contact]")) line.hidden = line.dataset["contact"] !== shown;
}
