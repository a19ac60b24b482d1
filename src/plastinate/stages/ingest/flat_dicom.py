"""One DICOM picture (CR, DX, MG, US) -> a picture as it is looked at; runs in the child that may die."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.archive import Unpacking
from plastinate.stages.ingest.decode import stored_pixels
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.flat_decode import FlatPixels, require_size
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.headers import read_header
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.rescale import transform_of

# What a reader of DICOM raises over bytes that are none.
FAULTS = (
    *(ValueError, RuntimeError, AttributeError, KeyError, NotImplementedError, TypeError, OSError, EOFError),
    *(struct.error, IndexError),
)
# The brightest and darkest hundredth of a hundredth are markers and dead pixels, not the patient.
SHOWN_PERCENTILES = (0.1, 99.9)


def decode_dicom_picture(path: Path, *, name: str, workspace: Path, limits: Limits) -> FlatPixels:
    """Decode the one picture of a DICOM file, bright where its makers meant bright.

    A slice of a CT or MR is taken too: as a drawing of what it shows, never as a measurement.

    Args:
        path: of the file.
        name: for sentences.
        workspace: where a deflated file is inflated to.
        limits: caps.

    Raises:
        DamagedFile, UnsupportedFile, TooLarge: as the reader of DICOM files, or it holds no picture.

    Source: DICOM PS3.3, C.7.6.3.1.2 (MONOCHROME1), 10.7.1.3 and C.8.11.4 (ImagerPixelSpacing).
    """
    header = read_header(Candidate(path, name, "dicom"), state=Unpacking(workspace, limits))
    if not header.frames:
        # What the reader of scans sets aside for its colours is a picture all the same.
        return _in_colour(path, name=name, reason=header.reason, limits=limits)
    first = header.frames[0]
    require_size(name, first.rows, first.columns, limits=limits)
    findings: list[Finding] = []
    if len(header.frames) > 1:
        findings.append(
            Finding(
                "ingest.first-picture",
                "warning",
                f"The file holds {len(header.frames)} pictures.",
                "The first one was taken.",
                {"pictures": len(header.frames)},
            )
        )
    rgb, grey = _greys(first)
    kind = "ultrasound" if first.modality == "US" else "x-ray"
    return FlatPixels(_opaque(rgb), grey, 0.0, tuple(findings), kind, _spacing_mm(first))


def _opaque(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, dtype=np.uint8)], axis=2)


def _in_colour(path: Path, *, name: str, reason: str, limits: Limits) -> FlatPixels:
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
        rows, columns, samples = (int(header.get(key, 0)) for key in ("Rows", "Columns", "SamplesPerPixel"))
        modality = str(header.get("Modality", ""))
    except FAULTS as error:
        raise DamagedFile(name, "it makes no sense as DICOM") from error
    if samples != 3:
        raise UnsupportedFile(name, reason or "it holds no picture")
    require_size(name, rows, columns, limits=limits)
    rgb, grey = _colours(path, name)
    return FlatPixels(_opaque(rgb), grey, 0.0, (), "ultrasound" if modality == "US" else "photo")


def _greys(frame: Frame) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    transform = transform_of(frame, quantity="a.u.")
    stored = stored_pixels(frame)
    padding = (stored >= transform.pad_low) & (stored <= transform.pad_high)
    if transform.table is not None:
        index = np.clip(stored - transform.table_first, 0, len(transform.table) - 1)
        values: npt.NDArray[np.float64] = transform.table[index]
    else:
        values = np.asarray(stored * transform.slope + transform.intercept, dtype=np.float64)
    measured = values[~padding]
    ends = np.percentile(measured, SHOWN_PERCENTILES) if measured.size else (0.0, 1.0)
    low, high = float(ends[0]), float(ends[1])
    share = np.clip((values - low) / max(high - low, 1e-9), 0.0, 1.0)
    share[padding] = 0.0
    byte = np.rint(share * 255).astype(np.uint8)
    return np.repeat(byte[:, :, None], 3, axis=2), np.rint(share * 65535).astype(np.uint16)


def _colours(path: Path, name: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    from pydicom.pixels.utils import pixel_array

    try:
        # RGB whatever the file stores: the reader turns YBR round.
        values: Any = pixel_array(path, index=0)
    except FAULTS as error:
        raise DamagedFile(name, "its colours cannot be decoded") from error
    if values.ndim != 3 or values.shape[2] != 3 or values.dtype != np.uint8:
        raise UnsupportedFile(name, f"its pixels decode to {values.shape} {values.dtype}")
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) * 257.0
    return np.ascontiguousarray(values), np.rint(values.astype(np.float32) @ weights).astype(np.uint16)


def _spacing_mm(frame: Frame) -> tuple[float, float] | None:
    if frame.row_spacing_mm and frame.column_spacing_mm:
        return float(frame.row_spacing_mm), float(frame.column_spacing_mm)
    return None
