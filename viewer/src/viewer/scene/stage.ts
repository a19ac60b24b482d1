// The canvas: draws when something has changed, coarser while it moves, and comes back when the context was lost.
import { PerspectiveCamera, Quaternion, Scene, Vector2, Vector3, WebGLRenderTarget, WebGLRenderer } from "three";
import { busy } from "../busy.ts";
import { type View, upwardOpening } from "../model/rays.ts";
import { length, middle, radius, subtract } from "../model/vectors.ts";
import { boundsOf } from "../state/first_state.ts";
import type { Store } from "../state/store.ts";
import type { ViewState } from "../state/view_state.ts";
import { type Drawable, type FrameContext, GLASS_LAYER, type Pass } from "./drawable.ts";
import { drawGlass, openCopier, openTarget } from "./targets.ts";

/** Still for so long: the quality comes back. Longer with a finger on it, or where a frame takes long. */
const STILL_AFTER_MS = 140;
const STILL_WHILE_HELD_MS = 900;
const SHARPEST = 2;
const COARSEST_SHARE = 0.35;
/** A frame that takes longer holds up the page. */
const SLOW_MS = 120;
const BREAK = 2.5;
const LONGEST_BREAK_MS = 5000;
/** From here on coarser meshes help more than fewer pixels. */
const STRUGGLING_SHARE = 0.75;

const CONTEXT = { alpha: true, antialias: true, stencil: true } as const;

export interface Stage {
  readonly canvas: HTMLCanvasElement;
  readonly renderer: WebGLRenderer;
  /** What the camera sees, in CSS pixels. */
  view(state: ViewState): View;
  add(drawable: Drawable): void;
  /** Something changed that the state does not tell. */
  invalidate(): void;
  /** Likewise, but nobody waits for it: where a frame takes long, the page gets its time in between. */
  invalidateSoon(): void;
  /** Before each frame that is drawn: what lies over the canvas moves along. */
  onFrame(listener: (state: ViewState, view: View, effort: Effort) => void): void;
  /** Somebody has a finger on it. */
  hold(isHeld: boolean): void;
  /** The scene at another size, opaque behind; top row first. */
  picture(width: number, height: number): ImageData;
  readonly isLost: boolean;
  dispose(): void;
}

export interface Effort {
  readonly isMoving: boolean;
  /** It moves, and cannot keep up. */
  readonly isStruggling: boolean;
}

export interface StageOptions {
  readonly canvas: HTMLCanvasElement;
  readonly store: Store;
  readonly lost: (isLost: boolean) => void;
}

/** Raises where the browser has no WebGL 2. */
export function startStage({ canvas, store, lost }: StageOptions): Stage {
  // In its size from the beginning: to change it makes all buffers anew, and waits for the card.
  canvas.width = Math.round(canvas.clientWidth * Math.min(SHARPEST, devicePixelRatio)) || 1;
  canvas.height = Math.round(canvas.clientHeight * Math.min(SHARPEST, devicePixelRatio)) || 1;
  // Asked before the engine is, which would complain in the console; it gets the same one.
  if (!canvas.getContext("webgl2", CONTEXT)) throw new Error("no WebGL 2");
  const renderer = new WebGLRenderer({ canvas, ...CONTEXT });
  renderer.setClearColor(0, 0);
  renderer.localClippingEnabled = true;
  renderer.autoClear = false;
  renderer.info.autoReset = false;
  const camera = new PerspectiveCamera();
  const scenes: Record<Pass, Scene> = { solid: new Scene(), volume: new Scene(), overlay: new Scene() };
  const drawables: Drawable[] = [];
  const listeners: Parameters<Stage["onFrame"]>[0][] = [];
  let hasGlass = false;
  const targets = { solid: openTarget(), glass: openTarget() };
  const copier = openCopier();
  let frame = 0;
  let movedAt = -Infinity;
  let share = 1;
  let lastFrameAt = 0;
  let isLost = false;
  let isHeld = false;
  let frameMs = 16;
  let wasMoving = false;
  /** What the last frame took until the page had its turn again. */
  let costMs = 0;
  let soonTimer: ReturnType<typeof setTimeout> | undefined;
  /** What is solid has to be drawn again; else only the volume goes on where it was. */
  let isStale = true;
  let stillTimer: ReturnType<typeof setTimeout> | undefined;

  function schedule(): void {
    clearTimeout(soonTimer);
    soonTimer = undefined;
    if (!frame && !isLost) frame = requestAnimationFrame(draw);
    tellBusy();
  }
  function tellBusy(): void {
    const isDrawing = drawables.some((one) => one.isDrawing && one.object.visible);
    busy("picture", frame !== 0 || isLost || isDrawing || soonTimer !== undefined || stillTimer !== undefined);
  }
  function invalidate(): void {
    isStale = true;
    schedule();
  }
  function soon(): void {
    if (costMs < SLOW_MS) schedule();
    else if (!frame) soonTimer ??= setTimeout(schedule, Math.min(LONGEST_BREAK_MS, costMs * BREAK));
    tellBusy();
  }

  function size(): { width: number; height: number } {
    return { width: Math.max(1, canvas.clientWidth), height: Math.max(1, canvas.clientHeight) };
  }

  /** As fine as the screen, and while moving as coarse as keeps it smooth. */
  function ratio(isMoving: boolean): number {
    const finest = Math.min(SHARPEST, devicePixelRatio);
    return isMoving ? finest * share : finest;
  }

  function learn(now: number, isMoving: boolean): void {
    const took = now - lastFrameAt;
    lastFrameAt = now;
    if (!isMoving || !wasMoving || took > 3000) return;
    frameMs = frameMs * 0.6 + took * 0.4;
    if (took > 40) share = Math.max(COARSEST_SHARE, share * (took > 120 ? 0.6 : 0.85));
    else if (took < 20) share = Math.min(1, share * 1.05);
  }

  function draw(now: number): void {
    frame = 0;
    const { state } = store;
    const isMoving = now - movedAt < stillAfter();
    learn(now, isMoving);
    wasMoving = isMoving;
    const { width, height } = size();
    fit(width, height, ratio(isMoving));
    let isUnfinished = false;
    for (const drawable of drawables) isUnfinished = drawable.update(state) || isUnfinished;
    const view = viewOf(state, width, height);
    aim(camera, view, state);
    const effort = { isMoving, isStruggling: isMoving && share < STRUGGLING_SHARE };
    for (const listener of listeners) listener(state, view, effort);
    renderer.info.reset();
    render({ width, height, pixelRatio: renderer.getPixelRatio() }, isMoving, null);
    isStale = false;
    requestAnimationFrame((then) => {
      costMs = then - now;
    });
    if (isUnfinished) {
      // The volume is drawn in parts, each of them cheap.
      if (isInSight("volume")) schedule();
      else soon();
    }
    if (isMoving) {
      clearTimeout(stillTimer);
      stillTimer = setTimeout(sharpen, stillAfter() + 5);
    }
    tellBusy();
  }
  function sharpen(): void {
    stillTimer = undefined;
    invalidate();
  }

  const stillAfter = (): number => (isHeld ? STILL_WHILE_HELD_MS : Math.min(600, Math.max(STILL_AFTER_MS, frameMs * 3)));

  function fit(width: number, height: number, pixelRatio: number): void {
    const now = renderer.getSize(new Vector2());
    if (now.x === width && now.y === height && renderer.getPixelRatio() === pixelRatio) return;
    renderer.setDrawingBufferSize(width, height, pixelRatio);
  }

  const isInSight = (pass: Pass) => drawables.some((one) => one.pass === pass && one.object.visible);

  function render(at: FrameContext["size"], isMoving: boolean, into: WebGLRenderTarget | null): void {
    if (isInSight("volume")) renderWithVolume(at, isMoving, into);
    else {
      renderer.setRenderTarget(into);
      renderer.clear();
      camera.layers.enable(GLASS_LAYER);
      renderer.render(scenes.solid, camera);
    }
    if (isInSight("overlay")) {
      renderer.clearDepth();
      renderer.render(scenes.overlay, camera);
    }
    renderer.setRenderTarget(null);
  }

  function renderWithVolume(size: FrameContext["size"], isMoving: boolean, into: WebGLRenderTarget | null): void {
    const { solid, glass } = targets;
    const [width, height] = [Math.round(size.width * size.pixelRatio), Math.round(size.height * size.pixelRatio)];
    if (isStale || into || solid.width !== width || solid.height !== height) {
      for (const target of [solid, glass]) target.setSize(width, height);
      camera.layers.set(0);
      renderer.setRenderTarget(solid);
      renderer.clear();
      renderer.render(scenes.solid, camera);
      hasGlass = drawGlass(renderer, targets, scenes.solid, camera);
      // A picture of another size leaves nothing that the screen could go on with.
      if (into) isStale = true;
    }
    camera.layers.set(0);
    const frame: FrameContext = {
      renderer,
      camera,
      size,
      isMoving,
      isFinal: into !== null,
      depth: solid.depthTexture,
      colour: solid.texture,
      glass: hasGlass && glass.depthTexture ? { colour: glass.texture, depth: glass.depthTexture } : null,
    };
    for (const drawable of drawables) if (drawable.object.visible) drawable.beforeVolume?.(frame);
    renderer.setRenderTarget(into);
    renderer.clear();
    copier.copy(renderer, solid);
    renderer.render(scenes.volume, camera);
  }

  function picture(width: number, height: number): ImageData {
    const into = new WebGLRenderTarget(width, height, { samples: 4, stencilBuffer: true, depthBuffer: true });
    // What is chosen and pointed at glows for the one who works, not in a picture for others.
    const state: ViewState = { ...store.state, selected: null, hovered: null };
    for (const drawable of drawables) drawable.update(state);
    aim(camera, viewOf(state, width, height), state);
    try {
      render({ width, height, pixelRatio: 1 }, false, into);
      const pixels = new Uint8Array(width * height * 4);
      renderer.readRenderTargetPixels(into, 0, 0, width, height, pixels);
      return upright(pixels, width, height);
    } finally {
      into.dispose();
      invalidate();
    }
  }

  const unsubscribe = store.subscribe((state, before) => {
    // Also what is dragged with a slider: it has to follow the hand, and sharpens afterwards.
    const isMoved = state.camera !== before.camera || state.clip !== before.clip || state.organs !== before.organs;
    // Where it is looked from to begin with is no movement.
    if (isMoved && lastFrameAt > 0) movedAt = performance.now();
    invalidate();
  });
  const resizes = new ResizeObserver(() => {
    invalidate();
  });
  resizes.observe(canvas);
  canvas.addEventListener("webglcontextlost", (event) => {
    // Without this the browser never gives it back.
    event.preventDefault();
    isLost = true;
    cancelAnimationFrame(frame);
    frame = 0;
    tellBusy();
    lost(true);
  });
  canvas.addEventListener("webglcontextrestored", () => {
    isLost = false;
    // Or the first frame is drawn on black.
    renderer.setClearColor(0, 0);
    for (const drawable of drawables) drawable.restore?.();
    lost(false);
    invalidate();
  });

  return {
    canvas,
    renderer,
    view: (state) => viewOf(state, size().width, size().height),
    add(drawable) {
      drawables.push(drawable);
      scenes[drawable.pass].add(drawable.object);
      invalidate();
    },
    invalidate,
    invalidateSoon() {
      isStale = true;
      soon();
    },
    onFrame: (listener) => void listeners.push(listener),
    picture,
    hold(now) {
      isHeld = now;
      invalidate();
    },
    get isLost() {
      return isLost;
    },
    dispose() {
      unsubscribe();
      resizes.disconnect();
      cancelAnimationFrame(frame);
      clearTimeout(stillTimer);
      clearTimeout(soonTimer);
      for (const drawable of drawables) drawable.dispose();
      targets.solid.dispose();
      targets.glass.dispose();
      renderer.dispose();
    },
  };
}

function viewOf(state: ViewState, width: number, height: number): View {
  return { ...state.camera, width, height };
}

/** Near and far as tight around the scene as they can be: depth is what caps and the volume live on. */
function aim(camera: PerspectiveCamera, view: View, state: ViewState): void {
  const bounds = boundsOf(state.manifest);
  camera.fov = (upwardOpening(view.width, view.height) * 180) / Math.PI;
  camera.aspect = view.width / view.height;
  camera.quaternion.copy(new Quaternion(...view.turn));
  camera.position.set(0, 0, view.distanceMm).applyQuaternion(camera.quaternion).add(new Vector3(...view.targetLpsMm));
  const far = length(subtract(middle(bounds), [camera.position.x, camera.position.y, camera.position.z]));
  const around = radius(bounds) * 1.6 + 1;
  camera.far = far + around;
  camera.near = Math.max(far - around, camera.far * 0.002);
  camera.updateProjectionMatrix();
  camera.updateMatrixWorld();
}

/** OpenGL counts rows from below, and colours come multiplied with their opacity. */
function upright(pixels: Uint8Array, width: number, height: number): ImageData {
  const image = new ImageData(width, height);
  for (let row = 0; row < height; row += 1) {
    const from = (height - 1 - row) * width * 4;
    image.data.set(pixels.subarray(from, from + width * 4), row * width * 4);
  }
  const { data } = image;
  for (let at = 0; at < data.length; at += 4) {
    const opacity = data[at + 3] ?? 0;
    if (opacity === 0 || opacity === 255) continue;
    for (let channel = 0; channel < 3; channel += 1) data[at + channel] = ((data[at + channel] ?? 0) * 255) / opacity;
  }
  return image;
}
