// The volume alone, for tests and for measuring: a phantom, a mesh or two, no server.
import {
  BufferAttribute, BufferGeometry, type DepthTexture, Mesh, PerspectiveCamera,
  Scene, SphereGeometry, Vector3, WebGLRenderer,
} from "three";
import { BRICK_MEMORY, BrickReader } from "../../src/viewer/loading/bricks.ts";
import { transferPresets } from "../../src/viewer/model/transfer.ts";
import { volumeDrawable, type VolumeDrawable } from "../../src/viewer/scene/drawables/volume.ts";
import { GLASS_LAYER } from "../../src/viewer/scene/drawable.ts";
import { dress, organMaterial } from "../../src/viewer/scene/organ_material.ts";
import { drawGlass, openCopier, openTarget } from "../../src/viewer/scene/targets.ts";
import { applied } from "../../src/viewer/model/affine.ts";
import { axesOf, fittedView, type Orientation, pixelOf } from "../../src/viewer/model/slice_view.ts";
import type { Organ } from "../../src/viewer/model/manifest.ts";
import type { Vec3 } from "../../src/viewer/model/vectors.ts";
import { ScanLabels } from "../../src/viewer/scene/scan_labels.ts";
import { slicePainter, sliceUniforms, takeWindow } from "../../src/viewer/slices/slice_painter.ts";
import { readAt } from "../../src/viewer/slices/probe.ts";
import { ScanTextures } from "../../src/viewer/scene/scan_textures.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import type { ClipPlane, ViewState, VolumeState } from "../../src/viewer/state/view_state.ts";
import { damage, type Phantom, turnedBy, writeBody, writePhantom, writeRamp, traffic } from "./phantoms.ts";

export interface Setting {
  readonly size: number;
  readonly profile?: "desktop" | "phone";
  readonly eye: readonly [number, number, number];
  readonly up?: readonly [number, number, number];
  readonly fov?: number;
  readonly meshes?: readonly { centre: readonly [number, number, number]; radiusMm: number; colour: string; opacity: number }[];
  /** A mesh as it lies in memory. */
  readonly surface?: { readonly positions: Float32Array; readonly indices: Uint32Array; readonly colour: string };
  readonly background?: string | null;
  readonly organs?: readonly Organ[];
}

export function open(phantom: Phantom, setting: Setting) {
  const canvas = document.body.appendChild(document.createElement("canvas"));
  const renderer = new WebGLRenderer({ canvas, alpha: true, antialias: false, preserveDrawingBuffer: true });
  renderer.autoClear = false;
  renderer.setPixelRatio(1);
  renderer.setSize(setting.size, setting.size);
  const reader = new BrickReader(phantom.fetchRange, BRICK_MEMORY.desktop, 2);
  const scan = new ScanTextures(phantom.volume, reader, setting.profile ?? "desktop", 2048);
  const troubles: string[] = [];
  scan.onTrouble = (missing, why) => troubles.push(`${missing} ${why}`);
  const labels = new ScanLabels(phantom.labels, scan, reader, setting.profile ?? "desktop");
  const uniforms = sliceUniforms(scan, labels);
  const painter = slicePainter(renderer, scan, uniforms);
  const drawable: VolumeDrawable = volumeDrawable(scan, () => undefined);
  const scene = new Scene();
  const camera = new PerspectiveCamera(setting.fov ?? 30, 1, 1, 4000);
  for (const { centre, radiusMm, colour, opacity } of setting.meshes ?? []) {
    const material = organMaterial();
    dress(material, { colour, opacity, glow: 0, planes: [] });
    const mesh = new Mesh<BufferGeometry>(new SphereGeometry(radiusMm, 96, 64), material);
    if (opacity < 1) mesh.layers.set(GLASS_LAYER);
    mesh.position.set(...centre);
    scene.add(mesh);
  }
  if (setting.surface) {
    const geometry = new BufferGeometry();
    geometry.setAttribute("position", new BufferAttribute(setting.surface.positions, 3));
    geometry.setIndex(new BufferAttribute(setting.surface.indices, 1));
    geometry.computeVertexNormals();
    const material = organMaterial();
    dress(material, { colour: setting.surface.colour, opacity: 1, glow: 0, planes: [] });
    scene.add(new Mesh(geometry, material));
  }
  const volumeScene = new Scene();
  volumeScene.add(drawable.object);
  const targets = { solid: openTarget(), glass: openTarget() };
  const target = targets.solid;
  for (const one of [targets.solid, targets.glass]) one.setSize(setting.size, setting.size);
  const copier = openCopier();
  const organs = (setting.organs ?? []).map((one) => ({ ...one, texture: null, confidence: null, extremesLpsMm: null }));
  const first = firstState(
    { version: 1, title: "", unit: "mm", organs, groups: [], notFound: [], volume: phantom.volume, labels: phantom.labels, estimate: null, leftOut: [], leftOutCount: 0 },
    { profile: setting.profile ?? "desktop", aspect: 1 },
  );
  const presets = transferPresets("HU", phantom.volume.range);
  let state: ViewState = { ...first, volume: { ...first.volume, isShown: true, transferPoints: presets[0]!.points, presetId: presets[0]!.id } };
  look(setting.eye, setting.up ?? [0, 0, 1]);

  function look(eye: readonly [number, number, number], up: readonly [number, number, number]): void {
    camera.position.set(...eye);
    camera.up.set(...up);
    camera.lookAt(new Vector3());
    camera.updateMatrixWorld();
    const away = camera.position.length();
    camera.near = Math.max(1, away - 600);
    camera.far = away + 600;
    camera.updateProjectionMatrix();
  }

  function draw(isMoving = false): boolean {
    const more = scan.pump(renderer, 64);
    const unfinished = drawable.update(state);
    scan.wish({ planes: [], shown: drawable.shown, eye: camera.position.toArray() });
    renderer.setClearColor(0, 0);
    renderer.setRenderTarget(target);
    renderer.clear();
    camera.layers.set(0);
    renderer.render(scene, camera);
    const hasGlass = drawGlass(renderer, targets, scene, camera);
    camera.layers.set(0);
    drawable.beforeVolume?.({
      renderer, camera, isMoving, isFinal: false, size: { width: setting.size, height: setting.size, pixelRatio: 1 },
      depth: target.depthTexture as DepthTexture, colour: target.texture, 
      glass: hasGlass ? { colour: targets.glass.texture, depth: targets.glass.depthTexture as DepthTexture } : null,
    });
    renderer.setRenderTarget(null);
    renderer.setClearColor(setting.background ?? "#000000", setting.background ? 1 : 0);
    renderer.clear();
    copier.copy(renderer, target);
    renderer.render(volumeScene, camera);
    return more || unfinished;
  }

  return {
    phantom, renderer, scan, drawable, reader, draw, look, troubles,
    /** A slice through a point, seen as wide as the scan; with where voxels (column, row, slice) of it lie in it. */
    async slice(orientation: Orientation, through: Vec3, width: number, options: {
      slab?: ViewState["slices"]["slab"]; normal?: Vec3; voxels?: readonly Vec3[]; halfMm?: number; overlay?: boolean; outline?: boolean;
    } = {}): Promise<{ at: (readonly [number, number])[]; pixels: number[] }> {
      const half = options.halfMm ?? 200;
      state = { ...state, slices: { ...state.slices, overlay: options.overlay ?? false, outline: options.outline ?? false } };
      takeWindow(uniforms, scan, state.slices);
      labels.take(state);
      if (options.overlay || options.outline) {
        labels.want(through);
        do {
          labels.pump(renderer, 64);
          await new Promise((resolve) => setTimeout(resolve, 8));
        } while (!labels.isSettled);
      }
      const axes = axesOf(orientation, options.normal ?? null);
      scan.wish({ planes: [{ point: through, normal: axes.across }], shown: null, eye: null });
      while (!scan.isCoarseThere || !scan.isSettled) {
        scan.pump(renderer, 64);
        await new Promise((resolve) => setTimeout(resolve, 8));
      }
      const view = fittedView(axes, [[-half, -half, -half], [half, half, half]], through, width, width);
      const image = await painter.paint(view, options.slab ?? { mm: 0, mode: "mean" });
      const at = (options.voxels ?? []).map((voxel) => pixelOf(view, applied(phantom.indexToLps, [voxel[2], voxel[1], voxel[0]])));
      if (!image) throw new Error("the context was lost");
      return { at, pixels: [...image.data] };
    },
    read: (lps: Vec3) => readAt(reader, state.manifest, lps),
    get state() { return state; },
    set(change: { volume?: Partial<VolumeState>; planes?: readonly ClipPlane[]; box?: ViewState["clip"]["box"]; window?: { centre: number; width: number }; organs?: ViewState["organs"] }): void {
      state = {
        ...state,
        organs: change.organs ?? state.organs,
        volume: { ...state.volume, ...change.volume },
        clip: { ...state.clip, planes: change.planes ?? state.clip.planes, box: change.box === undefined ? state.clip.box : change.box },
        slices: change.window ? { ...state.slices, windowCentre: change.window.centre, windowWidth: change.window.width } : state.slices,
      };
    },
    /** Wait until all bricks that are wanted are there, then draw until the picture is as good as it gets. */
    async settle(longestMs = 60000): Promise<void> {
      const began = performance.now();
      const pause = () => new Promise((resolve) => setTimeout(resolve, 8));
      scan.wish({ planes: [], shown: null, eye: null });
      do {
        scan.pump(renderer, 64);
        drawable.update(state);
        scan.wish({ planes: [], shown: drawable.shown, eye: camera.position.toArray() });
        await pause();
        if (performance.now() - began > longestMs) throw new Error("the scan never settled");
      } while (!scan.isCoarseThere || !scan.isSettled);
      draw();
      while (state.volume.isShown && !drawable.isFinished) {
        await pause();
        if (performance.now() - began > longestMs) throw new Error("the picture never settled");
      }
      draw();
    },
    pixel(x: number, y: number): number[] {
      const out = new Uint8Array(4);
      const gl = renderer.getContext();
      gl.readPixels(x, setting.size - 1 - y, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, out);
      return [...out];
    },
    pixels(): number[] {
      const out = new Uint8Array(4 * setting.size * setting.size);
      const gl = renderer.getContext();
      gl.readPixels(0, 0, setting.size, setting.size, gl.RGBA, gl.UNSIGNED_BYTE, out);
      return [...out];
    },
    close(): void {
      drawable.dispose();
      painter.dispose();
      labels.dispose();
      scan.dispose();
      reader.dispose();
      renderer.dispose();
      renderer.forceContextLoss();
      canvas.remove();
    },
  };
}

const page = { open, writeBody, writeRamp, writePhantom, turnedBy, damage, traffic, transferPresets };
export type VolumePage = typeof page;
declare global {
  interface Window { volumePage: VolumePage }
}
window.volumePage = page;
