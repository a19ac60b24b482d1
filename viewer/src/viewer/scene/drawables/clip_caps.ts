// Cuts look solid: for each organ and plane the stencil counts walls behind the plane, and where one is open, a cap.
import {
  AlwaysStencilFunc,
  BackSide,
  DecrementWrapStencilOp,
  FrontSide,
  Group,
  IncrementWrapStencilOp,
  Mesh,
  PlaneGeometry,
  ShaderMaterial,
  type Side,
  Vector3,
} from "three";
import { sidesFor } from "../../model/clipping.ts";
import type { Organ } from "../../model/manifest.ts";
import { type HalfSpace, corners } from "../../model/plane.ts";
import { type Bounds, dot, middle, radius } from "../../model/vectors.ts";
import { boundsOf } from "../../state/first_state.ts";
import { type ViewState, isVisible } from "../../state/view_state.ts";
import { type CapMaterial, type CapPainter, capMaterial, dressCap, paintMaterial } from "../cap_material.ts";
import { type Drawable, GLASS_LAYER } from "../drawable.ts";
import { enginePlane } from "../planes.ts";
import type { OrganMeshes } from "./organ_meshes.ts";

export interface ClipCaps extends Drawable {
  /** Paint the cuts with this from now on; null for the organs' colours alone. */
  paint(painter: CapPainter | null): void;
}

interface Cap {
  readonly group: Group;
  readonly behind: Mesh;
  readonly before: Mesh;
  readonly lid: Mesh<PlaneGeometry, CapMaterial>;
}

export function clipCaps(organs: OrganMeshes): ClipCaps {
  const object = new Group();
  const square = new PlaneGeometry(1, 1);
  const caps = new Map<string, Cap>();
  const paints = new Map<string, Mesh>();
  let paint: ShaderMaterial | null = null;
  let fit: CapPainter["fit"] | undefined;
  let known: ViewState | undefined;

  function capFor(key: string, order: number): Cap {
    let cap = caps.get(key);
    if (!cap) {
      cap = makeCap(square);
      caps.set(key, cap);
      object.add(cap.group);
    }
    // Counting and covering of one organ must not mix with those of the next.
    cap.behind.renderOrder = order;
    cap.before.renderOrder = order;
    cap.lid.renderOrder = order + 0.5;
    cap.group.visible = true;
    return cap;
  }

  /** Over all lids of one plane. */
  function paintOver(side: HalfSpace, bounds: Bounds, order: number): void {
    if (!paint) return;
    const key = [...side.normal, side.constant].join();
    let sheet = paints.get(key);
    if (!sheet) {
      sheet = [...paints].find(([, one]) => !one.visible)?.[1] ?? new Mesh(square, paint);
      for (const [old, one] of paints) if (one === sheet) paints.delete(old);
      paints.set(key, sheet);
      sheet.frustumCulled = false;
      sheet.onBeforeRender = (renderer) => {
        fit?.(renderer);
        if (paint) paint.uniformsNeedUpdate = true;
      };
      object.add(sheet);
      lay(sheet, side, bounds);
    }
    sheet.material = paint;
    sheet.renderOrder = order;
    sheet.visible = true;
  }

  function put(state: ViewState, organ: Organ, sides: readonly HalfSpace[], index: number, order: number): void {
    const side = sides[index] as HalfSpace;
    const mesh = organs.meshOf(organ.id);
    const look = state.organs[organ.id];
    if (!mesh || !look) return;
    const cap = capFor(`${organ.id} ${index}`, order);
    const plane = enginePlane(side);
    // With the scan on it a cut is solid also where the organ is glass.
    const opacity = paint ? 1 : look.opacity;
    const layer = opacity < 1 ? GLASS_LAYER : 0;
    for (const wall of [cap.behind, cap.before]) {
      wall.geometry = mesh.geometry;
      wall.matrix.copy(mesh.matrix);
      wall.matrixWorldNeedsUpdate = true;
      const material = wall.material as ShaderMaterial;
      material.clippingPlanes = [plane];
      // In the same list as its lid, or another organ's walls come between.
      material.transparent = opacity < 1;
      wall.layers.set(layer);
    }
    const others = sides.filter((_, other) => other !== index).map(enginePlane);
    dressCap(cap.lid.material, { colour: look.colour, opacity, planes: others });
    cap.lid.layers.set(layer);
    lay(cap.lid, side, boundsOf(state.manifest));
  }

  return {
    pass: "solid",
    object,
    paint(painter) {
      paint?.dispose();
      paint = painter && paintMaterial(painter);
      fit = painter?.fit;
      known = undefined;
    },
    update(state) {
      const isSame =
        known && known.clip === state.clip && known.organs === state.organs && known.solo === state.solo && known.details === state.details;
      // A finer mesh may have come into the place of the coarse one.
      const isMoved = [...caps].some(([key, cap]) => cap.group.visible && cap.behind.geometry !== organs.meshOf(key.slice(0, key.lastIndexOf(" ")))?.geometry);
      if (isSame && !isMoved) return false;
      known = state;
      for (const cap of caps.values()) cap.group.visible = false;
      for (const sheet of paints.values()) sheet.visible = false;
      const bounds = boundsOf(state.manifest);
      const met = new Set<HalfSpace>();
      const sidesOf = sidesOnce(state);
      let order = 10;
      // All lids of a plane lie in it: what is larger first, so that what lies in it is not covered.
      for (const organ of [...state.manifest.organs].sort((a, b) => (b.volumeMl ?? 0) - (a.volumeMl ?? 0))) {
        if (!isVisible(state, organ.id) || (state.organs[organ.id]?.opacity ?? 0) <= 0) continue;
        const sides = sidesOf(organ.id);
        for (let index = 0; index < sides.length; index += 1) {
          if (!isMet(organ, sides[index] as HalfSpace)) continue;
          put(state, organ, sides, index, order);
          met.add(sides[index] as HalfSpace);
          order += 1;
        }
      }
      for (const side of met) paintOver(side, bounds, order);
      object.visible = order > 10;
      return false;
    },
    dispose() {
      for (const cap of caps.values()) disposeCap(cap);
      paint?.dispose();
      square.dispose();
    },
  };
}

/** The same plane is the same object for every organ that it cuts. */
function sidesOnce(state: ViewState): (organ: string) => HalfSpace[] {
  const known = new Map<string, HalfSpace>();
  return (organ) =>
    sidesFor(state.clip, organ).map((side) => {
      const key = [...side.normal, side.constant].join();
      const same = known.get(key) ?? side;
      known.set(key, same);
      return same;
    });
}

/** Whether a plane goes through an organ's box at all. */
function isMet(organ: Organ, side: HalfSpace): boolean {
  const far = corners(organ.boundsLpsMm).map((corner) => dot(side.normal, corner) + side.constant);
  return Math.min(...far) < 0 && Math.max(...far) > 0;
}

/** A square in the plane that is larger than the scene. */
function lay(lid: Mesh, side: HalfSpace, bounds: Bounds): void {
  const normal = new Vector3(...side.normal);
  const centre = new Vector3(...middle(bounds));
  const at = centre.clone().addScaledVector(normal, -(normal.dot(centre) + side.constant));
  lid.position.copy(at);
  // It looks towards what was taken away.
  lid.lookAt(at.clone().sub(normal));
  lid.scale.setScalar(radius(bounds) * 2.2);
  lid.updateMatrix();
  lid.matrixWorldNeedsUpdate = true;
}

function makeCap(square: PlaneGeometry): Cap {
  const group = new Group();
  const behind: Mesh = new Mesh(square, wallMaterial(BackSide));
  const before: Mesh = new Mesh(square, wallMaterial(FrontSide));
  const lid = new Mesh(square, capMaterial());
  for (const wall of [behind, before]) {
    wall.matrixAutoUpdate = false;
    wall.frustumCulled = false;
  }
  lid.frustumCulled = false;
  lid.onAfterRender = (renderer) => renderer.clearStencil();
  group.add(behind, before, lid);
  return { group, behind, before, lid };
}

function disposeCap({ behind, before, lid }: Cap): void {
  for (const mesh of [behind, before]) (mesh.material as ShaderMaterial).dispose();
  lid.material.dispose();
}

/** Counts and shows nothing. */
function wallMaterial(side: Side): ShaderMaterial {
  const step = side === BackSide ? IncrementWrapStencilOp : DecrementWrapStencilOp;
  return new ShaderMaterial({
    vertexShader: `#include <clipping_planes_pars_vertex>
void main() { vec4 mvPosition = modelViewMatrix * vec4(position, 1.0); gl_Position = projectionMatrix * mvPosition;
#include <clipping_planes_vertex>
}`,
    fragmentShader: `#include <clipping_planes_pars_fragment>
void main() {
#include <clipping_planes_fragment>
gl_FragColor = vec4(1.0); }`,
    clipping: true,
    side,
    colorWrite: false,
    depthWrite: false,
    depthTest: false,
    stencilWrite: true,
    stencilFunc: AlwaysStencilFunc,
    stencilFail: step,
    stencilZFail: step,
    stencilZPass: step,
  });
}
