// What a person can wish for. Every change of the state is one of these.
import type { Bounds, Vec3 } from "../model/vectors.ts";
import type {
  CameraState,
  ClipPlane,
  Detail,
  Layout,
  Measurement,
  Notice,
  Paint,
  Probe,
  Room,
  SlicesState,
  ToolId,
  VolumeState,
} from "./view_state.ts";

export type Intent =
  // Organs. Several at once where a group is meant.
  | { readonly type: "show"; readonly ids: readonly string[]; readonly isShown: boolean }
  | { readonly type: "show-all"; readonly isShown: boolean }
  | { readonly type: "solo"; readonly id: string | null }
  | { readonly type: "opacity"; readonly ids: readonly string[]; readonly opacity: number }
  | { readonly type: "colour"; readonly id: string; readonly colour: string }
  // A palette over all; null takes it away again, and what was coloured by hand is as it was.
  | { readonly type: "palette"; readonly colours: Readonly<Record<string, string>> | null }
  | { readonly type: "look-reset" }
  | { readonly type: "paint"; readonly paint: Paint }
  | { readonly type: "select"; readonly id: string | null }
  | { readonly type: "hover"; readonly id: string | null }
  | { readonly type: "details"; readonly details: Readonly<Record<string, Detail>> }
  // Looking.
  | { readonly type: "camera"; readonly camera: CameraState }
  | { readonly type: "labels"; readonly hasLabels: boolean }
  | { readonly type: "tool"; readonly tool: ToolId }
  | { readonly type: "probe"; readonly probe: Probe | null }
  | { readonly type: "room"; readonly room: Room }
  | { readonly type: "profile"; readonly profile: "desktop" | "phone" }
  // Clipping.
  | { readonly type: "clip-add"; readonly plane: ClipPlane }
  | { readonly type: "clip-change"; readonly id: string; readonly change: Partial<Omit<ClipPlane, "id">> }
  | { readonly type: "clip-remove"; readonly id: string }
  | { readonly type: "clip-box"; readonly box: Bounds | null }
  | { readonly type: "clip-handles"; readonly hasHandles: boolean }
  | { readonly type: "clip-scan"; readonly hasScan: boolean }
  // Measuring.
  | { readonly type: "measure-point"; readonly pointLpsMm: Vec3; readonly name: string; readonly id: string }
  | { readonly type: "measure-cancel" }
  | { readonly type: "measure-rename"; readonly id: string; readonly name: string }
  | { readonly type: "measure-remove"; readonly id: string }
  | { readonly type: "measure-put-back"; readonly measurement: Measurement; readonly at: number }
  | { readonly type: "measures-load"; readonly measurements: readonly Measurement[]; readonly keptIds: readonly string[] }
  // The scan.
  | { readonly type: "volume"; readonly change: Partial<VolumeState> }
  | { readonly type: "slices"; readonly change: Partial<Omit<SlicesState, "layout">> }
  | { readonly type: "layout"; readonly layout: Layout }
  // What is said.
  | { readonly type: "notice"; readonly notice: Notice }
  | { readonly type: "notice-close"; readonly id: string };
