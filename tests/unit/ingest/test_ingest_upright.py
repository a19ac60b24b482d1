"""Whatever way a scan is stored, its picture shows the front of the patient up, or the head."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from plastinate.stages.ingest import jobs
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.read import glance_input, slices_in
from plastinate.stages.ingest.sandbox import Answer
from plastinate.stages.ingest.upright import upright
from tiny_scans import save, slice_dataset

SHAPE = (12, 14, 16)
TILT = np.array([[0.9, -0.3, 0.3], [0.4, 0.9, -0.2], [-0.2, 0.3, 0.9]])
AXES = np.eye(3)


# What must run down a picture, and what to its right, across the patient's x, y and z; LPS.
DOWN = {0: (0, 0, -1), 1: (0, 0, -1), 2: (0, 1, 0)}
RIGHT = {0: (0, 1, 0), 1: (1, 0, 0), 2: (1, 0, 0)}


def directions() -> list[np.ndarray]:
    """Every way to run three axes along the patient's, straight and oblique; columns: slice, row, column."""
    tilt = np.linalg.qr(TILT)[0]
    tilt = tilt * np.sign(np.diag(tilt))
    straight = [
        np.stack([sign * AXES[axis] for sign, axis in zip(signs, order, strict=True)], axis=1)
        for order in permutations(range(3))
        for signs in product((1.0, -1.0), repeat=3)
    ]
    return [*straight, *(tilt @ matrix for matrix in straight)]


def plane_across(normal: np.ndarray) -> int:
    return int(np.abs(normal).argmax())


def grows_down(plane: np.ndarray) -> bool:
    return bool(plane[: plane.shape[0] // 2].mean() < plane[-(plane.shape[0] // 2) :].mean())


def test_every_way_to_store_a_plane_is_shown_alike():
    for matrix in directions():
        r, c = np.meshgrid(np.arange(14) - 6.5, np.arange(16) - 7.5, indexing="ij")
        lps = r[..., None] * matrix[:, 1] + c[..., None] * matrix[:, 2]
        across = plane_across(matrix[:, 0])
        for towards, is_down in ((DOWN[across], True), (RIGHT[across], False)):
            plane = lps @ np.array(towards)
            shown = upright(plane, row_step=matrix[:, 1], column_step=matrix[:, 2], spacing=(2.0, 3.0))
            assert grows_down(shown.plane if is_down else shown.plane.T), matrix
            assert sorted(shown.plane.ravel()) == sorted(plane.ravel())
            assert shown.spacing == ((2.0, 3.0) if shown.plane.shape == plane.shape else (3.0, 2.0))


class Here:
    """Takes the voxels of a reader, and what it says of its progress, in this process."""

    def make(self, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
        self.voxels = np.zeros(shape, dtype)
        return self.voxels

    def progress(self, done: int, total: int, what: str) -> None:
        pass


def glanced(path: Path) -> np.ndarray:
    """The one slice that is shown of a file."""
    request = {"job": "inspect", "path": str(path), "workspace": str(path.parent), "with_picture": True}
    here = Here()
    (shown,) = slices_in(Answer(jobs.run(request, limits=Limits(), line=here, shared=here), here.voxels))
    return shown.plane


@pytest.mark.parametrize("number", range(0, 96, 7))
@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_a_picture_file_is_shown_upright(tmp_path: Path, suffix: str, number: int):
    matrix = directions()[number]
    if np.linalg.det(matrix[:, ::-1]) < 0:
        # The writer knows right-handed directions only.
        matrix = matrix * np.array([-1.0, 1.0, 1.0])
    index = np.stack(np.meshgrid(*(np.arange(n) - n / 2 for n in SHAPE), indexing="ij"), axis=-1)
    across = plane_across(matrix[:, 0])
    for towards, is_down in ((DOWN[across], True), (RIGHT[across], False)):
        values = 1000 + 10 * (index @ matrix.T @ np.array(towards))
        image = SimpleITK.GetImageFromArray(values.astype(np.int16))
        image.SetDirection(matrix[:, ::-1].ravel().tolist())
        SimpleITK.WriteImage(image, str(tmp_path / f"scan.{suffix}"))
        plane = glanced(tmp_path / f"scan.{suffix}")
        assert grows_down(plane if is_down else plane.T)


@pytest.mark.slow
@pytest.mark.parametrize(
    "cosines", [[1, 0, 0, 0, 1, 0], [-1, 0, 0, 0, -1, 0], [1, 0, 0, 0, 0, -1], [0, -1, 0, 0, 0, 1]]
)
def test_a_series_is_shown_upright(tmp_path: Path, cosines: list[float]):
    along, down = np.array(cosines[:3], float), np.array(cosines[3:], float)
    normal = np.cross(along, down)
    r, c = np.meshgrid(np.arange(4) - 1.5, np.arange(6) - 2.5, indexing="ij")
    across = plane_across(normal)
    for towards, is_down in ((DOWN[across], True), (RIGHT[across], False)):
        for number in range(5):
            corner = number * normal - 1.5 * down - 2.5 * along
            plane = (number * normal + r[..., None] * down + c[..., None] * along) @ np.array(towards)
            dataset = slice_dataset(
                number,
                ImageOrientationPatient=cosines,
                ImagePositionPatient=corner.tolist(),
                PixelSpacing=[1, 1],
                PixelData=np.rint(10 * plane).astype("<i2").tobytes(),
            )
            save(dataset, tmp_path / "scan" / f"{number}.dcm")
        (shown,) = glance_input(tmp_path / "scan").slices
        assert grows_down(shown.plane if is_down else shown.plane.T)
