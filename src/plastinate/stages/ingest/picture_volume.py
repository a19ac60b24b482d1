"""A NIfTI, NRRD or MetaImage file -> its voxels, and what their values are taken for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.limits import Limits

# Air and bone: values that run beyond both ends, and no farther than scanners write, are Hounsfield units.
AIR_BELOW, BONE_ABOVE = -500.0, 100.0
LEAST_HU, MOST_HU = -4096.0, 32767.0
# Fat and blood alone lie farther apart than this, and noise widens it: less is a scale of 0 to 1 or alike.
LEAST_SPAN_HU = 50.0


@dataclass(frozen=True, eq=False)
class ReadVolume:
    """A volume read, before it is put on the wire."""

    array: npt.NDArray[Any]
    to_lps_mm: npt.NDArray[np.float64]
    unit: str
    quantity: str
    modality: str
    filled_slices: npt.NDArray[np.bool_]
    findings: tuple[Finding, ...]


class Memory(Protocol):
    """Where voxels go."""

    def make(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Allocate the array that is handed over."""


class PlainMemory:
    """For what is looked at here and not handed over."""

    def make(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """Allocate it."""
        return np.zeros(shape, dtype)


def read_picture(picture: Candidate, memory: Memory, *, limits: Limits, modality: str = "") -> ReadVolume:
    """Read a picture file whole.

    Args:
        picture: the file.
        memory: where its voxels go.
        limits: the most voxels.
        modality: what the person says it is, for the file never does; "" where nobody has said it.

    Raises:
        DamagedFile, UnsupportedFile, TooLarge: as the reader of its format.
    """
    if picture.kind == "nifti":
        from plastinate.stages.ingest.nifti import read_nifti as read_file
    elif picture.kind == "nrrd":
        from plastinate.stages.ingest.nrrd import read_nrrd as read_file
    else:
        from plastinate.stages.ingest.metaimage import read_metaimage as read_file

    image = read_file(picture.path, name=picture.name, out=memory.make, max_voxels=limits.voxels)
    quantity, remarks = _meaning(image.array, modality)
    filled = np.zeros(image.array.shape[0], dtype=bool)
    return ReadVolume(
        image.array, image.to_lps_mm, image.unit, quantity, modality, filled, (*image.findings, *remarks)
    )


def _meaning(array: npt.NDArray[Any], modality: str) -> tuple[str, tuple[Finding, ...]]:
    """What the values are taken for: a picture file never says."""
    sample = array[:: max(1, array.shape[0] // 16), ::4, ::4]
    known = sample[sample > -30000] if sample.dtype == np.int16 else sample[np.isfinite(sample)]
    if known.size == 0 or modality not in ("CT", ""):
        return "a.u.", ()
    low, high = float(known.min()), float(known.max())
    if low < AIR_BELOW and high > BONE_ABOVE and low >= LEAST_HU and high <= MOST_HU:
        return "HU", (_guessed(low, high), *_outside_circles(array))
    if modality == "":
        return "a.u.", ()
    if LEAST_HU <= low < 0 and high - low >= LEAST_SPAN_HU:
        # A CT cut out of the body holds no air, and yet fat lies below zero.
        return "HU", _outside_circles(array)
    return "a.u.", (
        Finding(
            "ingest.not-hounsfield",
            "warning",
            "This CT does not say how its values become Hounsfield units.",
            "Read as plain numbers; windows in HU do not apply.",
        ),
    )


def _guessed(low: float, high: float) -> Finding:
    return Finding(
        "ingest.guessed-hounsfield",
        "note",
        f"The file does not say what its values mean; they run from {low:.0f} to {high:.0f}.",
        "Taken for Hounsfield units.",
    )


def _outside_circles(array: npt.NDArray[Any]) -> tuple[Finding, ...]:
    from plastinate.stages.ingest.rescale import erase_outside_circles

    erased = erase_outside_circles(array)
    if not erased:
        return ()
    return (
        Finding(
            "ingest.outside-circle",
            "note",
            f"{100.0 * erased / array.size:.1f} % of the voxels lie outside the scanner's circle.",
            "Marked as never measured; no window matches them.",
            {"pixels": erased},
        ),
    )
