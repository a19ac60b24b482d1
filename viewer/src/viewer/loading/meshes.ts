// The page's side of the meshes: asks the worker, and hands on what comes.
import { busy } from "../busy.ts";
import type { DetailLevel, Manifest, Organ } from "../model/manifest.ts";
import type { AnchorPoint, AnchorWish, FromWorker, Hit, Mesh, MeshWish, RayWish, ToWorker } from "./mesh_messages.ts";
import type { LoadFlaw } from "./ranges.ts";

export interface MeshNews {
  arrived(mesh: Mesh): void;
  failed(id: string, level: DetailLevel, flaw: LoadFlaw): void;
}

export interface Picked {
  readonly hit: Hit | null;
  /** In the worker, and until the answer was here. */
  readonly tookMs: number;
  readonly waitedMs: number;
}

export interface MeshSource {
  /** Who hears of what comes; what came before is told at once. */
  tell(news: MeshNews): void;
  /** Every organ's coarse mesh, all of one file in one request. */
  loadCoarse(manifest: Manifest): void;
  load(organ: Organ, level: DetailLevel): void;
  /** Its finest mesh is not drawn any more. */
  drop(id: string): void;
  pick(ray: RayWish): Promise<Picked>;
  /** Where each organ is seen; the answer comes unless somebody asks anew. */
  anchors(wish: AnchorWish, answer: (anchors: readonly AnchorPoint[]) => void): void;
  dispose(): void;
}

export function startMeshes(files: string): MeshSource {
  const learnt = new Map<string, MeshWish>();
  const asked = new Map<number, { since: number; answer: (picked: Picked) => void }>();
  const underWay = new Map<string, MeshWish>();
  let news: MeshNews | undefined;
  const untold: ((news: MeshNews) => void)[] = [];
  const hear = (telling: (news: MeshNews) => void): void => {
    if (news) telling(news);
    else untold.push(telling);
  };
  let requests = 0;
  let anchoring: { request: number; answer: (anchors: readonly AnchorPoint[]) => void } | undefined;
  let worker: Worker | undefined = start();
  let hasReplaced = false;

  function start(): Worker {
    const one = new Worker(new URL("./mesh_worker.ts", import.meta.url), { type: "module" });
    let hasAnswered = false;
    one.addEventListener("message", (event: MessageEvent<FromWorker>) => {
      hasAnswered = true;
      take(event.data);
      // After those who were waiting have taken it up.
      tellBusy();
    });
    // Its script did not arrive, or it ran out of memory.
    one.addEventListener("error", () => {
      one.terminate();
      worker = undefined;
      // It may be that nothing is owed, and nobody would ask for a mesh: what can be picked is not to be lost for good.
      const isOwed = underWay.size > 0;
      loseAll();
      if (!hasAnswered || hasReplaced || isOwed) return;
      hasReplaced = true;
      worker = replaced();
    });
    return one;
  }

  /** Another worker, which learns again what the one before it knew. */
  function replaced(): Worker {
    const one = start();
    for (const wish of learnt.values()) one.postMessage({ type: "load", files, wish } satisfies ToWorker);
    return one;
  }

  /** Only who asks for a mesh starts another worker: questions come with every movement of the hand. */
  function send(message: ToWorker): void {
    if (message.type === "load" || message.type === "together") worker ??= replaced();
    worker?.postMessage(message);
    if (!worker) loseAll();
    tellBusy();
  }

  function tellBusy(): void {
    busy("meshes", underWay.size > 0);
    busy("pick", asked.size > 0);
    busy("anchors", anchoring !== undefined);
  }
  const name = (id: string, level: DetailLevel) => `${level} ${id}`;

  /** What nobody waits for was learnt again. */
  function take(told: FromWorker): void {
    if (told.type === "picked") {
      const question = asked.get(told.request);
      asked.delete(told.request);
      if (!question) return;
      // For whoever measures, in the browser's own list of timings.
      const timing = { start: question.since, end: performance.now(), detail: { tookMs: told.tookMs } };
      performance.measure("viewer:pick", timing);
      question.answer({ hit: told.hit, tookMs: told.tookMs, waitedMs: timing.end - timing.start });
    } else if (told.type === "anchored") {
      if (told.request !== anchoring?.request) return;
      const { answer } = anchoring;
      anchoring = undefined;
      answer(told.anchors);
    } else if (told.type === "mesh") {
      const of = name(told.mesh.id, told.mesh.level);
      const wish = underWay.get(of);
      if (!wish) return;
      underWay.delete(of);
      learnt.set(of, wish);
      hear((to) => to.arrived(told.mesh));
    } else if (underWay.delete(name(told.id, told.level))) hear((to) => to.failed(told.id, told.level, told.flaw));
  }

  /** Everything that is owed has failed. */
  function loseAll(): void {
    const lost = [...underWay.values()];
    underWay.clear();
    for (const wish of lost) hear((to) => to.failed(wish.id, wish.level, "program"));
    const questions = [...asked.values()];
    asked.clear();
    for (const { answer } of questions) answer({ hit: null, tookMs: 0, waitedMs: 0 });
    anchoring = undefined;
    tellBusy();
  }

  return {
    tell(to) {
      news = to;
      for (const telling of untold.splice(0)) telling(to);
    },
    loadCoarse(manifest) {
      const byFile = new Map<string, MeshWish[]>();
      for (const { id, meshes } of manifest.organs) {
        const wishes = byFile.get(meshes.coarse.file) ?? [];
        byFile.set(meshes.coarse.file, [...wishes, { id, level: "coarse", mesh: meshes.coarse }]);
      }
      for (const wishes of byFile.values()) {
        for (const wish of wishes) underWay.set(name(wish.id, "coarse"), wish);
        send({ type: "together", files, wishes });
      }
    },
    load(organ, level) {
      const mesh = organ.meshes[level];
      if (!mesh || underWay.has(name(organ.id, level))) return;
      const wish: MeshWish = { id: organ.id, level, mesh };
      underWay.set(name(organ.id, level), wish);
      send({ type: "load", files, wish });
    },
    drop(id) {
      learnt.delete(name(id, "full"));
      send({ type: "drop", id });
    },
    pick(ray) {
      requests += 1;
      const request = requests;
      return new Promise((answer) => {
        asked.set(request, { since: performance.now(), answer });
        send({ type: "pick", request, ray });
      });
    },
    anchors(wish, answer) {
      requests += 1;
      anchoring = { request: requests, answer };
      send({ type: "anchors", request: requests, wish });
    },
    dispose: () => worker?.terminate(),
  };
}
