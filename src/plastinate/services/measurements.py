"""What people measured on a build in 3D: kept with it, read by all who see it, changed by those who may edit.

What counts are the points, in LPS millimetres; values follow from them and are calculated here, so that
none is kept that its points do not give. On the model of a picture in which no length is known, points and
distances are in pixels (px), and no millimetre is ever stated.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, Case, Measurements, now
from plastinate.model.case_errors import Conflict, RequestFlaw, VersionNeeded
from plastinate.services import text_fields
from plastinate.services.access import Actor
from plastinate.services.builds import build_for

# Kind -> how many points it takes.
KINDS = {"distance": 2, "angle": 3}
COUNT_MAX = 500
ID_MAX = 40
# Farther than any scanner reaches.
COORDINATE_MAX = 100_000.0


@dataclass(frozen=True)
class Measured:
    """The measurements of a build.

    Attributes:
        items: {"id", "kind", "name", "points_lps_mm", "value", "unit"}, JSON values.
        version: goes up with every change; 0 while nothing was ever measured.
    """

    items: list[dict[str, Any]]
    version: int


def read_measurements(archive: Archive, actor: Actor, build_id: str) -> Measured:
    """What was measured on a build.

    Raises:
        NotThere: there is no such build that this person may know of.
    """
    with archive.database.read() as session:
        build_for(session, actor, build_id, need="view")
        return measured_of(session, build_id)


def write_measurements(
    archive: Archive,
    actor: Actor,
    build_id: str,
    *,
    items: Iterable[Mapping[str, Any]],
    version: int | None = None,
    is_over_any: bool = False,
) -> Measured:
    """Put a list of measurements in place of the one there is.

    Args:
        archive: where it is kept.
        actor: who asks; needs to be allowed to edit the case.
        build_id: of the build.
        items: {"id", "kind", "name", "points_lps_mm"}; values and units are calculated.
        version: the version that the person saw; None where nobody looked.
        is_over_any: whether whoever did not look means to write over what is there.

    Raises:
        NotThere: there is no such build that this person may know of.
        NotAllowed: they may only see it.
        Conflict: they have changed since that version.
        VersionNeeded: there are some, nobody looked, and nothing says that they are to go.
        RequestFlaw: a measurement that is none.
    """
    wanted = checked(items)
    with archive.database.write() as session:
        build = build_for(session, actor, build_id, need="edit")
        wanted = in_unit(wanted, length_unit_of(build.summary))
        # The build's row stands for its measurements, which may not be there yet: one writer at a time.
        session.get(Build, build_id, with_for_update=True)
        row = session.get(Measurements, build_id)
        if version is not None and version != (row.version if row else 0):
            raise Conflict("Someone else has changed it meanwhile.")
        if version is None and row and row.items and not is_over_any:
            raise VersionNeeded
        if row is None:
            row = Measurements(build_id=build_id, version=0)
            session.add(row)
        row.items, row.version, row.changed_at = wanted, row.version + 1, now()
        # Straight at the table: this is no change that another person's edit could conflict with.
        session.execute(update(Case).where(Case.id == build.case_id).values(changed_at=now()))
        return Measured(wanted, row.version)


def measured_of(session: Session, build_id: str) -> Measured:
    """What was measured on a build that somebody may see."""
    row = session.get(Measurements, build_id)
    return Measured([], 0) if row is None else Measured(list(row.items), row.version)


def length_unit_of(summary: Mapping[str, Any]) -> str:
    """The unit of distances: pixels on the model of a picture in which no length is known, else millimetres.

    >>> length_unit_of({}), length_unit_of({"estimate": {"unit": "px"}})
    ('mm', 'px')
    """
    estimate = summary.get("estimate")
    return "px" if isinstance(estimate, Mapping) and estimate.get("unit") != "mm" else "mm"


def in_unit(items: Iterable[Mapping[str, Any]], length_unit: str) -> list[dict[str, Any]]:
    """Checked measurements with their distances in "mm" or "px"."""
    return [{**item, "unit": length_unit} if item["kind"] == "distance" else dict(item) for item in items]


def checked(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Measurements with their values, in the order given, distances in millimetres: see `in_unit`.

    Raises:
        RequestFlaw: one is none, there are too many, or two have the same id.
    """
    found = [_checked(item) for item in items]
    if len(found) > COUNT_MAX:
        raise RequestFlaw(f"There are {len(found)}, more than the {COUNT_MAX} allowed", where="measurements")
    if len({item["id"] for item in found}) != len(found):
        raise RequestFlaw("Two measurements have one id", where="id")
    return found


def value_of(kind: str, points: Sequence[Sequence[float]]) -> float:
    """The length of a straight line in mm, or the angle at the second of three points in degrees."""
    if kind == "distance":
        return math.dist(points[0], points[1])
    ends = [[end - at for end, at in zip(points[k], points[1], strict=True)] for k in (0, 2)]
    lengths = math.hypot(*ends[0]) * math.hypot(*ends[1])
    if lengths == 0:
        raise RequestFlaw("An angle needs three places that are apart", where="points_lps_mm")
    cosine = sum(a * b for a, b in zip(*ends, strict=True)) / lengths
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


def _checked(item: Mapping[str, Any]) -> dict[str, Any]:
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise RequestFlaw(f"It is one of {', '.join(KINDS)}", where="kind")
    points = _points(item.get("points_lps_mm"), KINDS[kind])
    return {
        "id": text_fields.one_line(_text(item, "id"), where="id", longest=ID_MAX),
        "kind": kind,
        "name": text_fields.one_line(
            _text(item, "name"), where="name", longest=text_fields.NAME_MAX, may_be_empty=True
        ),
        "points_lps_mm": points,
        "value": round(value_of(kind, points), 4),
        "unit": "mm" if kind == "distance" else "deg",
    }


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name, "")
    if not isinstance(value, str):
        raise RequestFlaw("It has to be text", where=name)
    return value


def _points(value: Any, count: int) -> list[list[float]]:
    points = list(value) if isinstance(value, list | tuple) else []
    is_sound = len(points) == count and all(
        isinstance(point, list | tuple)
        and len(point) == 3
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in point)
        and all(abs(each) <= COORDINATE_MAX for each in point)
        for point in points
    )
    if not is_sound:
        raise RequestFlaw(f"It has to be a list of {count} points [x, y, z] in mm", where="points_lps_mm")
    return [[round(float(each), 4) for each in point] for point in points]
