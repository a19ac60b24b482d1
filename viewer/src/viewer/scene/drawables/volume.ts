// The scan as a body of light and shade: rays through the 3D texture, ended and tinted by the meshes they meet.
import {
  ConstantAlphaFactor, CustomBlending, DataTexture, DataUtils, HalfFloatType, LinearFilter, Matrix3, NoBlending, OneFactor,
  OneMinusConstantAlphaFactor, OneMinusSrcAlphaFactor, RGBAFormat, type ShaderMaterial, type Texture, UnsignedByteType,
  Vector2, Vector3, Vector4, WebGLRenderTarget,
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
import { screenMaterial, screenScene } from "./screen.ts";
import { LAY_OVER_FRAGMENT, VOLUME_FRAGMENT } from "./volume_glsl.ts";

const TABLE_STEPS = 1024;
/** A surface is lit fully where the value climbs by this part of the transfer function's span within a millimetre. */
const SURFACE_PER_MM = 0.06;
/** The golden ratio spreads the passes' beginnings evenly, however many there are. */
const GOLDEN = 0.618034;

export interface VolumeDrawable extends Drawable {
  /** Which stored values it shows, null where it is hidden. */
  readonly shown: ShownValues | null;
  /** Whether all passes of the still picture are done. */
  readonly isFinished: boolean;
  /** For measuring: nothing is skipped, nothing adapts. */
  fix(settings: { share: number; stepVoxels: number; passes: number; skips: boolean } | null): void;
  /** The scan's textures changed. */
  refresh(): void;
}

export function volumeDrawable(scan: ScanTextures): VolumeDrawable {
  const spacingMm = Math.min(...spacings(scan.indexToLps));
  const uniforms = { ...scan.uniforms, ...ownUniforms(scan) };
  const march = screenMaterial(SCAN_GLSL + VOLUME_FRAGMENT, uniforms);
  const over = { uMarched: { value: null as Texture | null } };
  const lay = screenMaterial(LAY_OVER_FRAGMENT, over);
  lay.blending = CustomBlending;
  lay.blendSrc = OneFactor;
  lay.blendDst = OneMinusSrcAlphaFactor;
  lay.transparent = true;
  const marching = screenScene(march);
  const object = marching.quad.clone();
  object.material = lay;
  object.visible = false;
  const quick = new WebGLRenderTarget(1, 1, { depthBuffer: false, type: UnsignedByteType, minFilter: LinearFilter });
  const fine = new WebGLRenderTarget(1, 1, { depthBuffer: false, type: HalfFloatType, minFilter: LinearFilter });

  let shown: ShownValues | null = null;
  let quality: Quality = FIRST_QUALITY;
  let fixed: { share: number; stepVoxels: number; passes: number; skips: boolean } | null = null;
  let seen: readonly unknown[] = [];
  let lookedFrom = "";
  let pass = 0;
  let band = 0;
  let bands = 1;
  let isDone = false;
  let last: { at: number; kind: "moving" | "band" } | null = null;
  let points: readonly TransferPoint[] | null = null;
  let shownFor: readonly unknown[] = [];

  function again(): void {
    pass = band = 0;
    isDone = false;
  }

  function update(state: ViewState): boolean {
    object.visible = state.volume.isShown && scan.isCoarseThere;
    const { volume, slices, clip } = state;
    const now = [volume, clip, state.organs, state.solo, state.details, slices.windowCentre, slices.windowWidth, slices.isIn3d,
      scan.version];
    if (now.some((one, i) => one !== seen[i])) {
      seen = now;
      takeOver(state);
      again();
    }
    return object.visible && !isDone;
  }

  function takeOver({ volume, slices, clip }: ViewState): void {
    if (volume.transferPoints !== points) {
      points = volume.transferPoints;
      writeTransfer(scan, uniforms, points);
    }
    const window = windowOf(scan, slices.windowCentre, slices.windowWidth);
    uniforms.uMipWindow.value.copy(window);
    uniforms.uIsMip.value = volume.mode === "mip";
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

  function learn(now: number, kind: "moving" | "band"): void {
    // Only frames that follow each other tell how long one takes.
    if (last && last.kind === kind && now - last.at < 4000 && !fixed)
      quality = kind === "moving" ? afterMoving(quality, now - last.at) : band > 0 ? afterBand({ ...quality, bands }, now - last.at) : quality;
    last = { at: now, kind };
  }

  function beforeVolume(frame: FrameContext): void {
    const { renderer, camera, size } = frame;
    const width = Math.max(1, Math.round(size.width * size.pixelRatio));
    const height = Math.max(1, Math.round(size.height * size.pixelRatio));
    const from = [...camera.matrixWorld.elements, ...camera.projectionMatrix.elements, width, height].join();
    if (from !== lookedFrom) {
      lookedFrom = from;
      again();
    }
    uniforms.uProjectionInverse.value.copy(camera.projectionMatrixInverse);
    uniforms.uCameraToWorld.value.copy(camera.matrixWorld);
    uniforms.uNearFar.value.set(camera.near, camera.far);
    uniforms.uDepth.value = frame.depth;
    uniforms.uHasDepth.value = frame.depth !== null;
    uniforms.uGlassColour.value = frame.glass?.colour ?? null;
    uniforms.uGlassDepth.value = frame.glass?.depth ?? null;
    uniforms.uHasGlass.value = Boolean(frame.glass);
    uniforms.uSkips.value = fixed?.skips ?? true;
    const now = performance.now();
    if (frame.isMoving && !fixed) {
      learn(now, "moving");
      again();
      drawQuick(frame, width, height);
    } else if (!isDone) {
      learn(now, "band");
      if (fixed) quality = { share: fixed.share, bands: 1, passes: fixed.passes };
      const share = fixed?.share ?? 1;
      drawStill(frame, Math.max(1, Math.round(width * share)), Math.max(1, Math.round(height * share)));
    } else last = null;
    renderer.setRenderTarget(null);
  }

  function drawQuick({ renderer }: FrameContext, width: number, height: number): void {
    quick.setSize(Math.max(1, Math.ceil(width * quality.share)), Math.max(1, Math.ceil(height * quality.share)));
    march.blending = NoBlending;
    uniforms.uStepMm.value = STEP.moving * stepOf();
    uniforms.uJitter.value = 0;
    renderer.setRenderTarget(quick);
    renderer.render(marching.scene, marching.camera);
    over.uMarched.value = quick.texture;
  }

  function drawStill({ renderer }: FrameContext, width: number, height: number): void {
    if (fine.width !== width || fine.height !== height) fine.setSize(width, height);
    // What is learnt on the way counts from the next pass on: strips of one pass must fit together.
    if (band === 0) bands = quality.bands;
    const [first, rows] = bandOf(band, bands, height);
    fine.scissorTest = bands > 1;
    fine.scissor.set(0, first, width, rows);
    blend(march, 1 / (pass + 1));
    uniforms.uStepMm.value = (fixed?.stepVoxels ?? STEP.still) * stepOf();
    uniforms.uJitter.value = pass * GOLDEN;
    renderer.setRenderTarget(fine);
    renderer.render(marching.scene, marching.camera);
    band++;
    if (band < bands) return;
    band = 0;
    pass++;
    isDone = pass >= quality.passes;
    over.uMarched.value = fine.texture;
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
    refresh: again,
    restore: again,
    get shown() {
      return shown;
    },
    get isFinished() {
      return isDone;
    },
    fix(settings) {
      fixed = settings;
      again();
    },
    dispose() {
      march.dispose();
      lay.dispose();
      quick.dispose();
      fine.dispose();
      marching.quad.geometry.dispose();
      uniforms.uTransfer.value.dispose();
    },
  };
}

function ownUniforms(scan: ScanTextures) {
  const linear = new Matrix3().setFromMatrix4(scan.uniforms.uLpsToIndex.value).transpose();
  const table = new DataTexture(new Uint16Array(TABLE_STEPS * 4), TABLE_STEPS, 1, RGBAFormat, HalfFloatType);
  table.minFilter = table.magFilter = LinearFilter;
  return {
    uTransfer: { value: table },
    uTransferSpan: { value: new Vector2(0, 1) },
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
