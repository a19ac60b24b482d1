// Moves the camera of the state: by steps, with a glide after a throw, and on a path to where one wants to be.
import { busy } from "../busy.ts";
import { type View, mmPerPixel, rayThrough } from "../model/rays.ts";
import { type Bounds, add, between, dot, radius, scale, slerp } from "../model/vectors.ts";
import { axesOf, fitting, orbited, twisted } from "../model/viewpoint.ts";
import { boundsOf, extremesOf } from "../state/first_state.ts";
import type { Store } from "../state/store.ts";
import type { CameraState } from "../state/view_state.ts";

/** A throw is down to a tenth after about half a second. */
const GLIDE_PER_MS = 0.9955;
const SLOWEST_GLIDE = 0.00004;
const PATH_MS = 420;

export interface CameraMover {
  /** In radians. */
  turn(right: number, down: number): void;
  /** In CSS pixels. */
  pan(right: number, down: number): void;
  twist(radians: number): void;
  /** Times nearer, towards a point of the screen where one is given. */
  zoom(by: number, at?: { x: number; y: number }): void;
  /** Let go while turning, in radians a millisecond. */
  throw(right: number, down: number): void;
  halt(): void;
  /** Along a path, or at once where motion is not wanted. */
  goTo(camera: CameraState): void;
  /** Everything, or a part of it, into view. */
  fit(bounds?: Bounds): void;
}

const wantsLessMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function cameraMover(store: Store, view: () => View): CameraMover {
  let frame = 0;

  const set = (camera: CameraState) => store.dispatch({ type: "camera", camera });
  const now = () => store.state.camera;

  function halt(): void {
    cancelAnimationFrame(frame);
    frame = 0;
    busy("camera", false);
  }

  /** Each frame until it says that it is done. */
  function run(step: (elapsedMs: number, sinceMs: number) => boolean): void {
    halt();
    busy("camera", true);
    let start = 0;
    let last = 0;
    const next = (time: number) => {
      start ||= time;
      const isOver = step(time - start, last ? time - last : 16);
      last = time;
      if (isOver) halt();
      else frame = requestAnimationFrame(next);
    };
    frame = requestAnimationFrame(next);
  }

  function turn(right: number, down: number): void {
    const camera = now();
    set({ ...camera, turn: orbited(camera.turn, right, down) });
  }

  function zoom(by: number, at?: { x: number; y: number }): void {
    const camera = now();
    const whole = radius(boundsOf(store.state.manifest));
    const distanceMm = Math.min(whole * 12, Math.max(whole * 0.02, camera.distanceMm / by));
    let { targetLpsMm } = camera;
    if (at) {
      // What lies under the pointer, in the plane of the target, stays there.
      const seen = view();
      const ray = rayThrough(seen, at.x, at.y);
      const slant = 1 / Math.max(0.2, -dot(ray.direction, axesOf(camera.turn).back));
      const point = add(ray.originLpsMm, scale(ray.direction, camera.distanceMm * slant));
      targetLpsMm = between(targetLpsMm, point, 1 - distanceMm / camera.distanceMm);
    }
    set({ ...camera, targetLpsMm, distanceMm });
  }

  function goTo(camera: CameraState): void {
    const from = now();
    if (wantsLessMotion()) {
      halt();
      set(camera);
      return;
    }
    run((elapsed) => {
      const share = Math.min(1, elapsed / PATH_MS);
      const eased = share < 0.5 ? 4 * share ** 3 : 1 - (-2 * share + 2) ** 3 / 2;
      set(
        share >= 1
          ? camera
          : {
              turn: slerp(from.turn, camera.turn, eased),
              targetLpsMm: between(from.targetLpsMm, camera.targetLpsMm, eased),
              distanceMm: from.distanceMm * (camera.distanceMm / from.distanceMm) ** eased,
            },
      );
      return share >= 1;
    });
  }

  return {
    turn,
    zoom,
    halt,
    goTo,
    pan(right, down) {
      const camera = now();
      const mm = mmPerPixel(view(), camera.targetLpsMm);
      const axes = axesOf(camera.turn);
      const by = add(scale(axes.right, -right * mm), scale(axes.up, down * mm));
      set({ ...camera, targetLpsMm: add(camera.targetLpsMm, by) });
    },
    twist(radians) {
      const camera = now();
      set({ ...camera, turn: twisted(camera.turn, radians) });
    },
    throw(right, down) {
      if (wantsLessMotion()) return;
      let [x, y] = [right, down];
      run((_, since) => {
        const slower = GLIDE_PER_MS ** since;
        // The way of a speed that falls all the while: the same in few frames as in many.
        const way = (slower - 1) / Math.log(GLIDE_PER_MS);
        turn(x * way, y * way);
        x *= slower;
        y *= slower;
        return Math.hypot(x, y) < SLOWEST_GLIDE;
      });
    },
    fit(bounds) {
      const { width, height } = view();
      const { manifest } = store.state;
      goTo(fitting(bounds ?? boundsOf(manifest), width / height, now().turn, bounds ? undefined : extremesOf(manifest)));
    },
  };
}
