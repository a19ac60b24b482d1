// Organs and the groups they stand in -> a tree; and what of it a search leaves.
import type { Manifest, Organ } from "./manifest.ts";

export interface TreeNode {
  readonly id: string;
  readonly name: string;
  /** null for a group. */
  readonly organ: Organ | null;
  readonly children: readonly TreeNode[];
}

/** In the order of the manifest; a group without organs, a lost parent and a circle are passed over. */
export function treeOf(manifest: Pick<Manifest, "organs" | "groups">): TreeNode[] {
  const groups = new Map(manifest.groups.map((group) => [group.id, group]));
  const organs = new Map(manifest.organs.map((organ) => [organ.id, organ]));
  const children = new Map<string | null, { id: string; isGroup: boolean }[]>();
  const placed = new Set<string>();

  const parentOf = (id: string): string | null => {
    const parent = groups.get(id)?.parent ?? organs.get(id)?.parent ?? null;
    if (parent === null || parent === id) return null;
    return groups.has(parent) || organs.has(parent) ? parent : null;
  };
  function place(id: string, isGroup: boolean, above: readonly string[] = []): void {
    if (placed.has(id) || above.includes(id)) return;
    const parent = parentOf(id);
    const isCircle = parent !== null && above.includes(parent);
    if (parent !== null && !isCircle && groups.has(parent) && !organs.has(parent)) place(parent, true, [...above, id]);
    placed.add(id);
    const under = isCircle ? null : parent;
    children.set(under, [...(children.get(under) ?? []), { id, isGroup }]);
  }
  for (const organ of manifest.organs) place(organ.id, false);

  const grown = (parent: string | null): TreeNode[] =>
    (children.get(parent) ?? []).map(({ id, isGroup }) => ({
      id,
      name: (isGroup ? groups.get(id)?.name : organs.get(id)?.name) ?? id,
      organ: isGroup ? null : (organs.get(id) ?? null),
      children: grown(id),
    }));
  const tree = grown(null);
  // An organ that hangs in a circle of parents is reached from nowhere: it stands at the top.
  const reached = new Set(tree.flatMap(organsIn).map((organ) => organ.id));
  const lost = manifest.organs.filter((organ) => !reached.has(organ.id));
  return [...tree, ...lost.map((organ): TreeNode => ({ id: organ.id, name: organ.name, organ, children: [] }))];
}

export function organsIn(node: TreeNode): Organ[] {
  return [...(node.organ ? [node.organ] : []), ...node.children.flatMap(organsIn)];
}

/** What has the words in its name, with what it stands in; everything under a group that has them. */
export function found(tree: readonly TreeNode[], search: string): TreeNode[] {
  const words = folded(search).split(/\s+/).filter(Boolean);
  if (!words.length) return [...tree];
  const within = (node: TreeNode): TreeNode[] => {
    const name = folded(`${node.name} ${node.organ?.code?.meaning ?? ""}`);
    if (words.every((one) => name.includes(one))) return [node];
    const children = node.children.flatMap(within);
    return children.length ? [{ ...node, children, organ: null }] : [];
  };
  return tree.flatMap(within);
}

/** Without capitals and accents: "Ösophagus" is found by "oso". */
const folded = (text: string): string => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
