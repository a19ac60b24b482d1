"""A phantom flows in, a scan of it as real DICOM files comes out, with every oddity that scanners know.

Written with pydicom alone: the program under test must not be its own judge.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items

from phantom_codecs import CODECS, SYNTAXES, encoded
from phantom_grid import PLAIN, Grid, Scan, directions, fractions, place_grid
from phantoms import INSIDE, OUTSIDE, Phantom

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROOT = "1.2.826.0.1.3680043.10.999"


def write_series(phantom: Phantom, folder: Path, scan: Scan = PLAIN) -> Grid:
    """Write the scan of a phantom into a folder and say where its voxels lie."""
    grid = place_grid(phantom, scan)
    folder.mkdir(parents=True, exist_ok=True)
    frames: list[Dataset] = []
    for phase in range(scan.phases):
        fraction = fractions(phantom, scan, thinner_mm=3.0 * phase)
        frames += _phase_frames(grid, OUTSIDE + (INSIDE - OUTSIDE) * fraction, scan, phase)
    if scan.enhanced:
        datasets = [_enhanced(frames, scan)]
    else:
        datasets = [_single(frame, scan) for frame in frames]
        datasets += [_duplicate(datasets[7 * n + 5], n) for n in range(scan.duplicates)]
    if scan.localiser:
        datasets += _strangers(scan)
    order = list(range(len(datasets)))
    if scan.shuffled_names:
        random.Random(7).shuffle(order)
    for place, dataset in zip(order, datasets, strict=True):
        _save(dataset, folder / _file_name(place, scan), scan)
    return grid


def _phase_frames(grid: Grid, values: npt.NDArray[np.float64], scan: Scan, phase: int) -> list[Dataset]:
    """One dataset for each slice that is kept: place, scale and stored pixels."""
    count = len(values)
    frames = []
    for number in range(count):
        if number in scan.missing:
            continue
        slope, intercept = scale(scan, number)
        frame = Dataset()
        frame.InstanceNumber = (count - number if scan.reverse else number + 1) + phase * count
        frame.ImagePositionPatient = _numbers(grid.positions[number])
        frame.ImageOrientationPatient = _numbers([*grid.row_direction, *grid.column_direction])
        frame.PixelSpacing = _numbers(grid.spacing_mm[1:])
        frame.SliceThickness = "9.9"  # wrong on purpose: the positions say it
        frame.RescaleSlope, frame.RescaleIntercept = slope, intercept
        frame.SOPInstanceUID = f"{ROOT}.3.{phase + 1}.{number + 1}"
        if scan.phases > 1:
            setattr(frame, scan.phase_tag, _phase_value(scan.phase_tag, phase))
        stored = np.rint((values[number] - intercept) / slope).astype(np.int64)
        _pad(frame, stored, scan, slope, intercept)
        frame.Rows, frame.Columns = stored.shape
        frame.stored = stored
        frames.append(frame)
    return frames


def scale(scan: Scan, number: int) -> tuple[float, float]:
    """Slope and intercept of one slice."""
    if scan.slopes == "varying":
        return 0.6 + 0.05 * (number % 7), -1000.0 - 10.0 * (number % 5)
    if scan.slopes == "below-one":
        return 0.0625, -1000.0
    if scan.transfer_syntax == "jpeg-baseline":
        return 8.0, -512.0
    return 1.0, 0.0 if scan.signed else -1024.0


def _phase_value(tag: str, phase: int) -> Any:
    if tag in ("AcquisitionTime", "ContentTime"):
        return f"1012{phase:02d}"
    return phase + 1 if tag in ("TemporalPositionIdentifier", "AcquisitionNumber") else 100.0 * (phase + 1)


def _pad(frame: Dataset, stored: npt.NDArray[np.int64], scan: Scan, slope: float, intercept: float) -> None:
    if not scan.padding:
        return
    r, c = (np.linspace(-1.0, 1.0, n) for n in stored.shape)
    outside = r[:, None] ** 2 + c**2 > 1.6
    frame.PixelRepresentation = int(scan.signed)
    if scan.padding == "undeclared":
        stored[outside] = round((-2000.0 - intercept) / slope)
        return
    # In an MR it lies inside the window: a reader that forgets the padding builds four pillars.
    # No CT pads with what would be bone, and a reader may well refuse to believe it.
    values = (-2000.0, -1900.0) if scan.modality == "CT" else (2500.0, 2600.0)
    low, high = (round((value - intercept) / slope) for value in values)
    stored[outside] = low
    frame.PixelPaddingValue = low
    if scan.padding == "range":
        stored[outside & (np.arange(stored.shape[1]) % 2 == 0)] = high
        frame.PixelPaddingRangeLimit = high


def _common(scan: Scan) -> Dataset:
    dataset = Dataset()
    dataset.Modality, dataset.PatientName, dataset.PatientID = scan.modality, "Phantom^Known", "PHANTOM"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.1", f"{ROOT}.2"
    dataset.FrameOfReferenceUID, dataset.SeriesNumber = f"{ROOT}.4", 4
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if scan.modality == "CT" else "M"]
    dataset.SeriesDescription = "phantom"
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if scan.monochrome1 else "MONOCHROME2"
    dataset.PixelRepresentation = int(scan.signed)
    dataset.BitsAllocated = 8 if scan.transfer_syntax == "jpeg-baseline" else 16
    dataset.BitsStored = min(scan.bits_stored, dataset.BitsAllocated)
    dataset.HighBit = dataset.BitsStored - 1
    return dataset


def _single(frame: Dataset, scan: Scan) -> Dataset:
    dataset = _common(scan)
    dataset.SOPClassUID = CT if scan.modality == "CT" else MR
    for element in frame:
        dataset.add(element)
    dataset.frames = [_bits(frame.stored, dataset, scan)]
    return dataset


def _bits(stored: npt.NDArray[np.int64], dataset: Dataset, scan: Scan) -> npt.NDArray[Any]:
    """Stored values in BitsStored bits, checked, with rubbish above where that is asked for."""
    bits = dataset.BitsStored
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if scan.signed else (0, (1 << bits) - 1)
    assert low <= stored.min(), f"{stored.min()} does not fit {bits} bits"
    assert stored.max() <= high, f"{stored.max()} does not fit {bits} bits"
    if scan.dirty_high_bits:
        rubbish = (np.arange(stored.size).reshape(stored.shape) % 16) << bits
        return ((stored & ((1 << bits) - 1)) | rubbish).astype(np.uint16)
    if dataset.BitsAllocated == 8:
        return stored.astype(np.uint8)
    return stored.astype(np.int16 if scan.signed else np.uint16)


def _duplicate(original: Dataset, number: int) -> Dataset:
    copy = Dataset()
    for element in original:
        copy.add(element)
    if number % 2 == 0:
        copy.SOPInstanceUID = f"{original.SOPInstanceUID}.9"
    copy.frames = original.frames
    return copy


def _strangers(scan: Scan) -> list[Dataset]:
    """A scout, an orthogonal reformat and a dose page, all under the same SeriesInstanceUID."""
    found = []
    for number, (kind, plane, size) in enumerate(
        (("LOCALIZER", "coronal", 90), ("REFORMATTED", "sagittal", 40))
    ):
        dataset = _common(scan)
        row, column = directions(plane)
        dataset.SOPClassUID, dataset.SOPInstanceUID = (
            CT if scan.modality == "CT" else MR,
            f"{ROOT}.8.{number + 1}",
        )
        dataset.ImageType = [
            "ORIGINAL" if number == 0 else "DERIVED",
            "PRIMARY" if number == 0 else "SECONDARY",
            kind,
        ]
        dataset.InstanceNumber = number + 1
        dataset.ImagePositionPatient, dataset.PixelSpacing = (
            _numbers([-40.0, -40.0, 60.0]),
            _numbers([1.5, 1.5]),
        )
        dataset.ImageOrientationPatient = _numbers([*row, *column])
        dataset.RescaleSlope, dataset.RescaleIntercept = scale(scan, 0)
        dataset.Rows = dataset.Columns = size
        dataset.frames = [np.full((size, size), 2000, dtype=np.uint16)]
        found.append(dataset)
    dose = _common(scan)
    dose.SOPClassUID, dose.SOPInstanceUID = SECONDARY_CAPTURE, f"{ROOT}.8.9"
    dose.ImageType, dose.InstanceNumber = ["DERIVED", "SECONDARY", "SCREEN SAVE"], 999
    dose.Rows = dose.Columns = 64
    dose.frames = [np.full((64, 64), 1500, dtype=np.uint16)]
    return [*found, dose]


def _enhanced(frames: Sequence[Dataset], scan: Scan) -> Dataset:
    """One multi-frame file; place and scale sit in its functional groups only (PS3.3, C.7.6.16)."""
    is_ct = scan.modality == "CT"
    dataset = _common(scan)
    dataset.SOPClassUID = ENHANCED_CT if is_ct else ENHANCED_MR
    dataset.SOPInstanceUID, dataset.InstanceNumber = f"{ROOT}.3.1", 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = len(frames), frames[0].Rows, frames[0].Columns
    shared = Dataset()
    shared.PixelMeasuresSequence = Items([_picked(frames[0], "PixelSpacing", "SliceThickness")])
    shared.PlaneOrientationSequence = Items([_picked(frames[0], "ImageOrientationPatient")])
    dataset.SharedFunctionalGroupsSequence = Items([shared])
    groups = []
    per_phase = len(frames) // scan.phases
    for number, frame in enumerate(frames):
        group, content = Dataset(), Dataset()
        content.StackID, content.InStackPositionNumber = "1", number % per_phase + 1
        content.TemporalPositionIndex = number // per_phase + 1
        content.DimensionIndexValues = [1, number % per_phase + 1, number // per_phase + 1]
        group.FrameContentSequence = Items([content])
        group.PlanePositionSequence = Items([_picked(frame, "ImagePositionPatient")])
        values = _picked(frame, "RescaleSlope", "RescaleIntercept")
        values.RescaleType = "HU" if is_ct else "US"
        group.PixelValueTransformationSequence = Items([values])
        groups.append(group)
    dataset.PerFrameFunctionalGroupsSequence = Items(groups)
    for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit"):
        if keyword in frames[0]:
            dataset.add(frames[0][keyword])
    dataset.frames = [_bits(frame.stored, dataset, scan) for frame in frames]
    return dataset


def _picked(source: Dataset, *keywords: str) -> Dataset:
    item = Dataset()
    for keyword in keywords:
        item.add(source[keyword])
    return item


def _save(dataset: Dataset, path: Path, scan: Scan) -> None:
    frames: list[npt.NDArray[Any]] = dataset.frames
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        dataset.SOPClassUID,
        dataset.SOPInstanceUID,
    )
    meta.TransferSyntaxUID = SYNTAXES[scan.transfer_syntax]
    dataset.file_meta = meta
    if scan.transfer_syntax in CODECS:
        pieces = [encoded(frame, scan.transfer_syntax, bits=dataset.BitsStored) for frame in frames]
        dataset.PixelData = encapsulate(pieces)
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
    else:
        order = ">" if scan.transfer_syntax == "big-endian" else "<"
        data = b"".join(f.astype(f.dtype.newbyteorder(order)).tobytes() for f in frames)
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OW"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)


def _file_name(place: int, scan: Scan) -> str:
    if not scan.shuffled_names:
        return f"IM{place:04d}.dcm"
    folder, suffix = "ab/c" if place % 3 else "Ünder one", "" if place % 5 else ".jpg"
    return f"{folder}/{place * 7919 % 100003:x}{suffix}"


def _numbers(values: npt.ArrayLike) -> list[str]:
    return [f"{value:.9f}".rstrip("0")[:16] for value in np.asarray(values, dtype=np.float64)]
