// NiiVue's page: the organs as they come, one after the other, then the scan. The mesh is on its way before the script.
import { Niivue, SLICE_TYPE } from "@niivue/niivue";
import { DATA, FIRST, rgbOf255, type PeerScene } from "./peer_scene.ts";

const asked = fetch(`${DATA}scene.json`).then((answer) => answer.json() as Promise<PeerScene>);
const viewer = new Niivue({ backColor: [0.973, 0.969, 0.953, 1], crosshairWidth: 0, loadingText: "", isOrientCube: false });
await viewer.attachToCanvas(document.querySelector("canvas")!);
viewer.setSliceType(SLICE_TYPE.RENDER);
viewer.setRenderAzimuthElevation(180, 0);
const { organs } = await asked;
for (const { id, colour, opacity } of [...organs].sort((a, b) => Number(b.id === FIRST) - Number(a.id === FIRST)))
  await viewer.addMeshFromUrl({ url: `${DATA}${id}.mz3`, rgba255: [...rgbOf255(colour), 255], opacity });
document.body.dataset["organs"] = "there";
await viewer.addVolumeFromUrl({ url: `${DATA}scan.nii.gz`, cal_min: -160, cal_max: 240 });
viewer.setSliceType(SLICE_TYPE.MULTIPLANAR);
document.body.dataset["scan"] = "there";
