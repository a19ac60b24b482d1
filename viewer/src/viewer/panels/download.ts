// Something made here -> a file of the reader's.
import type { Manifest } from "../model/manifest.ts";
import type { PageData } from "../page_data.ts";

export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // After the browser has begun to read it.
  setTimeout(() => URL.revokeObjectURL(link.href), 30_000);
}

/** Of the case and the build, without what a file system would stumble over. */
export function fileName(page: Pick<PageData, "caseTitle" | "title">, { estimate }: Pick<Manifest, "estimate">, ending: string): string {
  const said = `${page.caseTitle} ${page.title}`.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
  // As the server has it in the names of files, in every language.
  return `${said.slice(0, 80) || "plastinate"}${estimate ? "-ESTIMATED" : ""}.${ending}`;
}
