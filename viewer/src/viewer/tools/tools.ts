// Every tool. A line here is the only registration.
import { hasLengths, type ToolId, type ViewState } from "../state/view_state.ts";
import type { Manifest } from "../model/manifest.ts";
import { angle } from "./angle.ts";
import { clip } from "./clip.ts";
import { crosshair } from "./crosshair.ts";
import { distance } from "./distance.ts";
import { pick } from "./pick.ts";
import type { Tool } from "./tool.ts";
import { turn } from "./turn.ts";
import { windowLevel } from "./window_level.ts";

export const TOOLS: readonly Tool[] = [turn, pick, clip, crosshair, windowLevel, distance, angle];

export const toolOf = (id: ToolId): Tool => TOOLS.find((tool) => tool.id === id) ?? turn;

/** Those that this scene can ever use: a model of a picture has no scan, and never gets one. */
export const toolsOf = ({ estimate }: Pick<Manifest, "estimate">): readonly Tool[] =>
  TOOLS.filter(({ needs }) => !(estimate && needs === "volume"));

/** What stands against a tool in this scene; null where nothing does. */
export function hindrance(tool: Tool, state: ViewState): "lengths" | "volume" | null {
  if (tool.needs === "lengths" && !hasLengths(state)) return "lengths";
  if (tool.needs === "volume" && !state.manifest.volume) return "volume";
  return null;
}
