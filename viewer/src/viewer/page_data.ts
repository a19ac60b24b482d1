// What the server wrote into the page for the viewer.
import type { Manifest } from "./model/manifest.ts";

export interface Format {
  readonly name: string;
  readonly title: string;
  readonly purpose: string;
  /** Of a GLB that not every program opens: which do. */
  readonly packed: string;
  readonly url: string;
  readonly size: number | null;
}

export interface Said {
  readonly organs: Readonly<Record<string, { readonly name: string; readonly reasons: readonly string[] }>>;
  readonly groups: Readonly<Record<string, string>>;
  readonly notFound: Readonly<Record<string, { readonly name: string; readonly reason: string }>>;
  readonly formats: readonly Format[];
  /** Of a picture's model: from where it has its length, a sentence; "" for what was measured. */
  readonly lengthFrom: string;
}

export interface PageData {
  readonly main: HTMLElement;
  readonly build: string;
  /** What a file's name is put behind, as a whole address: a worker has no page to be relative to. */
  readonly files: string;
  readonly scene: string;
  readonly title: string;
  readonly caseTitle: string;
  readonly casePage: string;
  readonly certificatePage: string;
  readonly canEdit: boolean;
  readonly canShare: boolean;
  /** Where measurements are kept; "" where they cannot be. */
  readonly measurements: string;
  readonly signIn: string;
  readonly said: Said;
}

export function pageData(main: HTMLElement): PageData {
  const island = document.getElementById("viewer-words")?.textContent;
  const said = (island ? JSON.parse(island) : {}) as Partial<Said>;
  const of = (name: string): string => main.dataset[name] ?? "";
  return {
    main,
    build: of("build"),
    files: new URL(of("files"), location.href).href,
    scene: of("scene"),
    title: of("title"),
    caseTitle: of("caseTitle"),
    casePage: of("casePage"),
    certificatePage: of("certificatePage"),
    canShare: main.dataset["canShare"] !== undefined,
    canEdit: main.dataset["canEdit"] !== undefined,
    measurements: of("measurements"),
    signIn: of("signIn"),
    said: { organs: said.organs ?? {}, groups: said.groups ?? {}, notFound: said.notFound ?? {}, formats: said.formats ?? [], lengthFrom: said.lengthFrom ?? "" },
  };
}

/** The names and reasons of the manifest in the reader's language. */
export function inPageLanguage(manifest: Manifest, said: Said): Manifest {
  return {
    ...manifest,
    organs: manifest.organs.map((organ) => ({ ...organ, ...said.organs[organ.id] })),
    groups: manifest.groups.map((group) => ({ ...group, name: Object.hasOwn(said.groups, group.id) ? (said.groups[group.id] ?? group.name) : group.name })),
    notFound: manifest.notFound.map((one) => ({ ...one, ...said.notFound[one.id] })),
  };
}
