// Moments in UTC, as the server writes them -> the reader's own time zone and language.
import { language } from "./words.ts";

const SHAPES: Record<string, Intl.DateTimeFormatOptions> = {
  date: { dateStyle: "medium" },
  moment: { dateStyle: "medium", timeStyle: "short" },
};

export function localTimes(within: ParentNode = document): void {
  for (const each of within.querySelectorAll<HTMLTimeElement>("time[data-shape]")) {
    const moment = new Date(each.dateTime);
    const shape = SHAPES[each.dataset["shape"] ?? ""];
    if (shape && !Number.isNaN(moment.getTime())) {
      each.textContent = new Intl.DateTimeFormat(language, shape).format(moment);
      each.title = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" }).format(moment);
    }
  }
}
