"""A phantom flows in, a scan of it as real DICOM files comes out, with every oddity that scanners know.

Written with pydicom alone: the program under test must not be its own judge.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr

from phantom_codecs import CODECS, SYNTAXES, encoded
from phantoms import ALL, INSIDE, OUTSIDE, Phantom

CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
ENHANCED_CT, ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.4.1"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
ROOT = "1.2.826.0.1.3680043.10.999"
SUBSAMPLES = 3
MARGIN = 4


@dataclass(frozen=True)
class Scan:
    """How a phantom is scanned and written. The defaults are a plain axial CT of 1 mm voxels.

    Attributes:
        plane: axial, coronal, sagittal, oblique (one angle) or double-oblique (three).
        turned: rows and columns run the other way (feet first, prone ...).
        reverse: the slices are numbered against the normal.
        spacing_mm: between slices, rows, columns.
        tilt_degrees: the stack leans by these angles along (columns' direction, rows' direction).
        blur_voxel: standard deviation of the scanner's own blur, on top of the voxel's box. No scanner
            steps within one voxel; 0 gives bare area fractions, which no straight line between two
            voxels can place better than 0.086 voxel where a face is parallel to them.
        slopes: constant, varying (slope and intercept of each slice differ) or below-one.
        dirty_high_bits: rubbish above bits_stored, as old overlays leave it.
        padding: "", declared, range or undeclared, in the corners.
        missing: slices that are not written, by position.
        uneven: positions are off the regular grid by up to this share of the spacing.
        duplicates: files written twice: odd ones with their UID, even ones with a new one.
        phases: volumes at the same positions; all but the first hold a shape 3 mm thinner.
        phase_tag: the attribute that tells the phases apart.
        localiser: a scout, an orthogonal view and a dose page lie in the same series.
        shuffled_names: names and folders that say nothing, in no order.
    """

    plane: str = "axial"
    turned: bool = False
    reverse: bool = False
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    tilt_degrees: tuple[float, float] = (0.0, 0.0)
    modality: str = "CT"
    blur_voxel: float = 0.5
    slopes: str = "constant"
    signed: bool = False
    bits_stored: int = 12
    dirty_high_bits: bool = False
    padding: str = ""
    missing: tuple[int, ...] = ()
    uneven: float = 0.0
    duplicates: int = 0
    phases: int = 1
    phase_tag: str = "TemporalPositionIdentifier"
    localiser: bool = False
    enhanced: bool = False
    transfer_syntax: str = "explicit"
    monochrome1: bool = False
    shuffled_names: bool = False


@dataclass(frozen=True, eq=False)
class Grid:
    """Where the pixels of a scan lie; positions are those of the first pixel of each slice, LPS mm."""

    positions: npt.NDArray[np.float64]
    rows: int
    columns: int
    row_direction: npt.NDArray[np.float64]
    column_direction: npt.NDArray[np.float64]
    spacing_mm: tuple[float, float, float]

    @property
    def voxel_axes_mm(self) -> npt.NDArray[np.float64]:
        """(3, 3): edges of a voxel as columns, (slice, row, column)."""
        normal = np.cross(self.row_direction, self.column_direction)
        return np.stack([normal, self.column_direction, self.row_direction], axis=1) * self.spacing_mm


def write_series(phantom: Phantom, folder: Path, scan: Scan = Scan()) -> Grid:
    """Write the scan of a phantom into a folder and say where its voxels lie."""
    grid = place_grid(phantom, scan)
    key = (scan.plane, scan.turned, scan.spacing_mm, scan.tilt_degrees, scan.uneven, scan.blur_voxel)
    folder.mkdir(parents=True, exist_ok=True)
    frames: list[Dataset] = []
    for phase in range(scan.phases):
        fraction = _fractions(phantom.name, key, 3.0 * phase, phantom if phantom.name not in _NAMES else None)
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


def place_grid(phantom: Phantom, scan: Scan) -> Grid:
    """The smallest grid of that kind that holds the phantom and a margin, off the round numbers."""
    row, column = directions(scan.plane)
    if scan.turned:
        row, column = -row, -column
    normal = np.cross(row, column)
    lean = np.tan(np.radians(scan.tilt_degrees))
    stacking = normal + lean[0] * column + lean[1] * row
    axes = np.stack([stacking, column, row], axis=1) * scan.spacing_mm
    low, high = phantom.extremes_lps_mm
    corners = np.array(
        [[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    )
    index = (corners - phantom.centre_lps_mm) @ np.linalg.inv(axes).T
    first = np.floor(index.min(axis=0)) - MARGIN + np.array([0.37, 0.21, 0.43])
    count = np.ceil(index.max(axis=0) - first).astype(int) + MARGIN
    steps = first[0] + np.arange(count[0]) + scan.uneven * np.sin(2.4 * np.arange(count[0]))
    origin = phantom.centre_lps_mm + axes[:, 1] * first[1] + axes[:, 2] * first[2]
    positions = origin + steps[:, None] * axes[:, 0]
    return Grid(positions, int(count[1]), int(count[2]), row, column, scan.spacing_mm)


def directions(plane: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Unit vectors of growing column index and growing row index."""
    x, y, z = np.eye(3)
    if plane in ("axial", "coronal", "sagittal"):
        return {"axial": (x, y), "coronal": (x, -z), "sagittal": (y, -z)}[plane]
    turn = _rotation(0, 23.0)
    if plane == "double-oblique":
        turn = _rotation(2, 31.0) @ _rotation(1, -17.0) @ turn
    return turn @ x, turn @ y


def _rotation(axis: int, degrees: float) -> npt.NDArray[np.float64]:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[[first, second], [first, second]] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


_NAMES = {make().name: make for make in ALL.values()}


@functools.lru_cache(maxsize=12)
def _fractions(
    name: str, key: tuple[Any, ...], thinner_mm: float, custom: Phantom | None
) -> npt.NDArray[np.float64]:
    """(N, R, C) share of each voxel that the phantom fills, as a scanner of that blur sees it."""
    phantom = custom or _NAMES[name]()
    plane, turned, spacing, tilt, uneven, blur = key
    grid = place_grid(phantom, Scan(plane, turned, False, spacing, tilt, uneven=uneven, blur_voxel=blur))
    normal = grid.voxel_axes_mm[:, 0]
    reach = 0 if blur == 0 else 1
    depths = (np.arange(-reach * SUBSAMPLES, (reach + 1) * SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5
    # What a slice sees is its box blurred; over one width of SUBSAMPLES samples that is their own weight.
    weights = _box_blurred(depths, blur)
    stack = np.empty((len(grid.positions), grid.rows, grid.columns))
    # Neighbouring slices of a straight stack see the same thin planes.
    planes: dict[tuple[float, ...], npt.NDArray[np.float64]] = {}

    def plane_at(place: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        known = tuple(np.round(place, 6) + 0.0)
        if known not in planes:
            planes[known] = _fine_plane(phantom, place, grid, thinner_mm)
        return planes[known]

    for number, position in enumerate(grid.positions):
        fine = sum(
            weight * plane_at(position + depth * normal)
            for weight, depth in zip(weights, depths, strict=True)
        )
        for axis in (0, 1):
            if blur > 0:
                fine = gaussian_filter1d(fine, blur * SUBSAMPLES, axis=axis, mode="nearest")
        cells = fine.reshape(grid.rows, SUBSAMPLES, grid.columns, SUBSAMPLES)
        stack[number] = cells.mean(axis=(1, 3))
    stack.setflags(write=False)
    return stack


def _box_blurred(depths: npt.NDArray[np.float64], blur: float) -> npt.NDArray[np.float64]:
    if blur == 0:
        return np.full(len(depths), 1.0 / len(depths))
    weights = ndtr((depths + 0.5) / blur) - ndtr((depths - 0.5) / blur)
    return np.asarray(weights / weights.sum())


def _fine_plane(
    phantom: Phantom, position: npt.NDArray[np.float64], grid: Grid, thinner_mm: float
) -> npt.NDArray[np.float64]:
    """(R * SUBSAMPLES, C * SUBSAMPLES): how much of each small cell of a thin plane the phantom fills."""
    distance = phantom.grey or phantom.signed_distance
    _, column, row = grid.voxel_axes_mm.T
    r, c = ((np.arange(n * SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5 for n in (grid.rows, grid.columns))
    # A voxel whose middle is far from the surface is all inside or all outside.
    coarse = np.arange(grid.rows)[:, None, None] * column + np.arange(grid.columns)[:, None] * row + position
    middle = (distance(coarse.reshape(-1, 3)) + thinner_mm).reshape(grid.rows, grid.columns)
    near = np.abs(middle) < 0.5 * float(np.hypot(*grid.spacing_mm[1:])) + 0.5 * min(grid.spacing_mm)
    plane = np.repeat(np.repeat((middle < 0).astype(np.float64), SUBSAMPLES, 0), SUBSAMPLES, 1)
    rows, columns = np.nonzero(np.repeat(np.repeat(near, SUBSAMPLES, 0), SUBSAMPLES, 1))
    points = position + r[rows, None] * column + c[columns, None] * row
    # Each sample counts as a small ball of its cell's width: smooth where a plain yes or no would step.
    width = float(np.prod(grid.spacing_mm)) ** (1.0 / 3.0) / SUBSAMPLES
    plane[rows, columns] = np.clip(0.5 - (distance(points) + thinner_mm) / width, 0.0, 1.0)
    return plane


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
