// Inflates and decodes bricks, so that the page stays free.
import { asBytes, asHalves, type BrickShape, cellRanges, DamagedBrick, decodeLabelBrick, decodeVolumeBrick } from "./brick_codec.ts";

export type TextureForm = "r16f" | "r8";

export type BrickOrder = { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer>; readonly shape: BrickShape } & (
  | { readonly kind: "texels"; readonly form: TextureForm; readonly unmeasured: number | null; readonly range: readonly [number, number] }
  | { readonly kind: "voxels" }
  | { readonly kind: "labels"; readonly bytesEach: 1 | 2 }
);

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
  const count = shape[0] * shape[1] * shape[2];
  const raw = await inflated(order.bytes, count * (order.kind === "labels" ? order.bytesEach : 2));
  if (order.kind === "labels") {
    const labels = decodeLabelBrick(raw, shape, order.bytesEach);
    return [{ id, kind: "labels", labels }, [labels.buffer as ArrayBuffer]];
  }
  const voxels = decodeVolumeBrick(raw, shape);
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
