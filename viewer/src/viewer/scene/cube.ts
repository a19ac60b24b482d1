// The cube that turns with the scene: a letter or a word on each side, pressed it looks from there.
import type { View } from "../model/rays.ts";
import { VIEW_NAMES, type ViewName, axesOf, facing } from "../model/viewpoint.ts";
import type { SideWords } from "./side_words.ts";

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

export function makeCube(look: (name: ViewName) => void, words: SideWords): Cube {
  const element = document.createElement("div");
  element.className = words.areWords ? "cube in-words" : "cube";
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
    side.textContent = words.marks[name];
    side.title = words.from(name);
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
