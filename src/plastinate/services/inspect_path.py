"""A path -> what is in it, series by series, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plastinate.model.evidence import Finding
from plastinate.model.series import Inspection
from plastinate.services.picture_pairs import require_few, require_pair, told_once
from plastinate.stages import catalog


def inspect_path(path: Path, *, progress: Callable[[int, int, str], None] | None = None) -> Inspection:
    """Look at every file under a path without building anything.

    Raises:
        InputError: nothing readable is there.
        LimitError: looking would cost more than is allowed.
    """
    inspection: Inspection = catalog.door("inspect-input")(path, progress=progress)
    return inspection


def glance_at(
    path: Path, *, progress: Callable[[int, int, str], None] | None = None
) -> tuple[Inspection, dict[int, bytes]]:
    """As `inspect_path`, with a small PNG of a slice of each series, by its number, where one can be shown.

    Raises:
        InputError, LimitError: as `inspect_path`.
    """
    seen: Any = catalog.door("glance-input")(path, progress=progress)
    render = catalog.door("render-thumbnail")
    return seen.inspection, {
        each.series: render(each.plane, quantity=each.quantity, spacing=each.spacing) for each in seen.slices
    }


@dataclass(frozen=True)
class PictureLook:
    """What is known of one picture, or of two that were taken side by side, before anything is made of it.

    Attributes:
        described: JSON values: its kind, format and size; "second", the other's name, where it has one.
        findings: what is to be said of it, or of either.
        small: a small PNG of each.
    """

    described: dict[str, Any]
    findings: tuple[Finding, ...]
    small: tuple[bytes, ...]


def look_at_picture(path: Path) -> PictureLook | None:
    """What the picture at a path is, what is to be said of it, and a small PNG of it; None for anything else.

    Of what the file says about itself nothing is kept but its lens: no place, time or camera.

    Raises:
        InputError, LimitError: it is a picture, and cannot be read; or there are several that are no pair.
    """
    found: Any = catalog.door("find-pictures")(path)
    if not found:
        return None
    require_few(path, len(found))
    # The one of a single file is asked for as such: then it is told what else it may be.
    reads: list[Any] = [
        catalog.door("read-flat-picture")(path, which=which if len(found) > 1 else None)
        for which in range(len(found))
    ]
    first = reads[0].picture
    described = _described(reads[0])
    if len(reads) > 1:
        require_pair(path, first, reads[1].picture)
        described["second"] = {"name": reads[1].picture.name}
    small = tuple(
        catalog.door("render-small-picture")(each.picture.rgb, each.picture.opacity) for each in reads
    )
    return PictureLook(described, told_once(*(read.findings for read in reads)), small)


def _described(read: Any) -> dict[str, Any]:
    picture = read.picture
    rows, columns = picture.shape
    return {
        "name": picture.name,
        "kind": picture.kind,
        "format": read.inputs["format"],
        # As the file has them: a reference is given in these pixels.
        "rows": round(rows / picture.shrunk),
        "columns": round(columns / picture.shrunk),
        "has_holes": picture.has_holes,
        "focal_from": picture.focal_source,
        "focal_35mm": picture.focal_35mm,
    }
