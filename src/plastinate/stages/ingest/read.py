"""The door of this room: a path -> what is in it, or one volume of it, read in a child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, PathNotFound
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Geometry
from plastinate.model.series import Inspection, Series
from plastinate.model.volume import Volume
from plastinate.stages.ingest.child_process import Progress
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.sandbox import Answer, run_job
from plastinate.stages.ingest.wire import findings_from, inspection_from, series_from
from plastinate.stages.ingest.words import safe


@dataclass(frozen=True, eq=False)
class VolumeRead:
    """A volume, the series it came from, and what belongs into its evidence.

    Attributes:
        volume: the voxels, in memory shared with nobody any more.
        series: what was chosen.
        inputs: "sha256" over the contents of the files used, whatever their
            names; "files": how many; "phase": its name.
        findings: everything noticed from discovery to assembly.
        source_files: the DICOM files used; empty for other formats and for what
            was unpacked from an archive, whose copies are gone by now.
    """

    volume: Volume
    series: Series
    inputs: Mapping[str, Any]
    findings: tuple[Finding, ...]
    source_files: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Slice:
    """One slice of a series, to be shown.

    Attributes:
        series: the number of its series.
        plane: (R, C) grey values, float32, NaN where nothing was measured.
        quantity: "HU" or "a.u.".
        spacing: (row, column) distances; only their ratio counts.
    """

    series: int
    plane: npt.NDArray[np.float32]
    quantity: str
    spacing: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Glance:
    """An inspection, and a slice of each of the first series that make a volume, where one can be shown."""

    inspection: Inspection
    slices: tuple[Slice, ...]


def inspect_input(
    path: str | Path, *, limits: Limits | None = None, progress: Progress | None = None
) -> Inspection:
    """List what is at a path: series that can be built, and what was set aside and why.

    Limits: pixels are not decoded (only compared, where two images claim the
    same place), so damage inside them is found when the volume is read.

    Args:
        path: folder of loose files at any depth, zip (nested once), DICOMDIR,
            DICOM file, NIfTI, NRRD or MetaImage; content decides, not names.
        limits: caps; by default those of the environment.
        progress: called with (done, total, what).

    Returns:
        The inspection; series are numbered with the one a build takes first.

    Raises:
        PathNotFound, EmptyInput: nothing there, or no image in it.
        TooLarge, UnsafeArchive, ParserStopped: the input costs more than it may.
    """
    answer = run_job(_request("inspect", path), limits=limits or Limits.from_environment(), progress=progress)
    return inspection_from(answer.data["inspection"])


def glance_input(path: str | Path, *, progress: Progress | None = None) -> Glance:
    """As `inspect_input`, with slices to show; it costs the decoding of those slices.

    Raises:
        PathNotFound, EmptyInput, TooLarge, UnsafeArchive, ParserStopped: as `inspect_input`.
        DamagedFile: the reader gave other slices than it says.
    """
    request = {**_request("inspect", path), "with_picture": True}
    answer = run_job(request, progress=progress)
    return Glance(inspection_from(answer.data["inspection"]), slices_in(answer))


def slices_in(answer: Answer) -> tuple[Slice, ...]:
    """The slices out of the array that holds them all; it was written by who read hostile bytes: checked."""
    if answer.voxels is None:
        return ()
    left, found = answer.voxels.reshape(-1), []
    for each in answer.data["slices"]:
        rows, columns = (int(count) for count in each["shape"])
        if min(rows, columns) < 1 or rows * columns > left.size:
            raise DamagedFile("a slice", "its size changed on the way")
        plane, left = left[: rows * columns].reshape(rows, columns), left[rows * columns :]
        by_row, by_column = (float(distance) for distance in each["spacing"])
        found.append(Slice(int(each["series"]), plane, str(each["quantity"]), (by_row, by_column)))
    return tuple(found)


def read_volume(
    path: str | Path,
    *,
    series: int | None = None,
    phase: int | None = None,
    modality: str = "",
    allow_gaps: bool = False,
    unpack_into: Path | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> VolumeRead:
    """Read one volume.

    Args:
        path: as for `inspect_input`.
        series: number as `inspect_input` lists it; None for the first, where that is obvious.
        phase: 1-based; None where the series has only one.
        modality: "CT" or "MR" where the person knows it and the files do not say; "" to leave it to them.
        allow_gaps: bridge any number of missing slices, marked as not measured.
        unpack_into: an empty folder where what archives hold stays after the reading; files from an
            archive are source files then, like loose ones.
        limits: caps; by default those of the environment.
        progress: called with (done, total, what).

    Returns:
        The volume on a straight, even, right-handed grid.

    Raises:
        PathNotFound, EmptyInput, NoUsableSeries, SeriesNotFound: nothing to read.
        ModalityContradicted: the files say another modality themselves.
        AmbiguousSeries: several series or phases answer the question.
        GapInSeries: too many slices are missing.
        DamagedFile, UnsupportedFile: pixels that cannot be decoded.
        TooLarge, UnsafeArchive, ParserStopped: the input costs more than it may.
    """
    request = _request("read", path, series=series, phase=phase, allow_gaps=allow_gaps)
    request["modality"] = modality
    if unpack_into is not None:
        request |= {"workspace": str(unpack_into.absolute()), "keeps_workspace": True}
    answer = run_job(request, limits=limits or Limits.from_environment(), progress=progress)
    data = answer.data
    if answer.voxels is None:
        raise DamagedFile(str(request["path"]), "its reader gave no voxels")
    filled = np.zeros(answer.voxels.shape[0], dtype=bool)
    filled[np.array(data["filled_slices"], dtype=np.int64)] = True
    geometry = Geometry(answer.voxels.shape, np.array(data["to_lps_mm"], dtype=np.float64), data["unit"])
    volume = Volume(geometry, answer.voxels, data["quantity"], data["modality"], filled)
    return VolumeRead(
        volume,
        series_from(data["series"]),
        data["inputs"],
        findings_from(data["findings"]),
        _within(data["source_files"], Path(request["path"]), unpack_into),
    )


def _within(files: list[str], place: Path, unpacked: Path | None) -> tuple[Path, ...]:
    """The files as paths, unless one lies elsewhere: the child read hostile bytes, so its word is checked."""
    roots = [place if place.is_dir() else place.parent, *([] if unpacked is None else [unpacked.absolute()])]
    paths = tuple(Path(file) for file in files)
    is_inside = all(
        any(path.is_relative_to(root) for root in roots) and ".." not in path.parts for path in paths
    )
    return paths if is_inside else ()


def _request(
    job: str,
    path: str | Path,
    *,
    series: int | None = None,
    phase: int | None = None,
    allow_gaps: bool = False,
) -> dict[str, Any]:
    place = Path(path)
    try:
        if not place.exists():
            raise PathNotFound(safe(str(path), longest=200))
    except (OSError, ValueError) as error:
        raise PathNotFound(safe(str(path), longest=200)) from error
    absolute = str(place.absolute())
    return {"job": job, "path": absolute, "series": series, "phase": phase, "allow_gaps": allow_gaps}
