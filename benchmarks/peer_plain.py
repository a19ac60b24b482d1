"""A peer: the plain path, as tutorials teach it: pydicom loop, scipy, skimage, trimesh."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pydicom
import scipy.ndimage
import skimage.measure
import trimesh

THRESHOLD_HU = 200
TRIANGLES = 150_000


def main(folder: str, target: str) -> None:
    slices = [pydicom.dcmread(path) for path in Path(folder).rglob("*.dcm")]
    slices.sort(key=lambda image: float(image.ImagePositionPatient[2]))
    volume = np.stack([s.pixel_array * float(s.RescaleSlope) + float(s.RescaleIntercept) for s in slices])
    mask = volume >= THRESHOLD_HU
    labels, count = scipy.ndimage.label(mask)
    sizes = scipy.ndimage.sum(mask, labels, range(1, count + 1))
    largest = labels == 1 + int(np.argmax(sizes))
    filled = np.pad(scipy.ndimage.binary_fill_holes(largest), 1)
    step = abs(float(slices[1].ImagePositionPatient[2]) - float(slices[0].ImagePositionPatient[2]))
    spacing = (step, *(float(value) for value in slices[0].PixelSpacing))
    vertices, faces, _, _ = skimage.measure.marching_cubes(filled, 0.5, spacing=spacing)
    mesh = trimesh.Trimesh(vertices, faces)
    trimesh.smoothing.filter_taubin(mesh, iterations=20)
    mesh = mesh.simplify_quadric_decimation(face_count=TRIANGLES)
    mesh.export(target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
