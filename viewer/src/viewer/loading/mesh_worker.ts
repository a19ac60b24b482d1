// Fetches, checks and decodes meshes beside the page, keeps their trees, and answers what a ray meets.
import { decodeMesh } from "./decode_mesh.ts";
import { type MeshTree, growTree, pick, seenPoint } from "./mesh_tree.ts";
import type { AnchorPoint, AnchorWish, FromWorker, Mesh, MeshWish, ToWorker } from "./mesh_messages.ts";
import { LoadFailed, fetchRange, flawOf } from "./ranges.ts";

/** Of each organ the finest mesh that is drawn; its tree grows when there is time, or when somebody asks. */
const meshes = new Map<string, Mesh>();
const trees = new Map<string, MeshTree>();
/** What is left when the finest goes: never "full", whose size has no bound. */
const coarser = new Map<string, Mesh>();
const waiting: string[] = [];
const LONGEST_STRETCH = 64 * 2 ** 20;
const ORDER = { coarse: 0, medium: 1, full: 2 } as const;

const post = self.postMessage.bind(self) as (message: FromWorker, transfer?: Transferable[]) => void;

self.addEventListener("message", (event: MessageEvent<ToWorker>) => {
  const wish = event.data;
  if (wish.type === "pick") {
    const start = performance.now();
    const hit = pick(wish.ray, treeOf);
    post({ type: "picked", request: wish.request, hit, tookMs: performance.now() - start });
  } else if (wish.type === "drop") drop(wish.id);
  else if (wish.type === "anchors") void anchor(wish.request, wish.wish);
  else if (wish.type === "load") void load(wish.files, wish.wish);
  else void loadTogether(wish.files, wish.wishes);
});

async function load(files: string, wish: MeshWish): Promise<void> {
  try {
    const bytes = await fetchRange(files + wish.mesh.file, wish.mesh.offset, wish.mesh.bytes);
    await take(wish, bytes);
  } catch (fault) {
    fail(wish, fault);
  }
}

/** One request for the stretch that holds them all. */
async function loadTogether(files: string, wishes: readonly MeshWish[]): Promise<void> {
  const start = Math.min(...wishes.map((one) => one.mesh.offset));
  const end = Math.max(...wishes.map((one) => one.mesh.offset + one.mesh.bytes));
  const name = wishes[0]?.mesh.file ?? "";
  try {
    // One that lies far off, or says so, must not make the others wait.
    if (end - start > LONGEST_STRETCH) throw new LoadFailed("damaged", name);
    const whole = await fetchRange(files + name, start, end - start);
    for (const wish of wishes) {
      const from = wish.mesh.offset - start;
      await take(wish, whole.subarray(from, from + wish.mesh.bytes)).catch((fault: unknown) => fail(wish, fault));
    }
  } catch (fault) {
    // Only a stretch that is damaged or too short may have good parts: from a server that does not answer none will come.
    const flaw = flawOf(fault);
    if (flaw !== "damaged" && flaw !== "missing") return wishes.forEach((wish) => fail(wish, fault));
    for (const wish of wishes) await load(files, wish);
  }
}

async function take(wish: MeshWish, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const mesh = await decodeMesh(wish, bytes);
  const known = meshes.get(wish.id);
  if (!known || ORDER[known.level] < ORDER[mesh.level]) {
    const own = { ...mesh, places: null, positions: mesh.positions.slice(), indices: mesh.indices.slice() };
    meshes.set(wish.id, own);
    if (mesh.level !== "full") coarser.set(wish.id, own);
    waiting.push(wish.id);
    setTimeout(growNext, 50);
  }
  const given = [mesh.positions.buffer, mesh.normals.buffer, mesh.indices.buffer];
  post({ type: "mesh", mesh }, mesh.places ? [...given, mesh.places.buffer] : given);
}

function drop(id: string): void {
  const left = coarser.get(id);
  if (!left || meshes.get(id)?.level !== "full") return;
  meshes.set(id, left);
  trees.delete(id);
}

function fail(wish: MeshWish, fault: unknown): void {
  post({ type: "failed", id: wish.id, level: wish.level, flaw: flawOf(fault) });
}

/** One tree at a time, so that a question in between is answered soon. */
function growNext(): void {
  const id = waiting.pop();
  if (id === undefined) return;
  grow(id);
  if (waiting.length) setTimeout(growNext, 0);
}

function grow(id: string): void {
  const mesh = meshes.get(id);
  if (!mesh || mesh.positions.length === 0) return;
  trees.set(id, growTree(mesh));
  // The tree has copies of its own; which level it is has still to be known.
  meshes.set(id, { ...mesh, positions: new Uint16Array(0), indices: new Uint16Array(0) });
}

let newestAnchors = 0;

/** One organ at a time, so that a pick in between is answered soon; a newer wish ends an older one. */
async function anchor(request: number, wish: AnchorWish): Promise<void> {
  newestAnchors = request;
  const anchors: AnchorPoint[] = [];
  for (const id of wish.ids) {
    const pointLpsMm = seenPoint(id, wish, treeOf);
    if (pointLpsMm) anchors.push({ id, pointLpsMm });
    await new Promise((next) => setTimeout(next, 0));
    if (newestAnchors !== request) return;
  }
  post({ type: "anchored", request, anchors });
}

/** The finest tree there is; the first question to an organ grows its first. */
function treeOf(id: string): MeshTree | undefined {
  if (!trees.has(id)) grow(id);
  return trees.get(id);
}
