// The organs as surfaces: one mesh each, in the finest detail that has come.
import {
  BufferAttribute,
  BufferGeometry,
  Group,
  InterleavedBuffer,
  InterleavedBufferAttribute,
  Mesh,
  Sphere,
  type Texture,
  Vector3,
} from "three";
import type { DetailLevel } from "../../model/manifest.ts";
import { sidesFor } from "../../model/clipping.ts";
import { middle, radius } from "../../model/vectors.ts";
import type { Mesh as MeshData } from "../../loading/mesh_messages.ts";
import { type Paint, type ViewState, isVisible } from "../../state/view_state.ts";
import { type Drawable, GLASS_LAYER } from "../drawable.ts";
import { type OrganMaterial, dress, organMaterial, paint, textureOf } from "../organ_material.ts";
import { enginePlane } from "../planes.ts";

export type OrganMesh = Mesh<BufferGeometry, OrganMaterial>;

export interface OrganMeshes extends Drawable {
  readonly object: Group;
  take(mesh: MeshData): void;
  /** What can lie on an organ has come: which is seen, the state says. */
  paint(id: string, kind: Paint, picture: ImageBitmap): void;
  has(id: string, level: DetailLevel): boolean;
  meshOf(id: string): OrganMesh | undefined;
  triangles(): number;
  /** Draw everything coarsely for now: it moves, and the device cannot keep up. */
  hurry(isHurried: boolean): void;
  /** Which level to draw of those that are there; the others go from memory, and it says of which organs a finer one. */
  choose(levels: ReadonlyMap<string, DetailLevel>): string[];
}

export function organMeshes(): OrganMeshes {
  const group = new Group();
  const meshes = new Map<string, OrganMesh>();
  const pictures = new Map<string, Map<Paint, Texture>>();
  const geometries = new Map<string, Map<DetailLevel, BufferGeometry>>();
  let known: ViewState | undefined;
  let chosen: ReadonlyMap<string, DetailLevel> = new Map();
  let isHurried = false;

  function meshFor(id: string): OrganMesh {
    let mesh = meshes.get(id);
    if (!mesh) {
      mesh = new Mesh(new BufferGeometry(), organMaterial());
      mesh.name = id;
      mesh.matrixAutoUpdate = false;
      meshes.set(id, mesh);
      group.add(mesh);
    }
    return mesh;
  }

  function put(id: string, level: DetailLevel): void {
    const geometry = geometries.get(id)?.get(level);
    const mesh = meshFor(id);
    if (!geometry || mesh.geometry === geometry) return;
    mesh.geometry = geometry;
    const { origin, step } = geometry.userData as { origin: [number, number, number]; step: number };
    mesh.matrix.makeScale(step, step, step).setPosition(...origin);
    mesh.matrixWorldNeedsUpdate = true;
    known = undefined;
  }

  return {
    pass: "solid",
    object: group,
    take(mesh) {
      const levels = geometries.get(mesh.id) ?? new Map<DetailLevel, BufferGeometry>();
      geometries.set(mesh.id, levels.set(mesh.level, geometryOf(mesh)));
      put(mesh.id, mesh.level);
    },
    paint(id, kind, picture) {
      const all = pictures.get(id) ?? new Map<Paint, Texture>();
      pictures.set(id, all.set(kind, textureOf(picture)));
      known = undefined;
    },
    has: (id, level) => geometries.get(id)?.has(level) ?? false,
    meshOf: (id) => meshes.get(id),
    triangles() {
      let sum = 0;
      for (const levels of geometries.values())
        for (const geometry of levels.values()) sum += (geometry.index?.count ?? 0) / 3;
      return sum;
    },
    hurry(now) {
      if (now === isHurried) return;
      isHurried = now;
      for (const [id, levels] of geometries) {
        const finest = chosen.get(id) ?? "coarse";
        put(id, !now && levels.has(finest) ? finest : "coarse");
      }
    },
    choose(wanted) {
      chosen = wanted;
      const dropped: string[] = [];
      if (isHurried) return dropped;
      for (const [id, levels] of geometries) {
        const level = wanted.get(id) ?? "coarse";
        if (levels.has(level)) put(id, level);
        for (const [other, geometry] of levels) {
          // Coarse stays: it is small, and needed the moment something turns.
          if (other === level || other === "coarse" || meshes.get(id)?.geometry === geometry) continue;
          geometry.dispose();
          levels.delete(other);
          if (other === "full") dropped.push(id);
        }
      }
      return dropped;
    },
    update(state) {
      if (known && isSame(known, state)) return false;
      known = state;
      for (const organ of state.manifest.organs) {
        const mesh = meshes.get(organ.id);
        const look = state.organs[organ.id];
        if (!mesh || !look) continue;
        mesh.visible = isVisible(state, organ.id) && look.opacity > 0 && mesh.geometry.index !== null;
        // Until the one that is wished for is there, the other stays.
        const all = pictures.get(organ.id);
        const kind = all?.has(state.paint) ? state.paint : all?.keys().next().value;
        const pictured = kind && all?.get(kind);
        if (pictured) paint(mesh.material, pictured, kind === "confidence");
        // A glow tells one among several; over all there is it would only wash out the picture.
        const isOnly = state.manifest.organs.length === 1 && organ.texture !== null;
        const glow = isOnly ? 0 : state.selected === organ.id ? 0.3 : state.hovered === organ.id ? 0.16 : 0;
        const planes = sidesFor(state.clip, organ.id).map(enginePlane);
        dress(mesh.material, { colour: look.colour, opacity: look.opacity, glow, planes });
        mesh.layers.set(look.opacity < 1 ? GLASS_LAYER : 0);
        // A large thing that is see-through is drawn after what lies in it.
        mesh.renderOrder = look.opacity < 1 ? radius(organ.boundsLpsMm) : 0;
        mesh.geometry.boundingSphere ??= localSphere(organ.boundsLpsMm, mesh.geometry);
      }
      return false;
    },
    dispose() {
      for (const mesh of meshes.values()) mesh.material.dispose();
      for (const all of pictures.values()) for (const picture of all.values()) picture.dispose();
      for (const levels of geometries.values()) for (const geometry of levels.values()) geometry.dispose();
    },
  };
}

function isSame(a: ViewState, b: ViewState): boolean {
  return (
    a.organs === b.organs &&
    a.paint === b.paint &&
    a.solo === b.solo &&
    a.selected === b.selected &&
    a.hovered === b.hovered &&
    a.clip === b.clip &&
    a.manifest === b.manifest
  );
}

function geometryOf(mesh: MeshData): BufferGeometry {
  const geometry = new BufferGeometry();
  const positions = new InterleavedBuffer(mesh.positions, 4);
  const normals = new InterleavedBuffer(mesh.normals, 4);
  geometry.setAttribute("position", new InterleavedBufferAttribute(positions, 3, 0));
  geometry.setAttribute("normal", new InterleavedBufferAttribute(normals, 3, 0, true));
  if (mesh.places) geometry.setAttribute("uv", new BufferAttribute(mesh.places, 2, true));
  geometry.setIndex(new BufferAttribute(mesh.indices, 1));
  geometry.userData = { origin: mesh.origin, step: mesh.step };
  return geometry;
}

/** Known from the manifest: no walk over a million vertices. */
function localSphere(bounds: Parameters<typeof middle>[0], geometry: BufferGeometry): Sphere {
  const { origin, step } = geometry.userData as { origin: [number, number, number]; step: number };
  const centre = new Vector3(...middle(bounds)).sub(new Vector3(...origin)).divideScalar(step);
  return new Sphere(centre, radius(bounds) / step + 1);
}
