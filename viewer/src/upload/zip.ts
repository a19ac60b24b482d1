// Files -> one stored zip, as a Blob that names the files and holds no copy of them: only the headers are in
// memory, and the bytes are read from disk when they are sent. The same files give the same bytes, whatever
// the order they came in and whenever that was, so an upload that was broken off goes on where it stopped.
import { crc32 } from "./crc32.ts";

export interface Entry {
  /** Path inside the zip, with forward slashes. */
  name: string;
  data: Blob;
}

export interface Zip {
  blob: Blob;
  /** Equal for equal names and contents. */
  fingerprint: string;
}

export interface ZipOptions {
  /** Called with the bytes looked at so far. */
  progress?: (bytes: number) => void;
  signal?: AbortSignal;
  /** From which size or offset, and which number of entries, the 64-bit fields are used: tests lower it. */
  limits?: { bytes: number; entries: number };
}

interface Placed extends Entry {
  path: Uint8Array<ArrayBuffer>;
  crc: number;
  offset: number;
}

const STEP_BYTES = 8 << 20;
const FULL_32 = 0xffffffff;
const FULL_16 = 0xffff;
const LIMITS = { bytes: FULL_32, entries: FULL_16 };
const NAMES_ARE_UTF8 = 1 << 11;
// 1 January 1980, the first date there is: the clock is no part of the content.
const DATE = 0x0021;

export async function zipOf(entries: readonly Entry[], options: ZipOptions = {}): Promise<Zip> {
  const limits = options.limits ?? LIMITS;
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  const placed: Placed[] = [];
  let offset = 0;
  let looked = 0;
  for (const entry of sorted(entries)) {
    const path = new TextEncoder().encode(entry.name);
    const crc = await checksum(entry.data, options.signal, (bytes) => options.progress?.(looked + bytes));
    looked += entry.data.size;
    const one: Placed = { ...entry, path, crc, offset };
    const header = localHeader(one, limits.bytes);
    parts.push(header, entry.data);
    placed.push(one);
    offset += header.length + entry.data.size;
  }
  const directory = placed.map((one) => centralHeader(one, limits.bytes));
  const directoryBytes = directory.reduce((sum, each) => sum + each.length, 0);
  const end = endOfDirectory(placed.length, directoryBytes, offset, limits);
  const summed = [...directory, end].reduce((crc, each) => crc32(each, crc), 0);
  const blob = new Blob([...parts, ...directory, end], { type: "application/zip" });
  return { blob, fingerprint: `zip-${blob.size}-${summed.toString(16).padStart(8, "0")}` };
}

/** By name, byte for byte; two of the same name are told apart. */
function sorted(entries: readonly Entry[]): Entry[] {
  const order = [...entries].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.data.size - b.data.size));
  const seen = new Set<string>();
  return order.map((entry) => {
    let name = entry.name;
    for (let copy = 2; seen.has(name); copy++) name = `${copy}/${entry.name}`;
    seen.add(name);
    return { ...entry, name };
  });
}

async function checksum(data: Blob, signal: AbortSignal | undefined, told: (bytes: number) => void): Promise<number> {
  let crc = 0;
  for (let at = 0; at < data.size; at += STEP_BYTES) {
    signal?.throwIfAborted();
    const bytes = new Uint8Array(await data.slice(at, at + STEP_BYTES).arrayBuffer());
    crc = crc32(bytes, crc);
    told(at + bytes.length);
  }
  return crc;
}

/** Writes little-endian fields one after the other. */
class Fields {
  private readonly bytes: number[] = [];

  put(value: number, width: 2 | 4 | 8): this {
    let rest = value;
    for (let at = 0; at < width; at++) {
      this.bytes.push(rest % 256);
      rest = Math.floor(rest / 256);
    }
    return this;
  }

  with(...more: Uint8Array[]): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(this.bytes.length + more.reduce((sum, each) => sum + each.length, 0));
    whole.set(this.bytes);
    let at = this.bytes.length;
    for (const each of more) {
      whole.set(each, at);
      at += each.length;
    }
    return whole;
  }
}

/** The extra field that carries the numbers which do not fit into 32 bits. */
function wide(numbers: number[]): Uint8Array {
  if (numbers.length === 0) return new Uint8Array();
  const fields = new Fields().put(0x0001, 2).put(8 * numbers.length, 2);
  for (const each of numbers) fields.put(each, 8);
  return fields.with();
}

function localHeader(one: Placed, limit: number): Uint8Array<ArrayBuffer> {
  const isWide = one.data.size >= limit;
  const extra = wide(isWide ? [one.data.size, one.data.size] : []);
  const size = isWide ? FULL_32 : one.data.size;
  return new Fields()
    .put(0x04034b50, 4)
    .put(isWide ? 45 : 20, 2)
    .put(NAMES_ARE_UTF8, 2)
    .put(0, 2)
    .put(0, 2)
    .put(DATE, 2)
    .put(one.crc, 4)
    .put(size, 4)
    .put(size, 4)
    .put(one.path.length, 2)
    .put(extra.length, 2)
    .with(one.path, extra);
}

function centralHeader(one: Placed, limit: number): Uint8Array<ArrayBuffer> {
  const isWide = one.data.size >= limit;
  const isFar = one.offset >= limit;
  const extra = wide([...(isWide ? [one.data.size, one.data.size] : []), ...(isFar ? [one.offset] : [])]);
  const size = isWide ? FULL_32 : one.data.size;
  return new Fields()
    .put(0x02014b50, 4)
    .put(45, 2)
    .put(isWide || isFar ? 45 : 20, 2)
    .put(NAMES_ARE_UTF8, 2)
    .put(0, 2)
    .put(0, 2)
    .put(DATE, 2)
    .put(one.crc, 4)
    .put(size, 4)
    .put(size, 4)
    .put(one.path.length, 2)
    .put(extra.length, 2)
    .put(0, 2)
    .put(0, 2)
    .put(0, 2)
    .put(0, 4)
    .put(isFar ? FULL_32 : one.offset, 4)
    .with(one.path, extra);
}

function endOfDirectory(
  count: number, bytes: number, offset: number, limits: { bytes: number; entries: number },
): Uint8Array<ArrayBuffer> {
  const isWide = count >= limits.entries || bytes >= limits.bytes || offset >= limits.bytes;
  const fields = new Fields();
  if (isWide) {
    fields.put(0x06064b50, 4).put(44, 8).put(45, 2).put(45, 2).put(0, 4).put(0, 4);
    fields.put(count, 8).put(count, 8).put(bytes, 8).put(offset, 8);
    fields.put(0x07064b50, 4).put(0, 4).put(offset + bytes, 8).put(1, 4);
  }
  const shown = isWide ? FULL_16 : count;
  return fields
    .put(0x06054b50, 4)
    .put(0, 2)
    .put(0, 2)
    .put(shown, 2)
    .put(shown, 2)
    .put(isWide ? FULL_32 : bytes, 4)
    .put(isWide ? FULL_32 : offset, 4)
    .put(0, 2)
    .with();
}
