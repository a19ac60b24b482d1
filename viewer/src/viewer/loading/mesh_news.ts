// What comes of the meshes, and what does not: to the stage, and into the state so that it can be said.
import type { DetailLevel, Organ } from "../model/manifest.ts";
import type { Store } from "../state/store.ts";
import type { Detail } from "../state/view_state.ts";
import type { Mesh } from "./mesh_messages.ts";
import type { MeshNews, MeshSource } from "./meshes.ts";
import { keyOfFlaw } from "../words.ts";
import type { LoadFlaw } from "./ranges.ts";

const SLOW_MS = 6000;

export interface MeshDesk extends MeshNews {
  isCoarseThere(): boolean;
  hasFailed(id: string, level: DetailLevel): boolean;
  retry(meshes: MeshSource): void;
}

export function meshNews(store: Store, organs: { take(mesh: Mesh): void }, invalidate: () => void): MeshDesk {
  const failed = new Map<string, Set<DetailLevel>>();
  /** Organs of which some mesh is there. */
  const there = new Set<string>();
  const nameOf = (id: string) => store.state.manifest.organs.find((organ) => organ.id === id)?.name ?? id;
  /** Of which nothing is there, and nothing is on its way. */
  const withoutAny = () => [...failed].filter(([id, levels]) => levels.has("coarse") && !there.has(id)).map(([id]) => id);
  const settled = () => there.size + withoutAny().length;
  const isCoarseThere = () => settled() >= store.state.manifest.organs.length;
  const say = (id: string, key: string, places: Record<string, string | number>) =>
    store.dispatch({ type: "notice", notice: { id, key, places, kind: id === "slow" ? "warn" : "bad", retry: id === "slow" ? null : "meshes" } });

  const fresh: Record<string, Detail> = {};
  let isTelling = false;
  /** Hundreds may come at once: the state hears of them together, before the next frame. */
  function tell(id: string, detail: Detail): void {
    fresh[id] = detail;
    if (isTelling) return;
    isTelling = true;
    requestAnimationFrame(() => {
      isTelling = false;
      store.dispatch({ type: "details", details: { ...fresh } });
      for (const one of Object.keys(fresh)) delete fresh[one];
      if (isCoarseThere()) store.dispatch({ type: "notice-close", id: "slow" });
    });
  }

  setTimeout(() => {
    if (!isCoarseThere()) say("slow", "slow", {});
  }, SLOW_MS);

  function sayFailed(id: string, level: DetailLevel, flaw: LoadFlaw): void {
    const isAway = flaw === "network" || flaw === "server";
    // Of which nothing is there, that has been said.
    if (level !== "coarse" && !there.has(id)) return;
    if (level !== "coarse") return say(`detail-${id}`, keyOfFlaw(flaw, "detail-failed"), { name: nameOf(id) });
    const count = withoutAny().length;
    const key = isAway ? ["mesh-network", "meshes-network"] : ["mesh-failed", "meshes-failed"];
    say("meshes", keyOfFlaw(flaw, key[count > 1 ? 1 : 0] ?? ""), { name: nameOf(id), count });
  }

  /** A notice that has become untrue goes; the one who closed it is not told again. */
  function unsay(id: string, level: DetailLevel): void {
    const isSaid = (notice: string) => store.state.notices.some((one) => one.id === notice);
    if (level !== "coarse" && isSaid(`detail-${id}`)) store.dispatch({ type: "notice-close", id: `detail-${id}` });
    if (!isSaid("meshes")) return;
    const [first, ...more] = withoutAny();
    if (first === undefined) store.dispatch({ type: "notice-close", id: "meshes" });
    else say("meshes", more.length ? "meshes-failed" : "mesh-failed", { name: nameOf(first), count: more.length + 1 });
  }

  return {
    arrived(mesh) {
      const wasLost = failed.get(mesh.id)?.delete(mesh.level) ?? false;
      const wasWithout = withoutAny().includes(mesh.id);
      there.add(mesh.id);
      organs.take(mesh);
      tell(mesh.id, mesh.level);
      if (wasLost || wasWithout) unsay(mesh.id, mesh.level);
      invalidate();
    },
    failed(id, level, flaw) {
      failed.set(id, (failed.get(id) ?? new Set()).add(level));
      if (level === "coarse" && !there.has(id)) tell(id, "failed");
      sayFailed(id, level, flaw);
    },
    isCoarseThere,
    hasFailed: (id, level) => failed.get(id)?.has(level) ?? false,
    retry(meshes) {
      const known = new Map<string, Organ>(store.state.manifest.organs.map((organ) => [organ.id, organ]));
      const again = [...failed];
      failed.clear();
      for (const [id, levels] of again) {
        const organ = known.get(id);
        for (const level of levels) if (organ) meshes.load(organ, level);
      }
    },
  };
}
