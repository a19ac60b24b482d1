// See-through meshes for the volume pass: drawn apart, so that the rays can lay them in where they stand.
import {
  type Camera, DepthFormat, DepthTexture, type Material, Mesh, type Object3D, type Scene, UnsignedIntType, type WebGLRenderer,
  WebGLRenderTarget,
} from "three";

export interface Glass {
  readonly colour: WebGLRenderTarget["texture"];
  readonly depth: DepthTexture;
}

export interface GlassPass {
  /** Draw the scene without them by `withoutGlass`, and with `drawGlass` what was left out; null where nothing was. */
  withoutGlass(scene: Scene, draw: () => void): void;
  drawGlass(renderer: WebGLRenderer, scene: Scene, camera: Camera, width: number, height: number): Glass | null;
  dispose(): void;
}

const materialsOf = (mesh: Mesh): Material[] => (Array.isArray(mesh.material) ? mesh.material : [mesh.material]);

function meshesOf(scene: Scene): { glass: Mesh[]; solid: Object3D[] } {
  const glass: Mesh[] = [];
  const solid: Object3D[] = [];
  scene.traverseVisible((one) => {
    if (!(one instanceof Mesh)) return;
    if (materialsOf(one).some((m) => m.transparent)) glass.push(one);
    else solid.push(one);
  });
  return { glass, solid };
}

/** Do something while these are out of sight; not their children, which have a layer of their own to lose. */
function hidden(objects: readonly Object3D[], act: () => void): void {
  const masks = objects.map((one) => one.layers.mask);
  for (const one of objects) one.layers.mask = 0;
  try {
    act();
  } finally {
    objects.forEach((one, i) => {
      one.layers.mask = masks[i] ?? 1;
    });
  }
}

/** Do something while these materials write what is said. */
function writing(meshes: readonly Object3D[], colour: boolean, depth: boolean | null, act: () => void): void {
  const materials = new Set(meshes.flatMap((one) => (one instanceof Mesh ? materialsOf(one) : [])));
  const before = [...materials].map((m) => ({ m, colour: m.colorWrite, depth: m.depthWrite }));
  for (const m of materials) {
    m.colorWrite = colour && m.colorWrite;
    if (depth !== null) m.depthWrite = depth;
  }
  try {
    act();
  } finally {
    for (const { m, colour: c, depth: d } of before) {
      m.colorWrite = c;
      m.depthWrite = d;
    }
  }
}

export function openGlassPass(): GlassPass {
  const target = new WebGLRenderTarget(1, 1, { depthTexture: new DepthTexture(1, 1, UnsignedIntType) });
  (target.depthTexture as DepthTexture).format = DepthFormat;
  return {
    withoutGlass(scene, draw) {
      hidden(meshesOf(scene).glass, draw);
    },
    drawGlass(renderer, scene, camera, width, height) {
      const { glass, solid } = meshesOf(scene);
      if (glass.length === 0) return null;
      target.setSize(width, height);
      renderer.setRenderTarget(target);
      renderer.clear();
      // What is solid hides what lies behind it, but is not glass: only its depth counts.
      hidden(glass, () => writing(solid, false, null, () => renderer.render(scene, camera)));
      hidden(solid, () => {
        renderer.render(scene, camera);
        writing(glass, false, true, () => renderer.render(scene, camera));
      });
      return { colour: target.texture, depth: target.depthTexture as DepthTexture };
    },
    dispose() {
      target.depthTexture?.dispose();
      target.dispose();
    },
  };
}
