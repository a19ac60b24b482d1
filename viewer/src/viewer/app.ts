// What the parts of the viewer share.
import type { MeshSource } from "./loading/meshes.ts";
import type { Bounds, Vec3 } from "./model/vectors.ts";
import type { ViewName } from "./model/viewpoint.ts";
import type { PageData } from "./page_data.ts";
import type { CameraMover } from "./scene/camera.ts";
import type { Stage } from "./scene/stage.ts";
import type { Store } from "./state/store.ts";
import type { Retry } from "./state/view_state.ts";
import type { ToolContext } from "./tools/tool.ts";

export interface App {
  readonly page: PageData;
  readonly store: Store;
  readonly stage: Stage;
  readonly meshes: MeshSource;
  readonly mover: CameraMover;
  readonly tools: ToolContext;
  /** Where each organ was seen last; what is hidden by others is not there. */
  readonly seenAt: Map<string, Vec3>;
  look(name: ViewName): void;
  /** As it was when the page opened. */
  reset(): void;
  fit(bounds?: Bounds): void;
  /** Load once more what did not come. */
  retry(what: Retry): void;
}
