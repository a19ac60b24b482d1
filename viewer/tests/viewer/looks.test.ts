import { beforeEach, describe, expect, test } from "vitest";
import { tellApart } from "../../src/viewer/model/palettes.ts";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { firstState, isFirstLook } from "../../src/viewer/state/first_state.ts";
import type { Intent } from "../../src/viewer/state/intents.ts";
import { reduce } from "../../src/viewer/state/reducer.ts";
import type { ViewState } from "../../src/viewer/state/view_state.ts";
import { organJson, sceneJson } from "./scenes.ts";

const palette = tellApart(["skin", "liver"]);
let state: ViewState;
const after = (...intents: Intent[]): ViewState => intents.reduce(reduce, state);
const coloursOf = ({ organs }: ViewState) => Object.values(organs).map(({ colour }) => colour);
beforeEach(() => {
  state = firstState(readManifest(sceneJson({ organs: [organJson("skin"), organJson("liver")] })), { profile: "desktop", aspect: 1 });
});

describe("colours that can be told apart", () => {
  test("laid over and taken away, they leave a colour given by hand as it was", () => {
    const own: Intent = { type: "colour", id: "liver", colour: "#123456" };
    const over = after(own, { type: "palette", colours: palette });
    expect(coloursOf(over)).toEqual(Object.values(palette));
    expect(coloursOf(reduce(over, { type: "palette", colours: null }))).toEqual([state.organs["skin"]?.colour, "#123456"]);
  });

  test("that came with a link are taken away too", () => {
    const linked = after(...Object.entries(palette).map(([id, colour]): Intent => ({ type: "colour", id, colour })));
    expect(coloursOf(reduce(linked, { type: "palette", colours: null }))).toEqual(coloursOf(state));
  });
});

test("the look goes back to the beginning as a whole, and the camera stays", () => {
  const camera = { ...state.camera, distanceMm: 77 };
  const changed = after(
    { type: "camera", camera }, { type: "colour", id: "liver", colour: "#123456" }, { type: "opacity", ids: ["skin"], opacity: 0.9 },
    { type: "show", ids: ["liver"], isShown: false }, { type: "solo", id: "skin" },
  );
  expect([isFirstLook(state), isFirstLook(changed)]).toEqual([true, false]);
  const back = reduce(changed, { type: "look-reset" });
  expect(back.organs).toEqual(state.organs);
  expect([isFirstLook(back), back.solo, back.camera]).toEqual([true, null, camera]);
  expect(coloursOf(reduce(back, { type: "palette", colours: null }))).toEqual(coloursOf(state));
});
