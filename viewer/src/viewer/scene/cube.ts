// The cube that turns with the scene: a letter on each side, pressed it looks from there.
import { word } from "../../page/words.ts";
import type { View } from "../model/rays.ts";
import { VIEW_NAMES, type ViewName, axesOf, facing } from "../model/viewpoint.ts";

/** What stands on each side; the letters that every radiologist reads. */
export const LETTERS: Readonly<Record<ViewName, string>> = {
  anterior: "A",
  posterior: "P",
  left: "L",
  right: "R",
  superior: "S",
  inferior: "I",
};

export function viewLabel(name: ViewName): string {
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

/** Each side's own turn, in the cube's axes: x to the patient's left, y to the head, z to the front. */
const SIDES: Readonly<Record<ViewName, string>> = {
  anterior: "",
  posterior: "rotateY(180deg)",
  left: "rotateY(90deg)",
  right: "rotateY(-90deg)",
  superior: "rotateX(90deg)",
  inferior: "rotateX(-90deg)",
};

export interface Cube {
  readonly element: HTMLElement;
  update(view: View): void;
}

export function makeCube(look: (name: ViewName) => void): Cube {
  const element = document.createElement("div");
  element.className = "cube";
  // The same views stand in the menu, with names: this is their picture.
  element.setAttribute("aria-hidden", "true");
  const body = document.createElement("div");
  body.className = "cube-body";
  element.append(body);
  for (const name of VIEW_NAMES) {
    const side = document.createElement("button");
    side.type = "button";
    side.tabIndex = -1;
    side.className = `cube-side ${name}`;
    side.textContent = LETTERS[name];
    side.title = viewLabel(name);
    side.style.transform = `${SIDES[name]} translateZ(var(--cube-half))`;
    side.addEventListener("click", () => look(name));
    body.append(side);
  }
  let shown = "";
  return {
    element,
    update(view) {
      const matrix = cubeMatrix(view.turn);
      if (matrix === shown) return;
      shown = matrix;
      body.style.transform = matrix;
      element.dataset["facing"] = facing(view.turn);
    },
  };
}

/** LPS into the screen's axes as CSS has them: x rightwards, y downwards, z towards the one who looks. */
export function cubeMatrix(turn: View["turn"]): string {
  const { right, up, back } = axesOf(turn);
  // Columns: where the cube's own axes (CSS: x right, y down, z to the viewer) go.
  const columns = [
    [right[0], -up[0], back[0]],
    [-right[2], up[2], -back[2]],
    [-right[1], up[1], -back[1]],
  ];
  const cells = columns.flatMap((column) => [...column.map((one) => one.toFixed(4)), 0]);
  return `matrix3d(${[...cells, 0, 0, 0, 1].join(",")})`;
}
