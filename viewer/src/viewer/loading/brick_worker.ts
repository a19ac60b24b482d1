// Inflates and decodes bricks, so that the page stays free.
import { asBytes, asHalves, type BrickShape, cellRanges, checkEnds, DamagedBrick, decodeLabelBrick, decodeVolumeBrick } from "./brick_codec.ts";
import { hasHash } from "./ranges.ts";

export type TextureForm = "r16f" | "r8";

/** What is wanted of a brick. */
export type BrickWish =
  | { readonly kind: "texels"; readonly form: TextureForm; readonly unmeasured: number | null; readonly range: readonly [number, number] }
  | { readonly kind: "voxels"; readonly unmeasured: number | null }
  | { readonly kind: "labels"; readonly bytesEach: 1 | 2 };

/** The bytes as they came, and what the list says of them. */
export type BrickOrder = BrickWish & Expected & { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> };

interface Expected {
  readonly shape: BrickShape;
  readonly least: number;
  readonly greatest: number;
  /** Null in builds of older versions. */
  readonly sha256: string | null;
}

export type BrickAnswer =
  | { readonly id: number; readonly kind: "texels"; readonly texels: Uint16Array | Uint8Array; readonly cells: Int16Array }
  | { readonly id: number; readonly kind: "voxels"; readonly voxels: Int16Array }
  | { readonly id: number; readonly kind: "labels"; readonly labels: Uint8Array | Uint16Array }
  | { readonly id: number; readonly kind: "damaged"; readonly why: string };

async function inflated(bytes: Uint8Array<ArrayBuffer>, expected: number): Promise<Uint8Array> {
  const out = new Uint8Array(expected);
  let filled = 0;
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    // A damaged brick must not fill the memory: what does not fit ends it.
    if (filled + value.length > expected) throw new DamagedBrick(`more than ${expected} bytes`);
    out.set(value, filled);
    filled += value.length;
  }
  return out.subarray(0, filled);
}

async function answer(order: BrickOrder): Promise<[BrickAnswer, Transferable[]]> {
  const { id, shape } = order;
  if (!(await hasHash(order.bytes, order.sha256))) throw new DamagedBrick("other bytes than were written");
  const count = shape[0] * shape[1] * shape[2];
  const raw = await inflated(order.bytes, count * (order.kind === "labels" ? order.bytesEach : 2));
  if (order.kind === "labels") {
    const labels = decodeLabelBrick(raw, shape, order.bytesEach);
    checkEnds(labels, order, null);
    return [{ id, kind: "labels", labels }, [labels.buffer as ArrayBuffer]];
  }
  const voxels = decodeVolumeBrick(raw, shape);
  checkEnds(voxels, order, order.unmeasured);
  if (order.kind === "voxels") return [{ id, kind: "voxels", voxels }, [voxels.buffer as ArrayBuffer]];
  const cells = cellRanges(voxels, shape, order.unmeasured);
  const texels = order.form === "r16f" ? asHalves(voxels, order.unmeasured) : asBytes(voxels, order.unmeasured, order.range);
  return [{ id, kind: "texels", texels, cells }, [texels.buffer as ArrayBuffer, cells.buffer as ArrayBuffer]];
}

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<BrickOrder>) => void;
  postMessage: (message: BrickAnswer, transfer: Transferable[]) => void;
};

scope.onmessage = (event) => {
  answer(event.data).then(
    ([message, transfer]) => scope.postMessage(message, transfer),
    (error: unknown) => scope.postMessage({ id: event.data.id, kind: "damaged", why: String(error) }, []),
  );
};
