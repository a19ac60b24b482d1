// All there is to know about a view. Drawables, panels and tools read it; only the reducer makes a new one.
import type { DetailLevel, Manifest } from "../model/manifest.ts";
import type { Orientation } from "../model/slice_view.ts";
import type { TransferPoint } from "../model/transfer.ts";
import type { Bounds, Quaternion, Vec3 } from "../model/vectors.ts";

export interface OrganState {
  readonly isShown: boolean;
  /** 0 to 1. */
  readonly opacity: number;
  /** "#rrggbb" */
  readonly colour: string;
}

/** Looks from `target + distanceMm * (turn of +z)` to the target, with the turn of +y upwards on the screen. */
export interface CameraState {
  readonly targetLpsMm: Vec3;
  readonly turn: Quaternion;
  readonly distanceMm: number;
}

/** Takes away what lies beyond `normal . p = offsetMm`; flipped, what lies before it. */
export interface ClipPlane {
  readonly id: string;
  readonly normal: Vec3;
  readonly offsetMm: number;
  readonly isFlipped: boolean;
  readonly scope: "all" | readonly string[];
}

export interface ClipState {
  readonly planes: readonly ClipPlane[];
  /** Keeps what lies within. */
  readonly box: Bounds | null;
  /** Whether handles can be taken hold of. */
  readonly hasHandles: boolean;
  /** Whether the grey scan is painted on what is cut. */
  readonly hasScan: boolean;
}
export const MOST_PLANES = 3;
/** Of the curve that says which values of the scan are seen. */
export const MOST_POINTS = 12;

export interface VolumeState {
  readonly isShown: boolean;
  readonly mode: "composite" | "mip";
  readonly presetId: string;
  readonly transferPoints: readonly TransferPoint[];
  readonly lighting: boolean;
}

export const LAYOUTS = ["3d", "1+3", "axial", "coronal", "sagittal", "oblique"] as const;
export type Layout = (typeof LAYOUTS)[number];

/** For pictures side by side: for all of them, for the 3D picture and one slice, or for one picture. */
export type Room = "wide" | "two" | "one";

export interface SlicesState {
  readonly layout: Layout;
  /** Of the slices beside the 3D picture the one that is seen where there is no room for all. */
  readonly front: Orientation;
  /** Where there is room for one picture: that slice, and not the 3D picture. */
  readonly isBefore3d: boolean;
  readonly crosshairLpsMm: Vec3;
  /** In the volume's quantity. */
  readonly windowCentre: number;
  readonly windowWidth: number;
  readonly slab: { readonly mm: number; readonly mode: "mip" | "minip" | "mean" };
  readonly overlay: boolean;
  readonly outline: boolean;
  /** Whether the planes are drawn in the 3D view too. */
  readonly isIn3d: boolean;
  readonly obliqueNormal: Vec3 | null;
}

export type ToolId = "turn" | "pick" | "clip" | "crosshair" | "window-level" | "distance" | "angle";

export type MeasureKind = "distance" | "angle";
export interface Measurement {
  readonly id: string;
  readonly kind: MeasureKind;
  readonly name: string;
  readonly pointsLpsMm: readonly Vec3[];
  readonly value: number;
  readonly unit: "mm" | "px" | "deg";
}

export interface Probe {
  readonly pointLpsMm: Vec3;
  readonly organ: string | null;
  /** On the face of a cut, not on the organ's surface. */
  readonly isInside: boolean;
  /** Of the scan there; null where it was not measured, undefined as long as it is not known. */
  readonly value?: number | null | "unread";
  /** Whether an organ is there could not be found out. */
  readonly isOrganUnread?: boolean;
}

/** What a notice lets one do about what it says. */
export type Offer =
  | { readonly kind: "put-back"; readonly measurement: Measurement; readonly at: number }
  | { readonly kind: "share" }
  | { readonly kind: "sign-in" };

/** What can be tried once more. */
export type Retry = "meshes" | "volume" | "scene" | "view" | "measurements";

export interface Notice {
  readonly id: string;
  /** A key of words.ts, with what its places hold. */
  readonly key: string;
  readonly places: Readonly<Record<string, string | number>>;
  readonly kind: "bad" | "warn" | "good";
  readonly retry: Retry | null;
  readonly offer?: Offer;
}

/** What went well and asks for nothing: whoever misses it has lost nothing. An offer to put back would be lost. */
export const goesByItself = ({ kind, offer }: Notice): boolean => kind === "good" && offer?.kind !== "put-back";

/** How much of an organ's mesh is there. */
export type Detail = DetailLevel | "loading" | "failed";

export type Paint = "picture" | "confidence";

export interface ViewState {
  readonly manifest: Manifest;
  readonly profile: "desktop" | "phone";
  readonly room: Room;
  readonly organs: Readonly<Record<string, OrganState>>;
  /** Colours given by hand, which outlast every palette that is laid over them. */
  readonly ownColours: Readonly<Record<string, string>>;
  /** What lies on a model of a picture: the picture, or how sure its depth is. */
  readonly paint: Paint;
  /** Alone in sight, whatever else is shown. */
  readonly solo: string | null;
  readonly selected: string | null;
  readonly hovered: string | null;
  readonly details: Readonly<Record<string, Detail>>;
  readonly camera: CameraState;
  readonly hasLabels: boolean;
  readonly tool: ToolId;
  /** What the tool that names things was last put on. */
  readonly probe: Probe | null;
  /** Points set for the measurement that is being made. */
  readonly pendingLpsMm: readonly Vec3[];
  readonly measurements: readonly Measurement[];
  /** Of those that were fetched: who may only look cannot change them. */
  readonly keptIds: ReadonlySet<string>;
  readonly clip: ClipState;
  readonly volume: VolumeState;
  readonly slices: SlicesState;
  readonly notices: readonly Notice[];
}

/** Whether an organ is in sight: shown, and not put aside for another. */
export function isVisible(state: ViewState, id: string): boolean {
  if (state.solo !== null) return state.solo === id;
  return state.organs[id]?.isShown ?? false;
}

/** How sure its depth is, is known of something that shows it. */
export const hasConfidence = ({ organs }: Manifest): boolean => organs.some(({ texture, confidence }) => texture && confidence);

/** Millimetres may be asked for only where the scan has them. */
export const hasMillimetres = (state: ViewState): boolean => state.manifest.unit === "mm";

/** A model of a picture is as long as its pixels at least; a scan's voxels need not be cubes, so theirs is no length. */
export const hasLengths = (state: ViewState): boolean => hasMillimetres(state) || state.manifest.estimate !== null;
