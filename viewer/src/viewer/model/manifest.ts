// `view/scene.json`: what there is to look at and where its bytes lie. Types, and a reader that believes nothing.
import type { Bounds, Vec3 } from "./vectors.ts";

export const NEWEST_VERSION = 1;

export type Light = "green" | "amber" | "red";
export type DetailLevel = "coarse" | "medium" | "full";
export const DETAIL_LEVELS: readonly DetailLevel[] = ["coarse", "medium", "full"];

/** Where something lies, in bytes: offset, then how many. */
export type Span = readonly [offset: number, bytes: number];

export interface MeshFile {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  readonly vertices: number;
  readonly triangles: number;
  /** LPS mm = origin + step * uint16. */
  readonly origin: Vec3;
  readonly step: number;
  /** Counted from the mesh's own offset. */
  readonly streams: {
    readonly positions: Span;
    readonly normals: Span;
    readonly indices: Span;
    /** Of each vertex in the organ's texture; null without one. */
    readonly places: Span | null;
  };
  readonly sha256: string | null;
}

/** A picture that lies on a surface: a JPEG or PNG as it is. */
export interface TextureFile {
  readonly file: string;
  readonly bytes: number;
  readonly mediaType: "image/jpeg" | "image/png";
  readonly sha256: string | null;
}

/** That all of it was made of a picture, and guessed. */
export interface Estimate {
  /** Which sides nobody saw, a clause. */
  readonly invented: string;
  /** Of how many pictures it was made. */
  readonly pictures: 1 | 2;
}

export interface Statistics {
  readonly voxels: number;
  readonly mean: number;
  readonly sd: number;
  readonly min: number;
  readonly max: number;
  readonly p05: number;
  readonly median: number;
  readonly p95: number;
}

export interface Organ {
  readonly id: string;
  readonly name: string;
  readonly code: { readonly scheme: string; readonly value: string; readonly meaning: string } | null;
  readonly side: "left" | "right" | null;
  readonly parent: string | null;
  /** "#rrggbb" */
  readonly colour: string;
  /** To begin with; null where the scene does not say. */
  readonly opacity: number | null;
  readonly label: number | null;
  /** The scene gives it a number that no voxel can have: nothing of it is known among the voxels. */
  readonly hasSenselessLabel: boolean;
  readonly light: Light;
  readonly reasons: readonly string[];
  readonly volumeMl: number | null;
  readonly areaMm2: number | null;
  readonly boundsLpsMm: Bounds;
  readonly centreLpsMm: Vec3;
  /** Points of the surface that reach farthest, all around; null where only the box is known. */
  readonly extremesLpsMm: readonly Vec3[] | null;
  readonly triangles: number;
  readonly distanceMeanMm: number | null;
  readonly distanceP95Mm: number | null;
  readonly statistics: Statistics | null;
  readonly texture: TextureFile | null;
  /** At the same places as the texture: how sure its depth is, in colours. */
  readonly confidence: TextureFile | null;
  /** Coarse is always there, the finer ones where they differ from it. */
  readonly meshes: { readonly coarse: MeshFile; readonly medium: MeshFile | null; readonly full: MeshFile | null };
}

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly parent: string | null;
}

export interface NotFound {
  readonly id: string;
  readonly name: string;
  readonly reason: string;
}

/** offset, bytes, lowest and highest stored value. Without bytes every voxel has the lowest. */
export type BrickEntry = readonly [offset: number, bytes: number, min: number, max: number];

export interface BrickLevel {
  readonly file: string;
  /** Slices, rows, columns. */
  readonly shape: Vec3;
  /** 4 x 4, row by row. */
  readonly indexToLps: readonly number[];
  readonly brick: number;
  readonly grid: Vec3;
  readonly bricks: readonly BrickEntry[];
  /** Of each brick's bytes, null where it has none; builds of older versions know none. */
  readonly sha256?: readonly (string | null)[];
}

export interface VolumeFile {
  readonly quantity: "HU" | "a.u.";
  readonly dtype: string;
  readonly range: readonly [number, number];
  /** As stored; null where everything was measured. */
  readonly unmeasured: number | null;
  readonly scale: number;
  readonly offset: number;
  readonly window: { readonly centre: number; readonly width: number };
  readonly levels: readonly BrickLevel[];
}

export interface LabelsFile {
  readonly dtype: string;
  readonly levels: readonly BrickLevel[];
}

export interface Manifest {
  readonly version: number;
  readonly title: string;
  readonly unit: "mm" | "px";
  readonly organs: readonly Organ[];
  readonly groups: readonly Group[];
  readonly notFound: readonly NotFound[];
  readonly volume: VolumeFile | null;
  readonly labels: LabelsFile | null;
  /** Null for what was measured. */
  readonly estimate: Estimate | null;
  /** The first parts that could not be understood and were left out, by the place they stand at. */
  readonly leftOut: readonly string[];
  readonly leftOutCount: number;
}
