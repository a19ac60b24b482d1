import { beforeEach, describe, expect, test } from "vitest";
import { readManifest } from "../../src/viewer/model/read_manifest.ts";
import { toAddress } from "../../src/viewer/state/address.ts";
import { firstState } from "../../src/viewer/state/first_state.ts";
import type { Intent } from "../../src/viewer/state/intents.ts";
import { fromAddress } from "../../src/viewer/state/read_address.ts";
import { reduce } from "../../src/viewer/state/reducer.ts";
import type { ViewState } from "../../src/viewer/state/view_state.ts";
import { organJson, scanJson, sceneJson } from "./scenes.ts";

let state: ViewState;
const after = (...intents: Intent[]): ViewState => intents.reduce(reduce, state);
beforeEach(() => {
  state = firstState(readManifest(sceneJson({ volume: scanJson })), { profile: "desktop", aspect: 1 });
});

describe("a link opens the same view", () => {
  test("everything that can be seen comes back", () => {
    const there = after(
      { type: "camera", camera: { targetLpsMm: [1, 2, 3], turn: [0, 0, 0, 1], distanceMm: 400 } },
      { type: "show", ids: ["liver"], isShown: false },
      { type: "opacity", ids: ["kidney"], opacity: 0.4 },
      { type: "colour", id: "kidney", colour: "#00ff88" },
      { type: "select", id: "kidney" },
      { type: "labels", hasLabels: false },
      { type: "clip-add", plane: { id: "1", normal: [0, 0.6, 0.8], offsetMm: 12.5, isFlipped: true, scope: ["kidney"] } },
      { type: "clip-box", box: [[-5, -5, -5], [5, 6, 7]] },
      { type: "layout", layout: "1+3" },
      { type: "slices", change: { crosshairLpsMm: [4, 5, 6], windowCentre: -600, windowWidth: 1500 } },
      { type: "volume", change: { isShown: true, mode: "mip", presetId: "bone" } },
    );
    const back = fromAddress(`#${toAddress(there)}`, state).reduce(reduce, state);
    expect(back.camera).toEqual(there.camera);
    expect(back.organs).toEqual(there.organs);
    expect([back.selected, back.solo, back.hasLabels]).toEqual(["kidney", null, false]);
    expect(back.clip.planes[0]).toMatchObject({ offsetMm: 12.5, isFlipped: true, scope: ["kidney"] });
    expect(back.clip.box).toEqual([[-5, -5, -5], [5, 6, 7]]);
    expect(back.slices).toMatchObject({ layout: "1+3", crosshairLpsMm: [4, 5, 6], windowCentre: -600, windowWidth: 1500 });
    expect(back.volume).toMatchObject({ isShown: true, mode: "mip", presetId: "bone" });
  });

  test("nonsense changes nothing, and breaks nothing", () => {
    for (const text of ["", "#", "#camera=1,2", "#camera=a,b,c,d,e,f,g,h", "#hidden=liver", "#camera=0,0,0,0,0,0,0,0", "#%%%=&&"]) {
      expect(fromAddress(text, state).reduce(reduce, state).camera).toEqual(state.camera);
    }
    const odd = fromAddress("#camera=0,0,0,0,0,0,1,90&cut=0,0,0,1,1&cut=x&box=5,5,5,1,1,1&hidden=nobody&layout=evil&opacity=liver:NaN", state);
    const back = odd.reduce(reduce, state);
    expect(back.clip).toEqual(state.clip);
    expect(back.organs).toEqual(state.organs);
    const natural = fromAddress("#camera=0,0,0,0,0,0,1,90&alone=constructor&chosen=toString&opacity=valueOf:0.5", state).reduce(reduce, state);
    expect([natural.solo, natural.selected, natural.organs]).toEqual([null, null, state.organs]);
  });

  const SHOWN = "#camera=0,0,0,0,0,0,1,90&volume=composite,";
  const opened = (text: string): ViewState => fromAddress(text, state).reduce(reduce, state);
  const isRefused = (text: string): boolean => opened(text).notices.some(({ key }) => key === "link-senseless");

  test("a curve of one's own comes back point by point, also of small values", () => {
    const transferPoints = [
      { value: -980.25, colour: "#1c2733", opacity: 0 },
      { value: 0.00123456, colour: "#54758f", opacity: 0.0061 },
      { value: 1200, colour: "#fffaf0", opacity: 1 },
    ];
    const there = after({ type: "volume", change: { isShown: true, presetId: "", transferPoints, lighting: false } });
    const address = toAddress(there);
    expect(opened(address).volume).toEqual({ isShown: true, mode: "composite", presetId: "", transferPoints, lighting: false });
    // Twelve points, the most there can be, stay a link that can be sent.
    const most = Array.from({ length: 12 }, (_, i) => ({ value: i * 111.111, colour: "#abcdef", opacity: i / 13 }));
    const longest = toAddress(reduce(there, { type: "volume", change: { transferPoints: most } }));
    expect(longest.length).toBeLessThan(600);
    expect(opened(longest).volume.transferPoints.length).toBe(12);
    expect(isRefused(longest)).toBe(false);
  });

  test("slab, tint, outline, grey cuts and a hull made solid come back", () => {
    state = firstState(readManifest(sceneJson({ volume: scanJson, organs: [organJson("skin", { opacity: 0.25 }), organJson("liver")] })), { profile: "desktop", aspect: 1 });
    const there = after(
      { type: "slices", change: { slab: { mm: 12, mode: "mip" }, overlay: false, outline: false } },
      { type: "clip-scan", hasScan: false },
      { type: "opacity", ids: ["skin"], opacity: 1 },
    );
    const back = opened(toAddress(there));
    expect(back.slices).toMatchObject({ slab: { mm: 12, mode: "mip" }, overlay: false, outline: false });
    expect([back.clip.hasScan, back.organs["skin"]?.opacity]).toEqual([false, 1]);
  });

  test("the turn of the camera is of length one again, and none at all is refused", () => {
    expect(opened("#camera=0,0,0,0,0,1.5,2,90").camera.turn).toEqual([0, 0, 0.6, 0.8]);
    expect(opened("#camera=0,0,0,0,0,0,0,90").camera).toEqual(state.camera);
    expect(isRefused("#camera=0,0,0,0,0,0,0,90")).toBe(true);
  });

  test.each([
    ["one point", `${SHOWN}&curve=0*ffffff*1`],
    ["thirteen points", `${SHOWN}&curve=${Array.from({ length: 13 }, (_, i) => `${i}*ffffff*1`).join("_")}`],
    ["falling values", `${SHOWN}&curve=5*ffffff*0_4*ffffff*1`],
    ["more than all", `${SHOWN}&curve=0*ffffff*0_4*ffffff*1.5`],
    ["less than nothing", `${SHOWN}&curve=0*ffffff*-0.1_4*ffffff*1`],
    ["no colour", `${SHOWN}&curve=0*fffff*0_4*url(x)*1`],
    ["no number", `${SHOWN}&curve=NaN*ffffff*0_Infinity*ffffff*1`],
    ["a value beyond every scan", `${SHOWN}&curve=0*ffffff*0_1e300*ffffff*1`],
    ["nothing", `${SHOWN}&curve=`],
    ["a camera beyond the room", "#camera=1e6,0,0,0,0,0,1,90"],
    ["a window of no width", "#camera=0,0,0,0,0,0,1,90&window=40,0"],
    ["a plane without a direction", "#camera=0,0,0,0,0,0,1,90&oblique=0,0,0"],
    ["a cut without a direction", "#camera=0,0,0,0,0,0,1,90&cut=0,0,0,1,1"],
    ["a box inside out", "#camera=0,0,0,0,0,0,1,90&box=5,5,5,1,1,1"],
    ["an opacity of its own", "#camera=0,0,0,0,0,0,1,90&opacity=liver:7"],
    ["a layout that is none", "#camera=0,0,0,0,0,0,1,90&layout=evil"],
    ["a slab of a mile", "#camera=0,0,0,0,0,0,1,90&slab=mip,1e6"],
  ])("%s is left out and said so", (_, text) => {
    const back = opened(text);
    expect(isRefused(text)).toBe(true);
    expect([back.volume.transferPoints, back.clip, back.slices, back.organs]).toEqual([[], state.clip, state.slices, state.organs]);
  });

  test("a link that is whole is opened without a word, also where an organ is not there any more", () => {
    expect(isRefused(`#${toAddress(after({ type: "select", id: "liver" }))}`)).toBe(false);
    expect(isRefused("#camera=0,0,0,0,0,0,1,90&hidden=spleen&chosen=spleen&opacity=spleen:0.5")).toBe(false);
  });
});
