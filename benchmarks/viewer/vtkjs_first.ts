// vtk.js's page: the organs as they come, one after the other, then a slice of the scan. The mesh is on its way before
// the script, and what only the scan needs is fetched after the organs.
import "@kitware/vtk.js/Rendering/Profiles/Geometry";
import vtkPolyData from "@kitware/vtk.js/Common/DataModel/PolyData";
import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray";
import vtkOpenGLRenderWindow from "@kitware/vtk.js/Rendering/OpenGL/RenderWindow";
import vtkActor from "@kitware/vtk.js/Rendering/Core/Actor";
import vtkMapper from "@kitware/vtk.js/Rendering/Core/Mapper";
import vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer";
import vtkRenderWindow from "@kitware/vtk.js/Rendering/Core/RenderWindow";
import { DATA, FIRST, rgbOf255, type PeerOrgan, type PeerScene } from "./peer_scene.ts";

const asked = fetch(`${DATA}scene.json`).then((answer) => answer.json() as Promise<PeerScene>);
const first = fetch(`${DATA}${FIRST}.mesh`).then((answer) => answer.arrayBuffer());
const window_ = vtkRenderWindow.newInstance();
const renderer = vtkRenderer.newInstance();
renderer.setBackground(0.973, 0.969, 0.953);
window_.addRenderer(renderer);
const gl = vtkOpenGLRenderWindow.newInstance();
gl.setContainer(document.querySelector<HTMLElement>("main")!);
gl.setSize(innerWidth, innerHeight);
window_.addView(gl);
const scene = await asked;

function show({ colour, opacity, vertices, triangles }: PeerOrgan, buffer: ArrayBuffer): void {
  const data = vtkPolyData.newInstance();
  data.getPoints().setData(new Float32Array(buffer, 0, 3 * vertices), 3);
  data.getPointData().setNormals(vtkDataArray.newInstance({ values: new Float32Array(buffer, 12 * vertices, 3 * vertices), numberOfComponents: 3, name: "Normals" }));
  const corners = new Uint32Array(buffer, 24 * vertices, 3 * triangles);
  const cells = new Uint32Array(4 * triangles);
  for (let i = 0, from = 0, to = 0; i < triangles; i++) {
    cells[to++] = 3;
    cells[to++] = corners[from++]!;
    cells[to++] = corners[from++]!;
    cells[to++] = corners[from++]!;
  }
  data.getPolys().setData(cells);
  const mapper = vtkMapper.newInstance();
  mapper.setInputData(data);
  const actor = vtkActor.newInstance();
  actor.setMapper(mapper);
  const [r, g, b] = rgbOf255(colour).map((each) => each / 255) as [number, number, number];
  actor.getProperty().setColor(r, g, b);
  actor.getProperty().setOpacity(opacity);
  renderer.addActor(actor);
  const camera = renderer.getActiveCamera();
  camera.setPosition(0, -1, 0);
  camera.setFocalPoint(0, 0, 0);
  camera.setViewUp(0, 0, 1);
  renderer.resetCamera();
  window_.render();
}

const ordered = [...scene.organs].sort((a, b) => Number(b.id === FIRST) - Number(a.id === FIRST));
for (const organ of ordered)
  show(organ, organ.id === FIRST ? await first : await (await fetch(`${DATA}${organ.id}.mesh`)).arrayBuffer());
document.body.dataset["organs"] = "there";
const { showSlice } = await import("./vtkjs_slice.ts");
await showSlice(scene, renderer);
window_.render();
document.body.dataset["scan"] = "there";
