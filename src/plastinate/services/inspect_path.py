"""A path -> what is in it, series by series, in plain words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from plastinate.model.evidence import Finding
from plastinate.model.series import Inspection
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


def look_at_picture(path: Path) -> tuple[dict[str, Any], tuple[Finding, ...], bytes] | None:
    """What one picture is, what is to be said of it, and a small PNG of it; None for anything else.

    Of what the file says about itself nothing is kept but its lens: no place, time or camera.

    Raises:
        InputError, LimitError: it is a picture, and cannot be read.
    """
    if not catalog.door("is-flat-picture")(path):
        return None
    read: Any = catalog.door("read-flat-picture")(path)
    picture = read.picture
    rows, columns = picture.shape
    described = {
        "kind": picture.kind,
        "format": read.inputs["format"],
        # As the file has them: a reference is given in these pixels.
        "rows": round(rows / picture.shrunk),
        "columns": round(columns / picture.shrunk),
        "has_holes": picture.has_holes,
        "focal_from": picture.focal_source,
    }
    return described, read.findings, catalog.door("render-small-picture")(picture.rgb, picture.opacity)
