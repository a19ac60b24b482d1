// What the sides of a scene are called: of a patient by the letters that radiologists read, of a picture by words.
// A picture is held like a patient who faces the viewer: the patient's left is the picture's right.
import { word } from "../../page/words.ts";
import type { Manifest } from "../model/manifest.ts";
import type { ViewName } from "../model/viewpoint.ts";

export interface SideWords {
  /** On the cube, and at the edges of a saved picture. */
  readonly marks: Readonly<Record<ViewName, string>>;
  /** Whether the marks are whole words, which say it all. */
  readonly areWords: boolean;
  /** "From the left" */
  from(name: ViewName): string;
  /** Where the depth of a cut is counted from. */
  depth(name: ViewName): string;
}

type Shown = Pick<Manifest, "estimate">;

/** The side as it is seen by whoever looks at the front. */
const MIRRORED: Readonly<Partial<Record<ViewName, ViewName>>> = { left: "right", right: "left" };

export function sideWords({ estimate }: Shown): SideWords {
  if (!estimate) return { marks: LETTERS, areWords: false, from: viewLabel, depth: depthFrom };
  const asSeen = (name: ViewName): ViewName => MIRRORED[name] ?? name;
  return {
    marks: {
      anterior: word("Front"),
      posterior: word("Rear"),
      left: word("Right"),
      right: word("Left"),
      superior: word("Top"),
      inferior: word("Bottom"),
    },
    areWords: true,
    from: (name) => pictureLabel(asSeen(name)),
    depth: (name) => depthFrom(asSeen(name)),
  };
}

const LETTERS: SideWords["marks"] = { anterior: "A", posterior: "P", left: "L", right: "R", superior: "S", inferior: "I" };

function viewLabel(name: ViewName): string {
  const labels: Record<ViewName, () => string> = {
    anterior: () => word("From the front"),
    posterior: () => word("From the back"),
    left: () => word("From the left"),
    right: () => word("From the right"),
    superior: () => word("From above"),
    inferior: () => word("From below"),
  };
  return labels[name]();
}

/** With the side as it is seen. */
function pictureLabel(name: ViewName): string {
  if (name === "anterior") return word("From the front, as in the picture");
  if (name === "left") return word("From the left of the picture");
  return name === "right" ? word("From the right of the picture") : viewLabel(name);
}

/** Where the millimetres of a cut begin: where the organs do, on that side. */
function depthFrom(side: ViewName): string {
  const names: Record<ViewName, () => string> = {
    anterior: () => word("Depth from the front"),
    posterior: () => word("Depth from the back"),
    left: () => word("Depth from the left"),
    right: () => word("Depth from the right"),
    superior: () => word("Depth from the top"),
    inferior: () => word("Depth from the bottom"),
  };
  return names[side]();
}

/** The six faces of a box: low x, y and z, then high ones. */
export function faceName(face: number, { estimate }: Shown): string {
  const names = [
    () => word("Right side of the box"),
    () => word("Front of the box"),
    () => word("Bottom of the box"),
    () => word("Left side of the box"),
    () => word("Back of the box"),
    () => word("Top of the box"),
  ];
  const isSideways = face % 3 === 0;
  return names[estimate && isSideways ? 3 - face : face]?.() ?? "";
}

/** Cuts straight through: of a patient by the names of the planes. */
export function cutNames({ estimate }: Shown): { level: string; upright: string; sideways: string } {
  return estimate
    ? { level: word("From above"), upright: word("From the front"), sideways: word("From the side") }
    : { level: word("Axial"), upright: word("Coronal"), sideways: word("Sagittal") };
}
