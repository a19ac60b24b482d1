// Time as the graphics card has it.
import type { WebGLRenderer } from "three";

/** How long the card takes for what it was told, by fences: the page's own clock only sees the telling. */
export function drawingClock() {
  let gl: WebGL2RenderingContext | null = null;
  let fence: WebGLSync | null = null;
  let began = 0;
  let took: number | null = null;
  function isDone(): boolean {
    if (!gl || !fence) return true;
    if (!gl.isContextLost() && gl.getSyncParameter(fence, gl.SYNC_STATUS) !== gl.SIGNALED) return false;
    gl.deleteSync(fence);
    fence = null;
    took = performance.now() - began;
    return true;
  }
  return {
    isDone,
    start(renderer: WebGLRenderer): void {
      if (!isDone()) return;
      gl = renderer.getContext() as WebGL2RenderingContext;
      fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
      began = performance.now();
      gl.flush();
    },
    /** The context was lost: a fence of before it would never be reached in the one that came back. */
    forget(): void {
      fence = null;
      took = null;
    },
    /** Milliseconds of the last thing that was done, once. */
    read(): number | null {
      isDone();
      const ms = took;
      took = null;
      return ms;
    },
  };
}
