// The walls between the folders: what may be imported where, no circles, no `any`, nothing too long.
import { expect, test } from "vitest";

const SOURCES = import.meta.glob<string>("../../src/viewer/**/*.ts", { query: "?raw", import: "default", eager: true });
const ROOT = "../../src/viewer/";
const files = new Map(Object.entries(SOURCES).map(([path, text]) => [path.slice(ROOT.length), text]));
const code = (path: string): string => (files.get(path) ?? "").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");

function importsOf(path: string, isTypesToo = true): string[] {
  const text = files.get(path) ?? "";
  const found = [...text.matchAll(/(?:import|export)\s+(type\s)?[^;"']*?from\s+"([^"]+)"/g)];
  return found.filter(([, type]) => isTypesToo || !type).map(([, , from = ""]) => resolved(path, from));
}

function resolved(path: string, from: string): string {
  if (!from.startsWith(".")) return from;
  const parts = path.split("/").slice(0, -1);
  for (const step of from.split("/")) {
    if (step === "..") parts.pop();
    else if (step !== ".") parts.push(step);
  }
  return parts.join("/");
}

const inFolder = (folder: string) => [...files.keys()].filter((path) => path.startsWith(`${folder}/`));

test("there is something to look at", () => {
  expect(files.size).toBeGreaterThan(40);
});

test("the model knows the model alone", () => {
  const strangers = inFolder("model").flatMap((path) => importsOf(path).filter((one) => !one.startsWith("model/")));
  expect(strangers).toEqual([]);
});

test("the state knows the model and itself", () => {
  const strangers = inFolder("state").flatMap((path) =>
    importsOf(path).filter((one) => !one.startsWith("model/") && !one.startsWith("state/")),
  );
  expect(strangers).toEqual([]);
});

test("neither model nor state speaks to a page", () => {
  const page = /(?<![.\w])(document|window|navigator|localStorage|HTMLElement|requestAnimationFrame|matchMedia|fetch)\b[.(<]/;
  expect([...inFolder("model"), ...inFolder("state")].filter((path) => page.test(code(path)))).toEqual([]);
});

test("only scene, slices and loading know the engine", () => {
  const knows = [...files.keys()].filter((path) => importsOf(path).includes("three"));
  expect(knows.filter((path) => !/^(scene|slices|loading)\//.test(path))).toEqual([]);
});

test("tools do not know panels, nor panels the loading", () => {
  expect(inFolder("tools").filter((path) => importsOf(path).some((one) => one.startsWith("panels/")))).toEqual([]);
  expect(inFolder("panels").filter((path) => importsOf(path, false).some((one) => one.startsWith("loading/")))).toEqual([]);
});

test("no import goes in a circle", () => {
  const done = new Set<string>();
  const circles: string[] = [];
  function walk(path: string, above: readonly string[]): void {
    if (above.includes(path)) circles.push([...above.slice(above.indexOf(path)), path].join(" > "));
    if (done.has(path) || above.includes(path)) return;
    for (const next of importsOf(path, false)) if (files.has(next)) walk(next, [...above, path]);
    done.add(path);
  }
  for (const path of files.keys()) walk(path, []);
  expect(circles).toEqual([]);
});

test("nothing is of any type", () => {
  const any = /[:<|&,]\s*any\b(?!\()|\bas any\b|@ts-(ignore|nocheck|expect-error)/;
  expect([...files.keys()].filter((path) => any.test(code(path)))).toEqual([]);
});

test("no file has more than 400 lines", () => {
  expect([...files].filter(([, text]) => text.split("\n").length > 401).map(([path]) => path)).toEqual([]);
});
