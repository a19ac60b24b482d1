"""The room's door for pictures: a path -> one picture, decoded in a child process."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plastinate.model.errors import (
    DamagedFile,
    InputError,
    LimitError,
    ParameterError,
    PathNotFound,
    UnsupportedFile,
)
from plastinate.model.evidence import Finding
from plastinate.model.picture import FIELD_DEGREES, FocalSource, Picture, field_of_focal
from plastinate.stages.ingest.flat_find import survey
from plastinate.stages.ingest.flat_focal import focal_of_35mm
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.sandbox import Answer, run_job
from plastinate.stages.ingest.wire import findings_from
from plastinate.stages.ingest.words import safe

KINDS = ("photo", "x-ray", "ultrasound", "slice")
CHILD = "plastinate.stages.ingest.flat_child"


@dataclass(frozen=True, eq=False)
class PictureRead:
    """A picture, and what belongs into the evidence of what is made of it.

    Attributes:
        picture: upright, sRGB.
        inputs: "sha256" of the file, "files", "format".
        findings: what was noticed.
    """

    picture: Picture
    inputs: Mapping[str, Any]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class FoundPicture:
    """A picture that lies at a path: its name, its format, and its kind (see `Picture.kind`)."""

    name: str
    format: str
    shows: str


def find_pictures(path: str | Path, *, limits: Limits | None = None) -> tuple[FoundPicture, ...]:
    """The pictures in a file, a folder or a zip, in the order of their names; none where a scan lies there.

    A DICOM file counts as a picture where it is one of at most two and they make no volume. What lies beside
    pictures and is none (a text, the leavings of a system) is passed over.

    Args:
        path: whatever a person gave.
        limits: caps; by default those of the environment.
    """
    place, limits = Path(path), limits or Limits.from_environment()
    try:
        # Of a file and a folder the first bytes are enough, unless some may be slices.
        found = survey(place, limits=limits)
    except (OSError, ValueError):
        return ()
    if found is not None and (found.is_scan or not found.dicom):
        return () if found.is_scan else tuple(_found(each.name, each.kind, each.shows) for each in found.flat)
    request = {"job": "find", "path": str(place.absolute())}
    try:
        answer = run_job(request, limits=limits, module=CHILD)
    except (InputError, LimitError):
        # Whoever reads scans meets the same flaw, and tells of it.
        return ()
    return tuple(_found(each["name"], each["kind"], each["shows"]) for each in answer.data["pictures"])


def _found(name: Any, kind: Any, shows: Any) -> FoundPicture:
    return FoundPicture(safe(str(name), longest=160), str(kind), shows if shows in KINDS else "photo")


def read_flat_picture(
    path: str | Path,
    *,
    which: int | None = None,
    focal_35mm: float | None = None,
    limits: Limits | None = None,
) -> PictureRead:
    """Read one JPEG, PNG, WebP or TIFF, or the one picture of a DICOM file; or one in a folder or a zip.

    Of what the file says about itself only the lens is kept; place, time and camera never leave the child.

    Args:
        path: its content decides, not its name.
        which: 0 for the first of several by name, 1 for the second; None where there has to be only one.
        focal_35mm: the lens as a person states it, as its equivalent on 36 x 24 mm; None believes the file.
        limits: caps; by default those of the environment.

    Raises:
        PathNotFound: nothing readable is there.
        UnsupportedFile: it is no picture, or too small; or several lie there.
        DamagedFile: it is cut short.
        TooLarge, ParserStopped: it costs more than it may.
        ParameterError: no lens is like that.
    """
    place = Path(path)
    try:
        if not place.exists():
            raise PathNotFound(safe(str(path), longest=200))
        if not (place.is_file() or place.is_dir()):
            # A pipe or a device: reading it may never end.
            raise UnsupportedFile(safe(str(path), longest=200), "it is no file")
    except (OSError, ValueError) as error:
        raise PathNotFound(safe(str(path), longest=200)) from error
    name = safe(place.name, longest=160)
    answer = run_job(
        {"job": "read", "path": str(place.absolute()), "name": name, "which": which},
        limits=(limits or Limits.from_environment()).for_a_picture(),
        module=CHILD,
    )
    name = safe(str(answer.data.get("name", name)), longest=160)
    picture = _picture(answer, name, focal_35mm)
    findings = [*findings_from(answer.data["findings"]), *_lens(picture)]
    return PictureRead(
        picture, {**answer.data["inputs"], "format": str(answer.data["format"])}, tuple(findings)
    )


def _picture(answer: Answer, name: str, focal_35mm: float | None) -> Picture:
    """What the child wrote, checked: it read hostile bytes."""
    planes, data = answer.voxels, answer.data
    if planes is None or planes.dtype != np.int16 or len(planes) != 3:
        raise DamagedFile(name, "its reader gave no pixels")
    words = planes.view(np.uint16)
    rgb = np.empty((*words.shape[1:], 3), dtype=np.uint8)
    rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2] = words[0] & 255, words[0] >> 8, words[1] & 255
    opacity = (words[1] >> 8).astype(np.uint8)
    focal, source = _focal(float(data["focal_px"]), rgb.shape, focal_35mm)
    spacing = data.get("spacing_mm")
    sides = [float(side) for side in spacing or ()]
    is_sound = len(sides) == 2 and all(math.isfinite(side) and side > 0 for side in sides)
    return Picture(
        rgb,
        None if bool((opacity == 255).all()) else opacity,
        words[2].copy(),
        name,
        data["kind"] if data["kind"] in KINDS else "photo",
        focal,
        source,
        (sides[0], sides[1]) if is_sound else None,
        min(max(float(data["shrunk"]), 1e-6), 1.0),
    )


def _focal(stated: float, shape: tuple[int, ...], focal_35mm: float | None) -> tuple[float, FocalSource]:
    low, high = FIELD_DEGREES
    if focal_35mm is not None:
        if not (math.isfinite(focal_35mm) and focal_35mm > 0):
            raise ParameterError("A focal length is a number of millimetres above 0.")
        focal = focal_of_35mm(focal_35mm, diagonal=math.hypot(*shape[:2]))
        if not low <= field_of_focal(shape, focal) <= high:
            raise ParameterError(f"No lens of {focal_35mm:g} mm on 36 x 24 mm takes a picture like this one.")
        return focal, "person"
    if math.isfinite(stated) and stated > 0 and low <= field_of_focal(shape, stated) <= high:
        return stated, "file"
    return 0.0, "guess"


def _lens(picture: Picture) -> tuple[Finding, ...]:
    if picture.focal_source != "guess" or picture.kind != "photo":
        return ()
    degrees = field_of_focal(picture.shape, picture.focal_px)
    return (
        Finding(
            "ingest.no-focal-length",
            "note",
            "The picture does not say through what lens it was taken.",
            f"A field of {degrees:.0f} degrees along its longer side was assumed.",
        ),
    )
