// Half-spaces of the model -> planes of the engine.
import { Plane, Vector3 } from "three";
import type { HalfSpace } from "../model/plane.ts";

export const enginePlane = (side: HalfSpace): Plane => new Plane(new Vector3(...side.normal), side.constant);
