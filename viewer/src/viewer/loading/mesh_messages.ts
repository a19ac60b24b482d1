// What the page and the worker of the meshes say to each other.
import type { DetailLevel, MeshFile } from "../model/manifest.ts";
import type { HalfSpace } from "../model/plane.ts";
import type { Bounds, Vec3 } from "../model/vectors.ts";
import type { LoadFlaw } from "./ranges.ts";

export interface MeshWish {
  readonly id: string;
  readonly level: DetailLevel;
  readonly mesh: MeshFile;
}

export interface RayWish {
  readonly originLpsMm: Vec3;
  /** Of length one. */
  readonly direction: Vec3;
  /** The organs in sight, the largest first, each with what is left of it. */
  readonly organs: readonly PickOrgan[];
}

export interface PickOrgan {
  readonly id: string;
  readonly sides: readonly HalfSpace[];
  /** Its walls are glass; only where it is cut is there something to be met. */
  readonly isOnlyCut?: boolean;
}

export interface AnchorWish {
  readonly eyeLpsMm: Vec3;
  /** Nearer than this to a surface is on it. */
  readonly toleranceMm: number;
  readonly ids: readonly string[];
  /** What is solid and may hide, with what is left of it. */
  readonly organs: RayWish["organs"];
  /** What is seen through. */
  readonly glass: RayWish["organs"];
  /** Slices that stand in the picture, and hide what lies behind them. */
  readonly sheets: readonly Sheet[];
}

export interface Sheet {
  readonly pointLpsMm: Vec3;
  readonly normal: Vec3;
  /** It goes no farther. */
  readonly boundsLpsMm: Bounds;
}

export interface AnchorPoint {
  readonly id: string;
  readonly pointLpsMm: Vec3;
}

export type ToWorker =
  /** Several meshes of one file, in one request. */
  | { readonly type: "together"; readonly files: string; readonly wishes: readonly MeshWish[] }
  | { readonly type: "load"; readonly files: string; readonly wish: MeshWish }
  /** The finest mesh of an organ is not drawn any more, and need not be held for picks. */
  | { readonly type: "drop"; readonly id: string }
  | { readonly type: "pick"; readonly request: number; readonly ray: RayWish }
  | { readonly type: "anchors"; readonly request: number; readonly wish: AnchorWish };

export interface Mesh {
  readonly id: string;
  readonly level: DetailLevel;
  /** Four for each vertex: x, y, z and nothing. LPS mm = origin + step * value. */
  readonly positions: Uint16Array<ArrayBuffer>;
  /** Four for each vertex: x, y, z of a direction times 127, and nothing. */
  readonly normals: Int8Array<ArrayBuffer>;
  readonly indices: Uint32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>;
  /** Two for each vertex: where in the texture, times 65535; (0, 0) is its upper left corner. */
  readonly places: Uint16Array<ArrayBuffer> | null;
  readonly origin: Vec3;
  readonly step: number;
}

export interface Hit {
  readonly id: string;
  readonly pointLpsMm: Vec3;
  readonly normal: Vec3;
  readonly distanceMm: number;
  /** On the face of a cut: inside the organ. */
  readonly isFace: boolean;
}

export type FromWorker =
  | { readonly type: "mesh"; readonly mesh: Mesh }
  | { readonly type: "failed"; readonly id: string; readonly level: DetailLevel; readonly flaw: LoadFlaw }
  | { readonly type: "picked"; readonly request: number; readonly hit: Hit | null; readonly tookMs: number }
  /** Those of which something is seen. */
  | { readonly type: "anchored"; readonly request: number; readonly anchors: readonly AnchorPoint[] };
