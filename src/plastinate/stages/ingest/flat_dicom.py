"""One DICOM picture (CR, DX, MG, US) -> a picture as it is looked at; runs in the child that may die."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.archive import Unpacking
from plastinate.stages.ingest.decode import stored_pixels
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.flat_decode import LONGEST_SIDE, FlatPixels, require_size, shrunk_to
from plastinate.stages.ingest.flat_facts import FAULTS, PHOTOGRAPHS, DicomFacts, facts_of
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.headers import read_header
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.rescale import transform_of

# The brightest and darkest thousandth are markers and dead pixels, not the patient.
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

    Source: DICOM PS3.3, C.7.6.3.1.2 (MONOCHROME1), C.11.2.1.2 (windows) and 10.7.1.3 (sizes of pixels).
    """
    header = read_header(Candidate(path, name, "dicom"), state=Unpacking(workspace, limits))
    try:
        facts = facts_of(path)
    except FAULTS as error:
        raise DamagedFile(name, "it makes no sense as DICOM") from error
    findings = list(facts.findings)
    frames = len(header.frames) or facts.frames
    if frames > 1:
        findings.append(_film(frames))
    if not header.frames:
        # What the reader of scans sets aside for its colours is a picture all the same.
        rgb, grey = _set_aside(path, facts, name=name, reason=header.reason, limits=limits)
        return _as_large_as_shown(FlatPixels(_opaque(rgb), grey, 0.0, tuple(findings), facts.shows))
    first = header.frames[0]
    require_size(name, first.rows, first.columns, limits=limits)
    rgb, grey = _greys(first, facts)
    return _as_large_as_shown(
        FlatPixels(_opaque(rgb), grey, 0.0, tuple(findings), facts.shows, _spacing_mm(first))
    )


def _as_large_as_shown(found: FlatPixels) -> FlatPixels:
    """The picture, no larger than a texture may be: mammograms have six thousand rows."""
    from PIL import Image

    rows, columns = found.grey.shape
    if max(rows, columns) <= LONGEST_SIDE:
        return found
    share = LONGEST_SIDE / max(rows, columns)
    size = (max(1, round(columns * share)), max(1, round(rows * share)))
    rgba = np.asarray(Image.fromarray(found.rgba).resize(size, Image.Resampling.BOX))
    grey = np.asarray(Image.fromarray(found.grey.astype(np.float32)).resize(size, Image.Resampling.BOX))
    spacing = found.spacing_mm
    return replace(
        found,
        rgba=rgba,
        grey=np.rint(grey).astype(np.uint16),
        shrunk=max(size) / max(rows, columns),
        spacing_mm=None if spacing is None else (spacing[0] / share, spacing[1] / share),
        findings=(*found.findings, shrunk_to(size)),
    )


def _film(count: int) -> Finding:
    return Finding(
        "ingest.first-picture",
        "warning",
        f"The file is a film of {count} pictures: they follow each other in time, and not through the body.",
        "The first one was taken.",
        {"pictures": count},
    )


def _opaque(rgb: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.concatenate([rgb, np.full((*rgb.shape[:2], 1), 255, dtype=np.uint8)], axis=2)


def _set_aside(
    path: Path, facts: DicomFacts, *, name: str, reason: str, limits: Limits
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    is_photograph = facts.sop_class_uid.startswith(PHOTOGRAPHS)
    is_of_one = facts.samples == 1 and (is_photograph or facts.is_palette)
    if not (facts.samples == 3 or is_of_one) or facts.rows < 1:
        raise UnsupportedFile(name, reason or "it holds no picture")
    require_size(name, facts.rows, facts.columns, limits=limits)
    from pydicom.pixels.utils import pixel_array

    try:
        # RGB whatever the file stores: the reader turns YBR round.
        values: Any = pixel_array(path, index=0)
        if facts.is_palette:
            values = _looked_up(path, values)
    except FAULTS as error:
        raise DamagedFile(name, "its colours cannot be decoded") from error
    if values.ndim == 2 and values.dtype.kind in "ui":
        share = _share(values.astype(np.float64), facts)
        return _shown(share, np.zeros(share.shape, dtype=bool))
    if values.ndim != 3 or values.shape[2] != 3 or values.dtype != np.uint8:
        raise UnsupportedFile(name, f"its pixels decode to {values.shape} {values.dtype}")
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32) * 257.0
    return np.ascontiguousarray(values), np.rint(values.astype(np.float32) @ weights).astype(np.uint16)


def _looked_up(path: Path, numbers: Any) -> npt.NDArray[np.uint8]:
    """(R, C, 3) the colours that the numbers of a palette mean (PS3.3, C.7.9)."""
    import pydicom
    from pydicom.pixels.processing import apply_color_lut

    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    colours: Any = apply_color_lut(numbers, header)
    # Entries are of 8 or 16 bits, and some writers scale neither: what is wide is wide over its own range.
    if colours.dtype == np.uint8:
        return np.asarray(colours)
    most = 65535 if int(colours.max()) > 255 else 255
    return np.asarray(np.rint(colours * (255.0 / most)), dtype=np.uint8)


def _greys(frame: Frame, facts: DicomFacts) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    # A window is of the values before MONOCHROME1 turns them round.
    transform = transform_of(replace(frame, photometric="MONOCHROME2"), quantity="a.u.")
    stored = stored_pixels(frame)
    padding = (stored >= transform.pad_low) & (stored <= transform.pad_high)
    if transform.table is not None:
        index = np.clip(stored - transform.table_first, 0, len(transform.table) - 1)
        values: npt.NDArray[np.float64] = transform.table[index]
    else:
        values = np.asarray(stored * transform.slope + transform.intercept, dtype=np.float64)
    share = _share(values, facts, measured=~padding)
    return _shown(1.0 - share if frame.photometric == "MONOCHROME1" else share, padding)


def _shown(
    share: npt.NDArray[np.float64], padding: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]:
    share[padding] = 0.0
    byte = np.rint(share * 255).astype(np.uint8)
    return np.repeat(byte[:, :, None], 3, axis=2), np.rint(share * 65535).astype(np.uint16)


def _share(
    values: npt.NDArray[np.float64], facts: DicomFacts, *, measured: npt.NDArray[np.bool_] | None = None
) -> npt.NDArray[np.float64]:
    """Brightness from 0 to 1: through the file's own window, else over the range of what was measured.

    A window in which everything is black or everything white shows nothing, and is not believed.

    Source: DICOM PS3.3, C.11.2.1.2.1 (LINEAR), C.11.2.1.3 (SIGMOID and LINEAR_EXACT).
    """
    if facts.window is not None:
        centre, width, function = facts.window
        if function == "SIGMOID":
            share = 1.0 / (1.0 + np.exp(np.clip(-4.0 * (values - centre) / width, -60.0, 60.0)))
        elif function == "LINEAR_EXACT":
            share = (values - centre) / width + 0.5
        else:
            share = (values - (centre - 0.5)) / max(width - 1.0, 1e-9) + 0.5
        share = np.clip(share, 0.0, 1.0)
        seen = share if measured is None else share[measured]
        if seen.size and seen.min() < seen.max():
            return np.asarray(share)
    within = values if measured is None else values[measured]
    ends = np.percentile(within, SHOWN_PERCENTILES) if within.size else (0.0, 1.0)
    low, high = float(ends[0]), float(ends[1])
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0.0, 1.0))


def _spacing_mm(frame: Frame) -> tuple[float, float] | None:
    if frame.row_spacing_mm and frame.column_spacing_mm:
        return float(frame.row_spacing_mm), float(frame.column_spacing_mm)
    return None
