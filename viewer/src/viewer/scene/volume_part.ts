// All that needs the scan: its textures, the volume, the slices, the painted cuts and their panels. Loaded by itself.
import type { WebGLRenderer } from "three";
import { word } from "../../page/words.ts";
import type { App } from "../app.ts";
import { busy } from "../busy.ts";
import { BRICK_MEMORY, BrickReader } from "../loading/bricks.ts";
import { fetchRange } from "../loading/ranges.ts";
import { corners } from "../model/plane.ts";
import { automaticWindow, type Window } from "../model/windows.ts";
import { transferPresets } from "../model/transfer.ts";
import { applied } from "../model/affine.ts";
import type { Manifest } from "../model/manifest.ts";
import { type Bounds, type Vec3, add, scale, turned } from "../model/vectors.ts";
import { measured } from "../panels/format.ts";
import { ScanPanel } from "../panels/scan_panel.ts";
import { panel } from "../panels/panel.ts";
import { readAt } from "../slices/probe.ts";
import { slicePanes } from "../slices/slice_panes.ts";
import { fitOutline, slicePainter, sliceUniforms, takeWindow } from "../slices/slice_painter.ts";
import { planesOf } from "../state/layouts.ts";
import type { Probe, ViewState } from "../state/view_state.ts";
import { addSentences, keyOfFlaw } from "../words.ts";
import type { CapPainter } from "./cap_material.ts";
import type { Drawable } from "./drawable.ts";
import { slicePlanes } from "./drawables/slice_planes.ts";
import { type VolumeDrawable, volumeDrawable } from "./drawables/volume.ts";
import { CAP_GLSL, SCAN_GLSL, SLICE_GLSL } from "./scan_glsl.ts";
import { ScanLabels } from "./scan_labels.ts";
import { ScanTextures, TEXTURE_BUDGET } from "./scan_textures.ts";

export interface VolumeSetting {
  readonly app: App;
  readonly renderer: WebGLRenderer;
  /** Beside the stage; its parent tells the layout. */
  readonly container: HTMLElement;
  /** The body of the "Scan" tab. */
  readonly panel: HTMLElement;
  readonly requestFrame: () => void;
  readonly paintCaps: (painter: CapPainter | null) => void;
}

export interface VolumePart {
  readonly drawables: readonly Drawable[];
  readonly volume: VolumeDrawable;
  readonly scan: ScanTextures;
  readonly labels: ScanLabels;
  /** A window from the values themselves; undefined where they could not be had. */
  windowFromValues(): Promise<Window | undefined>;
  retry(): void;
  /** Bytes on the graphics card, and of bricks in the page. */
  memory(): { readonly textures: number; readonly bricks: number };
  dispose(): void;
}

const WORKERS = 2;
const WRITE_EVERY_MS = 25;

export function mountVolume(setting: VolumeSetting): VolumePart | null {
  const { app, renderer, requestFrame } = setting;
  const { store } = app;
  const { manifest, profile } = store.state;
  if (!manifest.volume) return null;
  saySentences();
  const reader = new BrickReader(
    (file, offset, bytes, signal) => fetchRange(app.page.files + file, offset, bytes, signal ? { signal } : {}),
    BRICK_MEMORY[profile],
    profile === "phone" ? 1 : WORKERS,
  );
  const gl = renderer.getContext() as WebGL2RenderingContext;
  const longest = Math.min(TEXTURE_BUDGET[profile].edge, gl.getParameter(gl.MAX_3D_TEXTURE_SIZE) as number);
  const scan = new ScanTextures(manifest.volume, reader, profile, longest);
  const labels = new ScanLabels(manifest.labels, scan, reader, profile);
  const bounds = boundsOfScan(scan);
  const uniforms = sliceUniforms(scan, labels);
  const volume = volumeDrawable(scan, requestFrame);
  const painter = slicePainter(renderer, scan, uniforms);
  let isLost = false;

  // Before the panes hear of a change, which paint at once.
  const untake = store.subscribe(take);
  function take(state: ViewState): void {
    if (state.volume.isShown && state.volume.mode === "mip") volume.setInk(...inkOf(renderer.domElement));
    labels.take(state);
    takeWindow(uniforms, scan, state.slices);
  }

  function prepare(state: ViewState): boolean {
    take(state);
    const hasMore = scan.pump(renderer) || labels.pump(renderer);
    panes.refresh();
    const isThere = scan.isSettled && labels.isSettled;
    renderer.domElement.dataset["scan"] = isThere ? "there" : "coming";
    busy("scan", !isThere);
    renderer.domElement.dataset["volume"] = !state.volume.isShown ? "hidden" : volume.isFinished ? "finished" : "coming";
    return hasMore;
  }

  const planes = slicePlanes(uniforms, bounds, renderer, prepare);
  const panes = slicePanes(setting.container, {
    store,
    painter,
    bounds,
    lpsToIndex: scan.lpsToIndex,
    version: () => scan.version + labels.version,
    read: (lps) => readAt(reader, store.state.manifest, lps),
    labelOf: (one) => `${one.name}: ${measured(one)}`,
    canDraw: () => !isLost && scan.isCoarseThere,
  });
  const caps: CapPainter = { glsl: SCAN_GLSL + SLICE_GLSL + CAP_GLSL, uniforms, fit: (now) => fitOutline(uniforms, now) };
  let isPainted = false;

  function follow(state: ViewState): void {
    const cuts = state.clip.hasScan ? state.clip.planes.map(({ normal, offsetMm }) => ({ point: scale(normal, offsetMm), normal })) : [];
    const seen = [...planesOf(state), ...cuts.map((cut) => ({ ...cut, point: nearCentre(cut, bounds) }))];
    // What it shows from now on, not in the last frame: cells that the look before left empty would stay so.
    if (state.volume.isShown) volume.update(state);
    scan.wish({ planes: seen, shown: state.volume.isShown ? volume.shown : null, eye: eyeOf(state) });
    if (seen.length > 0 && (state.slices.overlay || state.slices.outline)) labels.want(state.slices.crosshairLpsMm);
    if (state.clip.hasScan !== isPainted) {
      isPainted = state.clip.hasScan;
      setting.paintCaps(isPainted ? caps : null);
    }
  }

  // Bricks are written as they come, not by frames: on a slow device a frame takes longer than a hundred bricks.
  let writing: ReturnType<typeof setTimeout> | undefined;
  function write(): void {
    writing = undefined;
    if (isLost) return;
    const hasMore = scan.pump(renderer) || labels.pump(renderer);
    if (hasMore) writing = setTimeout(write, WRITE_EVERY_MS);
    requestFrame();
  }
  scan.onArrival = labels.onArrival = (): void => {
    writing ??= setTimeout(write, WRITE_EVERY_MS);
  };
  const sayTrouble = (id: string, key: string, count: number): void =>
    store.dispatch({ type: "notice", notice: { id, key, places: { count }, kind: "warn", retry: "volume" } });
  scan.onTrouble = (missing, flaw) => sayTrouble("scan-bricks", flaw === "damaged" ? "scan-damaged" : keyOfFlaw(flaw, "scan-bricks"), missing);
  labels.onTrouble = (flaw) => sayTrouble("scan-labels", keyOfFlaw(flaw, "scan-labels"), 0);
  const onLost = (): void => void (isLost = true);
  const onRestored = (): void => {
    isLost = false;
    scan.restore();
    labels.restore();
  };
  renderer.domElement.addEventListener("webglcontextlost", onLost);
  renderer.domElement.addEventListener("webglcontextrestored", onRestored);
  const onRetry = (event: Event): void => {
    if ((event as CustomEvent<unknown>).detail === "volume") part.retry();
  };
  document.addEventListener("viewer-retry", onRetry);
  const unsubscribe = store.subscribe(follow);
  const unprobe = store.subscribe(({ probe }, before) => {
    if (probe && probe !== before.probe && probe.value === undefined) void readProbe(probe);
  });
  async function readProbe(probe: Probe): Promise<void> {
    busy("probe", true);
    const found = await readAt(reader, store.state.manifest, probe.pointLpsMm).catch(() => ({ value: "unread" as const }));
    busy("probe", false);
    if (found && store.state.probe === probe) store.dispatch({ type: "probe", probe: { ...probe, value: found.value } });
  }

  async function coarseValues(): Promise<Int16Array> {
    const level = scan.volume.levels.at(-1);
    if (!level) return new Int16Array();
    const parts = await Promise.all(level.bricks.map((_, index) => reader.voxels(level, index, scan.volume.unmeasured)));
    const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
    return all;
  }

  async function windowFromValues(): Promise<Window | undefined> {
    const { scale: by, offset, unmeasured } = scan.volume;
    const found = automaticWindow(await coarseValues().catch(() => new Int16Array()), unmeasured);
    return found && { centre: found.centre * by + offset, width: found.width * Math.abs(by) };
  }

  const part: VolumePart = {
    drawables: [planes, volume],
    volume,
    scan,
    labels,
    windowFromValues,
    retry() {
      store.dispatch({ type: "notice-close", id: "scan-bricks" });
      store.dispatch({ type: "notice-close", id: "scan-labels" });
      scan.retry();
      labels.restore();
    },
    memory: () => ({ textures: scan.bytes + labels.bytes, bricks: reader.bytesKept }),
    dispose() {
      untake();
      unsubscribe();
      unprobe();
      clearTimeout(writing);
      document.removeEventListener("viewer-retry", onRetry);
      renderer.domElement.removeEventListener("webglcontextlost", onLost);
      renderer.domElement.removeEventListener("webglcontextrestored", onRestored);
      panes.dispose();
      painter.dispose();
      for (const one of part.drawables) one.dispose();
      scan.dispose();
      labels.dispose();
      reader.dispose();
    },
  };
  void firstLook(store.state.manifest, app, part);
  const body = panel("view-scan", ScanPanel, app);
  body.source = part;
  setting.panel.append(body);
  follow(store.state);
  return part;
}

/** A transfer function to begin with; MR has no scale of its own, so its values are looked at first. */
async function firstLook(manifest: Manifest, { store }: App, part: VolumePart): Promise<void> {
  if (!manifest.volume || store.state.volume.transferPoints.length > 0) return;
  let range = manifest.volume.range;
  if (manifest.volume.quantity !== "HU") {
    const found = await part.windowFromValues();
    if (found) range = [found.centre - found.width / 2, found.centre + found.width / 2];
  }
  const looks = transferPresets(manifest.volume.quantity, range);
  // A link names a look; its points depend on the scan.
  const first = looks.find((one) => one.id === store.state.volume.presetId) ?? looks[0];
  if (first && store.state.volume.transferPoints.length === 0)
    store.dispatch({ type: "volume", change: { presetId: first.id, transferPoints: first.points } });
}

function boundsOfScan(scan: ScanTextures): Bounds {
  const [slices, rows, columns] = scan.level.shape;
  const all = corners([[-0.5, -0.5, -0.5], [columns - 0.5, rows - 0.5, slices - 0.5]]).map((p) => applied(scan.indexToLps, p));
  const over = (pick: (...numbers: number[]) => number): Vec3 => [0, 1, 2].map((axis) => pick(...all.map((p) => p[axis] ?? 0))) as unknown as Vec3;
  return [over(Math.min), over(Math.max)];
}

/** The page's own colour of writing, which stands out from what lies behind the picture. */
function inkOf(canvas: HTMLElement): [number, number, number] {
  const [r = 255, g = 255, b = 255] = (getComputedStyle(canvas).color.match(/[\d.]+/g) ?? []).map(Number);
  return [r / 255, g / 255, b / 255];
}

function nearCentre({ point, normal }: { point: Vec3; normal: Vec3 }, bounds: Bounds): Vec3 {
  const centre: Vec3 = scale(add(bounds[0], bounds[1]), 0.5);
  const off = normal.reduce((sum, n, i) => sum + n * ((point[i] ?? 0) - (centre[i] ?? 0)), 0);
  return add(centre, scale(normal, off));
}

const eyeOf = ({ camera }: ViewState): Vec3 => add(camera.targetLpsMm, scale(turned([0, 0, 1], camera.turn), camera.distanceMm));

function saySentences(): void {
  addSentences({
    "scan-bricks": (at, { count }) =>
      count === 1
        ? word("One part of the scan could not be loaded. It stays coarse or empty; all else works.")
        : word("{count} parts of the scan could not be loaded. They stay coarse or empty; all else works.", at),
    "scan-damaged": (at, { count }) =>
      count === 1
        ? word("One part of the scan is damaged and is not shown. It stays coarse or empty; all else works.")
        : word("{count} parts of the scan are damaged and are not shown. They stay coarse or empty; all else works.", at),
    "scan-labels": () => word("Some outlines of the organs in the slices could not be loaded. All else works."),
  });
}
