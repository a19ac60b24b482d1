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
    folder = CACHE / "chest-ct"
    if not folder.exists():
        fetch_sample("chest-ct", folder)
    return folder


def chest_400() -> Path:
    """The sample chest CT interpolated to 400 slices of 0.83 mm: 512x512x400, 210 MB, uncompressed."""
    folder = CACHE / "chest-400"
    if not folder.exists():
        write_dicom_series(
            _interpolated(read_volume(sample_scan()).volume), folder, description="benchmark, 400 slices"
        )
    return folder


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
