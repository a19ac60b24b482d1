// A page as far as words and numbers ask for one: in a language, with what its catalogue says.
import { vi } from "vitest";

/** Modules imported after this read the language anew. */
export function pageIn(lang: string, words: Readonly<Record<string, string>> = {}): void {
  vi.resetModules();
  vi.stubGlobal("navigator", { languages: [lang] });
  vi.stubGlobal("document", {
    documentElement: { lang, dataset: {} },
    getElementById: (id: string) => (id === "words" ? { textContent: JSON.stringify(words) } : null),
  });
}
