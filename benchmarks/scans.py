"""The series the benchmarks run on, made once from the sample scan and kept in the cache."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np

from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.services.sample import fetch_sample
from plastinate.stages.export.dicom_series import write_dicom_series
from plastinate.stages.ingest.read import read_volume

SLICES = 400
CACHE = Path(os.environ.get("PLASTINATE_BENCH_CACHE", Path(tempfile.gettempdir()) / "plastinate-bench"))


def sample_scan() -> Path:
    """The sample chest CT as DICOM: 133 slices of 2.5 mm."""
    return fetch_sample("chest-ct", CACHE / "chest-ct").series


def chest_400() -> Path:
    """The sample chest CT interpolated to 400 slices of 0.83 mm: 512x512x400, 210 MB, uncompressed."""
    folder = CACHE / "chest-400"
    if not folder.exists():
        write_dicom_series(
            _interpolated(read_volume(sample_scan()).volume), folder, description="benchmark, 400 slices"
        )
    return folder


def torso_400() -> Path:
    """A made-up torso, 512x512x400: bones as shells with marrow, organs, correlated noise."""
    folder = CACHE / "torso-400"
    if not folder.exists():
        write_dicom_series(_torso(), folder, description="benchmark, made-up torso")
    return folder


def _torso() -> Volume:
    shape = (SLICES, 512, 512)
    s, r, c = (axis.astype(np.float32) for axis in np.ogrid[: shape[0], : shape[1], : shape[2]])
    hu = np.full(shape, -1000, dtype=np.float32)
    hu[((r - 256) / 165) ** 2 + ((c - 256) / 225) ** 2 + 0 * s < 1] = -80
    hu[((r - 256) / 150) ** 2 + ((c - 256) / 208) ** 2 + 0 * s < 1] = 45
    for side in (-1, 1):
        lung = ((s - 130) / 115) ** 2 + ((r - 245) / 105) ** 2 + ((c - 256 - side * 95) / 75) ** 2
        hu[lung < 1] = -850
        kidney = ((s - 310) / 45) ** 2 + ((r - 330) / 28) ** 2 + ((c - 256 - side * 80) / 30) ** 2
        hu[kidney < 1] = 120
    hu[((s - 270) / 60) ** 2 + ((r - 230) / 80) ** 2 + ((c - 190) / 95) ** 2 < 1] = 110
    for index in range(12):
        # Each rib is a ring that falls from the spine forward, 11 voxels thick, 3 of them cortex.
        ring = np.sqrt(((r - 256) / 140) ** 2 + ((c - 256) / 195) ** 2) - 1
        height = s - (25 + 19 * index + 0.18 * (330 - r))
        tube = np.sqrt((ring * 165) ** 2 + height**2)
        hu[(tube < 5.5) & (r < 395)] = 700
        hu[(tube < 2.8) & (r < 395)] = 60
    spine = np.sqrt((r - 370) ** 2 + (c - 256) ** 2) + 2.5 * np.cos(s / 4.5)
    hu[spine < 27] = 650
    hu[spine < 23] = 70
    hu[np.sqrt((r - 395) ** 2 + (c - 256) ** 2) + 0 * s < 8] = 20
    pelvis = np.sqrt(((s - 420) / 80) ** 2 + ((r - 270) / 110) ** 2 + ((c - 256) / 150) ** 2) * 100 - 100
    hu[(np.abs(pelvis) < 8) & (s > 345)] = 600
    hu[(np.abs(pelvis) < 4) & (s > 345)] = 60
    random = np.random.default_rng(1)
    array = np.empty(shape, dtype=np.int16)
    for index in range(SLICES):
        noise = random.normal(0, 1, shape[1:]).astype(np.float32)
        # Neighbouring pixels share their noise, as a reconstruction kernel makes them.
        noise = sum(np.roll(noise, step, axis) for axis in (0, 1) for step in (-1, 0, 1)) / np.sqrt(8)
        plane = hu[index]
        soft = (4 * plane + sum(np.roll(plane, step, axis) for axis in (0, 1) for step in (-1, 1))) / 8
        array[index] = np.clip(np.rint(soft + 18 * noise), -1024, 3071)
    matrix = np.array([[0, 0, 0.78125, -200], [0, 0.78125, 0, -200], [-1.0, 0, 0, 200], [0, 0, 0, 1]])
    return Volume(Geometry(shape, matrix), array, "HU", "CT")


def _interpolated(volume: Volume) -> Volume:
    slices = volume.array.shape[0]
    where = np.linspace(0, slices - 1, SLICES)
    array = np.empty((SLICES, *volume.array.shape[1:]), dtype=np.int16)
    for index, at in enumerate(where):
        below = min(int(at), slices - 2)
        share = at - below
        near, far = volume.array[below].astype(np.float32), volume.array[below + 1].astype(np.float32)
        plane = np.rint(near * (1 - share) + far * share)
        unmeasured = (volume.array[below] == UNMEASURED_INT16) | (volume.array[below + 1] == UNMEASURED_INT16)
        array[index] = np.where(unmeasured, UNMEASURED_INT16, np.clip(plane, -1024, 3071))
    matrix = volume.geometry.to_lps_mm.copy()
    matrix[:3, 0] *= (slices - 1) / (SLICES - 1)
    return Volume(Geometry(array.shape, matrix), array, volume.quantity, volume.modality)
