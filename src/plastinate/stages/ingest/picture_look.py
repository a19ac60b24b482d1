"""A picture file -> what its values tell: labels or a scan, and of which kind it may be."""

from __future__ import annotations

from dataclasses import dataclass

from plastinate.model.errors import PlastinateError
from plastinate.model.evidence import Finding
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.label_maps import looks_like_labels
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.picture_volume import PlainMemory, read_picture

# A file of more voxels, and what comes after so many in one input, is taken for a scan unseen.
FILE_VOXELS_MAX, INPUT_VOXELS_MAX = 1 << 28, 1 << 30


@dataclass(frozen=True)
class Look:
    """What the values of a picture file say.

    Attributes:
        is_label_map: they name regions; False where they could not be looked at.
        likely_modality: "CT" where they run from air to bone as Hounsfield units do, else "".
        findings: the same in words.
    """

    is_label_map: bool = False
    likely_modality: str = ""
    findings: tuple[Finding, ...] = ()


def look_at(picture: Candidate, *, limits: Limits) -> Look:
    """Read a picture file for its values.

    What cannot be read is no label map: the build will say in words what is wrong with it.
    """
    try:
        read = read_picture(picture, PlainMemory(), limits=limits)
    except (PlastinateError, OSError, ValueError, MemoryError):
        return Look()
    guess = tuple(finding for finding in read.findings if finding.code == "ingest.guessed-hounsfield")
    if guess:
        return Look(False, "CT", guess)
    return Look(looks_like_labels(read.array))
