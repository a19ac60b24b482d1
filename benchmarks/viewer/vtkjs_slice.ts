// The middle slice of the scan, for vtk.js's page.
import "@kitware/vtk.js/Rendering/Profiles/Volume";
import vtkDataArray from "@kitware/vtk.js/Common/Core/DataArray";
import vtkImageData from "@kitware/vtk.js/Common/DataModel/ImageData";
import vtkImageMapper from "@kitware/vtk.js/Rendering/Core/ImageMapper";
import vtkImageSlice from "@kitware/vtk.js/Rendering/Core/ImageSlice";
import type vtkRenderer from "@kitware/vtk.js/Rendering/Core/Renderer";
import { DATA, type PeerScene } from "./peer_scene.ts";

export async function showSlice({ shape, spacing, origin, direction }: PeerScene, renderer: vtkRenderer): Promise<void> {
  const values = new Int16Array(await (await fetch(`${DATA}scan.raw`)).arrayBuffer());
  const image = vtkImageData.newInstance();
  image.setDimensions(shape[2], shape[1], shape[0]);
  image.setSpacing(spacing);
  image.setOrigin(origin);
  image.setDirection(direction);
  image.getPointData().setScalars(vtkDataArray.newInstance({ values, numberOfComponents: 1 }));
  const mapper = vtkImageMapper.newInstance();
  mapper.setInputData(image);
  mapper.setKSlice(Math.floor(shape[0] / 2));
  const slice = vtkImageSlice.newInstance();
  slice.setMapper(mapper);
  slice.getProperty().setColorWindow(400);
  slice.getProperty().setColorLevel(40);
  renderer.addActor(slice);
}
