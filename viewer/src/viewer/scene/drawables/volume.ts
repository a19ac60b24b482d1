// The scan as a body of light and shade: rays through the 3D texture, ended and tinted by the meshes they meet.
import {
  ConstantAlphaFactor, CustomBlending, DataTexture, DataUtils, HalfFloatType, LinearFilter, Matrix3, NoBlending, OneFactor,
  OneMinusConstantAlphaFactor, OneMinusSrcAlphaFactor, RGBAFormat, type ShaderMaterial, type Texture, UnsignedByteType,
  Vector2, Vector3, Vector4, type WebGLRenderer, WebGLRenderTarget,
} from "three";
import { spacings } from "../../model/affine.ts";
import { type ShownValues, shownValues } from "../../model/cells.ts";
import { keptSide } from "../../model/plane.ts";
import { afterBand, afterMoving, bandOf, FIRST_QUALITY, type Quality, STEP } from "../../model/quality.ts";
import { type TransferPoint, transferSpan, transferTable } from "../../model/transfer.ts";
import type { ViewState } from "../../state/view_state.ts";
import type { Drawable, FrameContext } from "../drawable.ts";
import { SCAN_GLSL } from "../scan_glsl.ts";
import type { ScanTextures } from "../scan_textures.ts";
import { drawingClock } from "./drawing_clock.ts";
import { screenMaterial, screenScene } from "./screen.ts";
import { LAY_OVER_FRAGMENT, VOLUME_FRAGMENT } from "./volume_glsl.ts";

const TABLE_STEPS = 1024;
/** A surface is lit fully where the value climbs by this part of the transfer function's span within a millimetre. */
const SURFACE_PER_MM = 0.06;
/** The golden ratio spreads the passes' beginnings evenly, however many there are. */
const GOLDEN = 0.618034;
/** From so many strips on a picture takes a second or more. */
const SLOW_BANDS = 8;

export interface VolumeDrawable extends Drawable {
  /** Which stored values it shows, null where it is hidden. */
  readonly shown: ShownValues | null;
  /** Whether all passes of the still picture are done. */
  readonly isFinished: boolean;
  /** For measuring: nothing is skipped, nothing adapts. */
  fix(settings: Fixed | null): void;
  /** What the brightest values are drawn in: light on dark pages, dark on light ones; parts of 1. */
  setInk(red: number, green: number, blue: number): void;
  /** The scan's textures changed. */
  refresh(): void;
}

interface Fixed {
  readonly share: number;
  readonly stepVoxels: number;
  readonly passes: number;
  readonly skips: boolean;
}

/** `requestFrame` is called when a better picture is ready to be laid over the meshes. */
export function volumeDrawable(scan: ScanTextures, requestFrame: () => void): VolumeDrawable {
  const spacingMm = Math.min(...spacings(scan.indexToLps));
  const uniforms = { ...scan.uniforms, ...ownUniforms(scan) };
  const march = screenMaterial(SCAN_GLSL + VOLUME_FRAGMENT, uniforms);
  const over = {
    uFront: { value: null as Texture | null },
    uBehind: { value: null as Texture | null },
    uGlassColour: uniforms.uGlassColour,
    uHasGlass: uniforms.uHasGlass,
  };
  const lay = screenMaterial(LAY_OVER_FRAGMENT, over);
  lay.blending = CustomBlending;
  lay.blendSrc = OneFactor;
  lay.blendDst = OneMinusSrcAlphaFactor;
  lay.transparent = true;
  const marching = screenScene(march);
  const object = marching.quad.clone();
  object.material = lay;
  object.visible = false;
  const quick = new WebGLRenderTarget(1, 1, { count: 2, depthBuffer: false, type: UnsignedByteType, minFilter: LinearFilter });
  const half = new WebGLRenderTarget(1, 1, { count: 2, depthBuffer: false, type: UnsignedByteType, minFilter: LinearFilter });
  const fine = new WebGLRenderTarget(1, 1, { count: 2, depthBuffer: false, type: HalfFloatType, minFilter: LinearFilter });
  const clock = drawingClock();

  let shown: ShownValues | null = null;
  let quality: Quality = FIRST_QUALITY;
  let fixed: Fixed | null = null;
  let seen: readonly unknown[] = [];
  let lookedFrom = "";
  let still: StillPicture | null = null;
  let isFinished = false;
  let turn = 0;
  /** Like the one that was drawn last, so many make a picture. */
  let strips = 0;
  let points: readonly TransferPoint[] | null = null;
  let shownFor: readonly unknown[] = [];

  function again(): void {
    still = null;
    isFinished = false;
    cancelAnimationFrame(turn);
    turn = 0;
  }

  function update(state: ViewState): boolean {
    object.visible = state.volume.isShown && scan.isCoarseThere;
    const { volume, slices, clip } = state;
    const now = [volume, clip, state.organs, state.solo, state.details, slices.windowCentre, slices.windowWidth, slices.isIn3d,
      slices.isIn3d && slices.crosshairLpsMm, scan.version];
    if (now.some((one, i) => one !== seen[i])) {
      seen = now;
      takeOver(state);
      again();
    }
    // What is left to do is done between frames, not by them.
    return false;
  }

  function takeOver({ volume, slices, clip }: ViewState): void {
    if (volume.transferPoints !== points) {
      points = volume.transferPoints;
      writeTransfer(scan, uniforms, points);
    }
    const window = windowOf(scan, slices.windowCentre, slices.windowWidth);
    uniforms.uMipWindow.value.copy(window);
    uniforms.uIsMip.value = volume.mode === "mip";
    uniforms.uFirstShown.value = volume.mode === "mip" ? -1 : firstShown(scan, points);
    uniforms.uIsLit.value = volume.lighting;
    const needs = [volume.isShown, volume.mode, points, volume.mode === "mip" ? window.x : 0];
    if (needs.some((one, i) => one !== shownFor[i])) {
      shownFor = needs;
      shown = volume.isShown ? (volume.mode === "mip" ? aboveWindow(scan, window.x) : shownOf(scan, points)) : null;
    }
    // Planes that cut single organs leave the scan whole.
    const planes = clip.planes.filter((plane) => plane.scope === "all").map(keptSide);
    planes.slice(0, 3).forEach((side, i) => {
      const [x, y, z] = side.normal;
      uniforms.uPlanes.value[i]?.set(-x, -y, -z, side.constant);
    });
    uniforms.uPlaneCount.value = Math.min(3, planes.length);
    uniforms.uHasBox.value = clip.box !== null;
    if (clip.box) {
      uniforms.uBoxLow.value.set(...clip.box[0]);
      uniforms.uBoxHigh.value.set(...clip.box[1]);
    }
  }

  function beforeVolume(frame: FrameContext): void {
    const { renderer, camera, size } = frame;
    const width = Math.max(1, Math.round(size.width * size.pixelRatio));
    const height = Math.max(1, Math.round(size.height * size.pixelRatio));
    const from = [...camera.matrixWorld.elements, ...camera.projectionMatrix.elements].join();
    if (from !== lookedFrom) {
      lookedFrom = from;
      again();
    }
    if (still && (still.width !== width || still.height !== height)) again();
    takeFrame(frame);
    if (frame.isFinal || fixed) {
      const share = fixed?.share ?? 1;
      again();
      still = { width, height, band: 0, bands: fixed ? 1 : 8, pass: 0, passes: fixed?.passes ?? 2, isHalf: false };
      fine.setSize(Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share)));
      while (!isFinished) drawBand(renderer);
      // Only this one picture is of that size.
      if (frame.isFinal) lookedFrom = "";
    } else if (frame.isMoving || !still) {
      again();
      learn("moving");
      drawQuick(renderer, width, height);
      if (!frame.isMoving) {
        still = { width, height, band: 0, bands: 0, pass: 0, passes: 0, isHalf: true };
        goOn(renderer);
      }
    }
    renderer.setRenderTarget(null);
  }

  function takeFrame({ camera, depth, glass }: FrameContext): void {
    uniforms.uProjectionInverse.value.copy(camera.projectionMatrixInverse);
    uniforms.uCameraToWorld.value.copy(camera.matrixWorld);
    uniforms.uNearFar.value.set(camera.near, camera.far);
    uniforms.uDepth.value = depth;
    uniforms.uHasDepth.value = depth !== null;
    uniforms.uGlassColour.value = glass?.colour ?? null;
    uniforms.uGlassDepth.value = glass?.depth ?? null;
    uniforms.uHasGlass.value = Boolean(glass);
    uniforms.uSkips.value = fixed?.skips ?? true;
    if (march.defines["STAGE"] !== uniforms.uStage.value) {
      march.defines["STAGE"] = uniforms.uStage.value;
      march.needsUpdate = true;
    }
  }

  function learn(kind: "moving" | "band"): void {
    const ms = clock.read();
    if (ms === null) return;
    quality = kind === "moving" ? afterMoving(quality, ms) : afterBand({ ...quality, bands: strips || quality.bands }, ms);
  }

  /** Strip after strip, each when the one before it is drawn, so that hands are answered in between. */
  function goOn(renderer: WebGLRenderer): void {
    turn = requestAnimationFrame(() => {
      if (!still) return;
      if (!clock.isDone() || scan.isSharpening) return goOn(renderer);
      learn(still.bands === 0 ? "moving" : "band");
      if (still.band === 0) beginPass(still);
      // Four strips of a whole picture have as many pixels as one of the half.
      strips = still.bands * (still.isHalf ? 4 : 1);
      const before = renderer.getRenderTarget();
      drawBand(renderer);
      clock.start(renderer);
      renderer.setRenderTarget(before);
      if (!isFinished) goOn(renderer);
      if (still.band === 0 && (still.pass <= 1 || isFinished)) requestFrame();
    });
  }

  /** What is learnt on the way counts from the next pass on: strips of one pass must fit together. */
  function beginPass(picture: StillPicture): void {
    picture.passes = quality.passes;
    // Where a whole picture takes long, one of a quarter of its pixels stands in its place meanwhile.
    picture.isHalf = picture.isHalf && quality.bands >= SLOW_BANDS;
    picture.bands = picture.isHalf ? Math.ceil(quality.bands / 4) : quality.bands;
    const { width, height } = picture;
    if (picture.isHalf) half.setSize(Math.ceil(width / 2), Math.ceil(height / 2));
    else if (picture.pass === 0) fine.setSize(width, height);
  }

  function drawQuick(renderer: WebGLRenderer, width: number, height: number): void {
    quick.setSize(Math.max(1, Math.ceil(width * quality.share)), Math.max(1, Math.ceil(height * quality.share)));
    march.blending = NoBlending;
    uniforms.uStepMm.value = STEP.moving * stepOf();
    uniforms.uJitter.value = 0;
    renderer.setRenderTarget(quick);
    renderer.render(marching.scene, marching.camera);
    clock.start(renderer);
    show(quick);
  }

  function drawBand(renderer: WebGLRenderer): void {
    if (!still) return;
    const target = still.isHalf ? half : fine;
    const [first, rows] = bandOf(still.band, still.bands, target.height);
    target.scissorTest = still.bands > 1;
    target.scissor.set(0, first, target.width, rows);
    blend(march, 1 / (still.pass + 1));
    uniforms.uStepMm.value = (fixed?.stepVoxels ?? STEP.still) * stepOf();
    uniforms.uJitter.value = still.pass * GOLDEN;
    renderer.setRenderTarget(target);
    renderer.render(marching.scene, marching.camera);
    still.band++;
    if (still.band < still.bands) return;
    still.band = 0;
    if (still.isHalf) still.isHalf = false;
    else still.pass++;
    isFinished = still.pass > 0 && still.pass >= still.passes;
    show(target);
  }

  function show(target: WebGLRenderTarget): void {
    over.uFront.value = target.textures[0] ?? null;
    over.uBehind.value = target.textures[1] ?? null;
  }

  /** Coarse bricks need no finer steps than they have voxels. */
  function stepOf(): number {
    return uniforms.uStage.value === 0 ? Math.max(spacingMm, scan.coarseSpacingMm) : spacingMm;
  }

  return {
    pass: "volume",
    object,
    update,
    beforeVolume,
    setInk(...ink) {
      if (uniforms.uMipColour.value.equals(new Vector3(...ink))) return;
      uniforms.uMipColour.value.set(...ink);
      again();
    },
    refresh: again,
    restore() {
      clock.forget();
      again();
    },
    get shown() {
      return shown;
    },
    get isFinished() {
      return isFinished;
    },
    get isDrawing() {
      return still !== null && !isFinished;
    },
    fix(settings) {
      fixed = settings;
      again();
    },
    dispose() {
      again();
      march.dispose();
      lay.dispose();
      quick.dispose();
      half.dispose();
      fine.dispose();
      marching.quad.geometry.dispose();
      uniforms.uTransfer.value.dispose();
    },
  };
}

interface StillPicture {
  readonly width: number;
  readonly height: number;
  band: number;
  bands: number;
  pass: number;
  passes: number;
  /** The one with half as many pixels along each edge, before the first pass. */
  isHalf: boolean;
}

function ownUniforms(scan: ScanTextures) {
  const linear = new Matrix3().setFromMatrix4(scan.uniforms.uLpsToIndex.value).transpose();
  const table = new DataTexture(new Uint16Array(TABLE_STEPS * 4), TABLE_STEPS, 1, RGBAFormat, HalfFloatType);
  table.minFilter = table.magFilter = LinearFilter;
  return {
    uTransfer: { value: table },
    uTransferSpan: { value: new Vector2(0, 1) },
    uFirstShown: { value: 0 },
    uDepth: { value: null as Texture | null },
    uGlassColour: { value: null as Texture | null },
    uGlassDepth: { value: null as Texture | null },
    uHasDepth: { value: false },
    uHasGlass: { value: false },
    uProjectionInverse: { value: scan.uniforms.uLpsToIndex.value.clone() },
    uCameraToWorld: { value: scan.uniforms.uLpsToIndex.value.clone() },
    uNearFar: { value: new Vector2() },
    uGradientToLps: { value: linear },
    uStepMm: { value: 1 },
    uJitter: { value: 0 },
    uIsMip: { value: false },
    uIsLit: { value: true },
    uSkips: { value: true },
    uFullGradient: { value: 1 },
    uPlanes: { value: [new Vector4(), new Vector4(), new Vector4()] },
    uPlaneCount: { value: 0 },
    uBoxLow: { value: new Vector3() },
    uBoxHigh: { value: new Vector3() },
    uHasBox: { value: false },
    uMipWindow: { value: new Vector2(0, 1) },
    uMipColour: { value: new Vector3(1, 1, 1) },
  };
}

function writeTransfer(scan: ScanTextures, uniforms: ReturnType<typeof ownUniforms>, points: readonly TransferPoint[]): void {
  const table = transferTable(points, TABLE_STEPS);
  const halves = uniforms.uTransfer.value.image.data as Uint16Array;
  for (let i = 0; i < table.length; i++) halves[i] = DataUtils.toHalfFloat(table[i]!);
  uniforms.uTransfer.value.needsUpdate = true;
  const [low, high] = transferSpan(points);
  uniforms.uTransferSpan.value.set(scan.partOf(low), scan.partOf(high));
  uniforms.uFullGradient.value = SURFACE_PER_MM * (scan.partOf(high) - scan.partOf(low));
}

/** Just below the first value that is not wholly transparent. */
function firstShown(scan: ScanTextures, points: readonly TransferPoint[]): number {
  const first = points.findIndex((point) => point.opacity > 0);
  const before = points[Math.max(0, first - 1)];
  return before && first > 0 ? scan.partOf(before.value) : -1;
}

function shownOf(scan: ScanTextures, points: readonly TransferPoint[]): ShownValues {
  const table = transferTable(points, TABLE_STEPS);
  const [low, high] = transferSpan(points);
  return shownValues(scan.storedOf(low), scan.storedOf(high), table.filter((_, i) => i % 4 === 3));
}

/** All that the window does not make black. */
function aboveWindow(scan: ScanTextures, lowPart: number): ShownValues {
  const [low, high] = scan.range;
  const edge = low + lowPart * (high - low);
  return shownValues(edge, edge + 1, [0, 1]);
}

/** Low end and width of a window as parts of the scan's range. */
export function windowOf(scan: ScanTextures, centre: number, width: number): Vector2 {
  const low = scan.partOf(centre - width / 2);
  return new Vector2(low, Math.max(1e-6, scan.partOf(centre + width / 2) - low));
}

function blend(material: ShaderMaterial, share: number): void {
  if (share === 1) {
    material.blending = NoBlending;
    return;
  }
  material.blending = CustomBlending;
  material.blendSrc = ConstantAlphaFactor;
  material.blendDst = OneMinusConstantAlphaFactor;
  material.blendAlpha = share;
}
