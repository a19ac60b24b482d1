// The page's words, from the same catalogue as the server's: a JSON island, filled with what a sentence needs.

const island = document.getElementById("words");
const words: Record<string, string> = island?.textContent ? JSON.parse(island.textContent) : {};


const pageLanguage = document.documentElement.lang || "en";
/** With the reader's country where that is known: the page says "en", but a day is written otherwise in London. */
export const language = navigator.languages.find((each) => each.split("-")[0] === pageLanguage) ?? pageLanguage;

/** The sentence with this key, its {places} filled. An unknown key shows itself, so that it is noticed. */
export function word(key: string, places: Record<string, string | number> = {}): string {
  const sentence = words[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(places[name] ?? whole));
}

/** A word that need not be there: the name of a step or an organ that the server may have or not. */
export function wordOr(key: string, otherwise: string): string {
  return words[key] ?? otherwise;
}
