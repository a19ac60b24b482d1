import "@kitware/vtk.js/Rendering/Profiles/Geometry";
import "@kitware/vtk.js/Rendering/Profiles/Volume";
import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray";
import vtkPolyData from "@kitware/vtk.js/Common/DataModel/PolyData";
import vtkImageData from "@kitware/vtk.js/Common/DataModel/ImageData";
import vtkPiecewiseFunction from "@kitware/vtk.js/Common/DataModel/PiecewiseFunction";
import vtkPolyDataNormals from "@kitware/vtk.js/Filters/Core/PolyDataNormals";
import vtkOpenGLRenderWindow from "@kitware/vtk.js/Rendering/OpenGL/RenderWindow";
import vtkActor from "@kitware/vtk.js/Rendering/Core/Actor";
import vtkColorTransferFunction from "@kitware/vtk.js/Rendering/Core/ColorTransferFunction";
import vtkMapper from "@kitware/vtk.js/Rendering/Core/Mapper";
import vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer";
import vtkRenderWindow from "@kitware/vtk.js/Rendering/Core/RenderWindow";
import vtkRenderWindowInteractor from "@kitware/vtk.js/Rendering/Core/RenderWindowInteractor";
import vtkVolume from "@kitware/vtk.js/Rendering/Core/Volume";
import vtkVolumeMapper from "@kitware/vtk.js/Rendering/Core/VolumeMapper";
import { rgbOf } from "../../viewer/src/viewer/model/transfer.ts";
import { BACKGROUND, eyeAt, heart, POINTS, scan, SIZE, STEP_MM } from "./scene.ts";

const phantom = await scan();
const container = document.body.appendChild(document.createElement("div"));
container.style.width = container.style.height = `${SIZE}px`;
const window_ = vtkRenderWindow.newInstance();
const renderer = vtkRenderer.newInstance();
renderer.setBackground(...(rgbOf(BACKGROUND) as unknown as [number, number, number]));
window_.addRenderer(renderer);
const gl = vtkOpenGLRenderWindow.newInstance();
gl.setContainer(container);
gl.setSize(SIZE, SIZE);
window_.addView(gl);
const interactor = vtkRenderWindowInteractor.newInstance();
interactor.setView(gl);
interactor.initialize();

const image = vtkImageData.newInstance();
const [S, R, C] = phantom.shape;
image.setDimensions(C, R, S);
image.setSpacing([1, 1, 1]);
image.setOrigin([phantom.indexToLps[3]!, phantom.indexToLps[7]!, phantom.indexToLps[11]!]);
image.getPointData().setScalars(vtkDataArray.newInstance({ values: phantom.voxels, numberOfComponents: 1 }));
const mapper = vtkVolumeMapper.newInstance();
mapper.setInputData(image);
mapper.setAutoAdjustSampleDistances(false);
mapper.setSampleDistance(STEP_MM);
mapper.setMaximumSamplesPerRay(4096);
const volume = vtkVolume.newInstance();
volume.setMapper(mapper);
const colours = vtkColorTransferFunction.newInstance();
const opacity = vtkPiecewiseFunction.newInstance();
for (const point of POINTS) {
  const [r, g, b] = rgbOf(point.colour);
  colours.addRGBPoint(point.value, r, g, b);
  opacity.addPoint(point.value, point.opacity);
}
const look = volume.getProperty();
look.setRGBTransferFunction(0, colours);
look.setScalarOpacity(0, opacity);
look.setScalarOpacityUnitDistance(0, 1);
look.setInterpolationTypeToLinear();
look.setShade(true);
look.setAmbient(0.34);
look.setDiffuse(0.74);
look.setSpecular(0.16);
look.setSpecularPower(28);
renderer.addVolume(volume);

const { positions, indices, colour } = heart();
const mesh = vtkPolyData.newInstance();
mesh.getPoints().setData(positions, 3);
const cells = new Uint32Array((indices.length / 3) * 4);
for (let i = 0; i < indices.length / 3; i++) cells.set([3, indices[3 * i]!, indices[3 * i + 1]!, indices[3 * i + 2]!], 4 * i);
mesh.getPolys().setData(cells);
const normals = vtkPolyDataNormals.newInstance();
normals.setInputData(mesh);
const meshMapper = vtkMapper.newInstance();
meshMapper.setInputConnection(normals.getOutputPort());
const actor = vtkActor.newInstance();
actor.setMapper(meshMapper);
actor.getProperty().setColor(...(rgbOf(colour) as unknown as [number, number, number]));
renderer.addActor(actor);

const camera = renderer.getActiveCamera();
camera.setViewAngle(30);
function aim(degrees: number): void {
  camera.setPosition(...eyeAt(degrees));
  camera.setFocalPoint(0, 0, 0);
  camera.setViewUp(0, 0, 1);
  renderer.resetCameraClippingRange();
}
aim(0);
window_.render();
window.bench = {
  frame(degrees) {
    const began = performance.now();
    aim(degrees);
    window_.render();
    const context = gl.getContext() as WebGL2RenderingContext;
    context.readPixels(0, 0, 1, 1, context.RGBA, context.UNSIGNED_BYTE, new Uint8Array(4));
    return performance.now() - began;
  },
};
