// Sentences that the state asks for by a key: state and model know no language.
import { language, word } from "../page/words.ts";
import type { LoadFlaw } from "./loading/ranges.ts";
import type { Notice } from "./state/view_state.ts";

type Places = Notice["places"];

/** The places as they are written in the page's language, and the numbers among them to choose a form by. */
export type Sentence = (places: Places, numbers: Places) => string;

const SENTENCES: Readonly<Record<string, Sentence>> = {
  "mesh-failed": (at) => word("The model of {name} could not be loaded: it is damaged or missing. All else works.", at),
  "meshes-failed": (at) => word("The models of {count} organs could not be loaded. All else works.", at),
  "mesh-network": (at) => word("The connection broke while {name} was loading. What is there stays.", at),
  "meshes-network": (at) => word("The connection broke while the models of {count} organs were loading. What is there stays.", at),
  "signed-out": () => word("You are no longer signed in, or may not see this case any more. What is on the screen stays."),
  "program-missing": () => word("A part of the program did not arrive or broke off, so not everything can be shown. What is on the screen stays."),
  "texture-failed": (at) => word("The picture on {name} could not be loaded. Its form is there.", at),
  "detail-failed": (at) => word("{name} stays coarse: its finer model could not be loaded.", at),
  "one-left-out": () => word("One part of this scene could not be read and was left out."),
  "left-out": (at) => word("{count} parts of this scene could not be read and were left out.", at),
  "context-lost": () => word("The graphics of this device paused. The picture comes back by itself."),
  "context-gone": () => word("The graphics of this device did not come back. Load the page anew: it opens on what you see now."),
  "slow": () => word("The connection is slow. The models appear one after the other."),
  "planes-full": () => word("Three cuts are the most. Take one away first."),
  "copied": () => word("The link is copied. Whoever opens it sees what you see, if they may see the case."),
  "copied-to-share": () => word("The link is copied. It opens this view for whoever may see the case: to anybody else send a share link first."),
  "not-copied": () => word("The link is in the address bar: copy it from there."),
  "link-senseless": () => word("A part of this link makes no sense and was left out. Ask for it once more."),
  "no-millimetres": () => word("This scan has no millimetres, so nothing in it can be measured."),
  "not-saved": () => word("Your measurements could not be saved. They stay here while the page is open, and are sent again by themselves."),
  "measure-removed": (at) => word("“{name}” is removed.", at),
  "both-kept": () => word("The measurements were changed elsewhere as well: both changes are kept."),
  "not-fetched": () => word("What was measured before could not be fetched; what you measure now is kept as soon as it can be."),
  "not-fetched-to-look": () => word("What was measured before could not be fetched."),
  "measures-signed-out": () => word("You are no longer signed in. Your measurements stay here while the page is open, and are saved once you have signed in again."),
  "measures-gone": () => word("These models were deleted, or are no longer shared with you: your measurements cannot be saved with them."),
  "measures-not-allowed": () => word("You may no longer change this case: your measurements cannot be saved with it."),
  "measures-refused": () => word("The server does not take your measurements as they are. They stay here while the page is open."),
  "measures-too-many": (at) => word("Together with those from elsewhere there are {count} measurements, and {most} can be kept. Remove some, and the others are saved.", at),
  "measures-full": (at) => word("{most} measurements are the most that can be kept. Remove one first.", at),
  "scan-failed": () => word("The scan could not be shown: a part of the program did not arrive, or the scan's list is damaged. The models work."),
  "picture-failed": () => word("This device could not make so large a picture."),
};

export function noticeText(notice: Pick<Notice, "key" | "places">): string {
  const numbers = new Intl.NumberFormat(language);
  const places = Object.entries(notice.places).map(([name, value]) => [name, typeof value === "number" ? numbers.format(value) : value]);
  return SENTENCES[notice.key]?.(Object.fromEntries(places) as Places, notice.places) ?? notice.key;
}

/** The key of what is to be said when a part does not come: for some reasons always the same. */
export function keyOfFlaw(flaw: LoadFlaw, otherwise: string): string {
  if (flaw === "refused") return "signed-out";
  return flaw === "program" ? "program-missing" : otherwise;
}

/** Parts that add sentences of their own. */
export function addSentences(more: Readonly<Record<string, Sentence>>): void {
  Object.assign(SENTENCES, more);
}
