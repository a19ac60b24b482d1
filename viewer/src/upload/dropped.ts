// What was dropped or chosen -> files with their paths, folders walked, and what systems leave lying about left out.
import type { Entry } from "./zip.ts";

const LITTER = /^(\.DS_Store|\._.*|Thumbs\.db|desktop\.ini|\.Spotlight-V100|\.Trashes)$/i;

/** Everything under what was dropped. */
export async function filesDropped(transfer: DataTransfer): Promise<Entry[]> {
  // All entries must be taken before the first wait: the list is emptied when the event is over.
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const found: Entry[] = [];
  for (const root of roots) await walk(root, found);
  return found.filter(isWanted);
}

/** What a file field holds; with the path below the folder where a folder was chosen. */
export function filesChosen(files: FileList): Entry[] {
  return [...files].map((file) => ({ name: file.webkitRelativePath || file.name, data: file })).filter(isWanted);
}

async function walk(entry: FileSystemEntry, found: Entry[]): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((take, fail) => (entry as FileSystemFileEntry).file(take, fail));
    found.push({ name: entry.fullPath.replace(/^\/+/, ""), data: file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A hundred at a time, until none is left.
    const some = await new Promise<FileSystemEntry[]>((take, fail) => reader.readEntries(take, fail));
    if (some.length === 0) return;
    for (const each of some) await walk(each, found);
  }
}

function isWanted(entry: Entry): boolean {
  const parts = entry.name.split("/");
  return !parts.includes("__MACOSX") && !LITTER.test(parts.at(-1) ?? "") && entry.data.size > 0;
}
