// Writes zips into a folder, for the tests of another language to judge: node write_zips.ts FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "../src/upload/crc32.ts";
import { type Entry, zipOf } from "../src/upload/zip.ts";

const folder = process.argv[2] ?? ".";
const contents = (seed: number, length: number) =>
  new Blob([Uint8Array.from({ length }, (_, at) => (at * 31 + seed * 17 + (at >> 8)) & 0xff)]);

const some: Entry[] = [
  { name: "scan/IM0002.dcm", data: contents(2, 70_001) },
  { name: "scan/IM0001.dcm", data: contents(1, 65_536) },
  { name: "scan/Übersicht 写真.dcm", data: contents(3, 7) },
  { name: "scan/a/b/c", data: contents(4, 1) },
];
const wide = { bytes: 65_536, entries: 3 };

async function write(name: string, zip: { blob: Blob; fingerprint: string }): Promise<string> {
  writeFileSync(join(folder, name), new Uint8Array(await zip.blob.arrayBuffer()));
  return zip.fingerprint;
}

const told: number[] = [];
const fingerprints = {
  plain: await write("plain.zip", await zipOf(some, { progress: (bytes) => told.push(bytes) })),
  otherOrder: await write("other-order.zip", await zipOf([...some].reverse())),
  otherContent: await write("other-content.zip", await zipOf([...some.slice(1), { name: "scan/IM0002.dcm", data: contents(9, 70_001) }])),
  wide: await write("wide.zip", await zipOf(some, { limits: wide })),
  twice: await write("twice.zip", await zipOf([...some, { name: "scan/IM0001.dcm", data: contents(5, 10) }])),
};

const stopped = new AbortController();
stopped.abort();
const refusal = await zipOf(some, { signal: stopped.signal }).then(() => "", (error: Error) => error.name);
const [first = new Uint8Array(), ...rest] = [...Array(5).keys()].map((at) => readFileSync(join(folder, "plain.zip")).subarray(at * 7, at * 7 + 1000 + at));
const inParts = [first, ...rest].reduce((crc, part) => crc32(part, crc), 0);
const atOnce = crc32(Buffer.concat([first, ...rest]));
console.log(JSON.stringify({ fingerprints, told, refusal, areCrcsEqual: inParts === atOnce }));
