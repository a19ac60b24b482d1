"""What was measured on a build stays with it: with values its points give, for those who may see the case."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build, Case, Measurements
from plastinate.model.case_errors import Conflict, NotAllowed, NotThere, RequestFlaw, VersionNeeded
from plastinate.services import builds, cases, sharing
from plastinate.services.access import NOBODY, Actor
from plastinate.services.measurements import checked, read_measurements, value_of, write_measurements
from servers import EVERY_DATABASE, new_person

LINE = {"id": "m1", "kind": "distance", "name": " Carina ", "points_lps_mm": [[0, 0, 0], [3, 4, 12]]}
ANGLE = {"id": "m2", "kind": "angle", "name": "", "points_lps_mm": [[5, 0, 0], [0, 0, 0], [0, 0, -2]]}

on_every_database = pytest.mark.parametrize("archive", EVERY_DATABASE, indirect=True)


@pytest.fixture
def ada(archive: Archive) -> Actor:
    return new_person(archive, "ada@example.org")


@pytest.fixture
def build_id(archive: Archive, ada: Actor) -> str:
    with archive.database.write() as session:
        case = Case(title="x", owner_id=ada.person_id)
        session.add(case)
        session.flush()
        build = Build(case_id=case.id, title="Chest")
        session.add(build)
    return build.id


@on_every_database
def test_what_was_measured_is_there_again_with_values_its_points_give(
    archive: Archive, ada: Actor, build_id: str
):
    assert read_measurements(archive, ada, build_id).items == []
    lying = {**LINE, "value": 99.0, "unit": "km"}
    written = write_measurements(archive, ada, build_id, items=[lying, ANGLE])
    assert read_measurements(archive, ada, build_id) == written
    line, angle = written.items
    assert (line["name"], line["value"], line["unit"]) == ("Carina", 13.0, "mm")
    assert (angle["value"], angle["unit"]) == (90.0, "deg")
    assert line["points_lps_mm"] == [[0.0, 0.0, 0.0], [3.0, 4.0, 12.0]]


def test_on_a_pictures_model_distances_are_pixels_until_a_length_is_known(
    archive: Archive, ada: Actor, build_id: str
):
    for unit in ("px", "mm"):
        with archive.database.write() as session:
            session.get_one(Build, build_id).summary = {"estimate": {"kind": "object", "unit": unit}}
        written = write_measurements(archive, ada, build_id, items=[LINE, ANGLE], is_over_any=True)
        assert [item["unit"] for item in written.items] == [unit, "deg"]
        assert read_measurements(archive, ada, build_id).items == written.items


@on_every_database
def test_a_list_that_somebody_else_changed_meanwhile_is_not_written_over(
    archive: Archive, ada: Actor, build_id: str
):
    assert read_measurements(archive, ada, build_id).version == 0
    first = write_measurements(archive, ada, build_id, items=[LINE], version=0)
    with pytest.raises(Conflict):
        write_measurements(archive, ada, build_id, items=[ANGLE], version=0)
    second = write_measurements(archive, ada, build_id, items=[LINE, ANGLE], version=first.version)
    assert second.version == first.version + 1


@on_every_database
def test_whoever_did_not_look_replaces_nothing_unless_they_say_so(
    archive: Archive, ada: Actor, build_id: str
):
    write_measurements(archive, ada, build_id, items=[LINE])
    with pytest.raises(VersionNeeded):
        write_measurements(archive, ada, build_id, items=[ANGLE])
    assert [one["id"] for one in read_measurements(archive, ada, build_id).items] == ["m1"]
    assert write_measurements(archive, ada, build_id, items=[], is_over_any=True).items == []
    # Where there is nothing to lose, nobody needs to have looked.
    assert len(write_measurements(archive, ada, build_id, items=[ANGLE]).items) == 1


@on_every_database
def test_of_several_who_write_at_once_over_the_same_version_one_does(
    archive: Archive, ada: Actor, build_id: str
):
    together = threading.Barrier(4)

    def write(number: int) -> bool:
        together.wait(10)
        try:
            mine = [{**LINE, "id": f"of-{number}"}]
            write_measurements(archive, ada, build_id, items=mine, version=0)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(write, range(4))) == [False, False, False, True]
    assert read_measurements(archive, ada, build_id).version == 1


@on_every_database
def test_those_who_may_look_read_and_those_who_may_edit_write(archive: Archive, ada: Actor, build_id: str):
    viewer, editor = (new_person(archive, f"{name}@example.org") for name in ("viewer", "editor"))
    with archive.database.read() as session:
        case_id = session.get(Build, build_id).case_id  # type: ignore[union-attr]
    sharing.share(archive, ada, case_id, email="viewer@example.org", role="view")
    sharing.share(archive, ada, case_id, email="editor@example.org", role="edit")
    write_measurements(archive, editor, build_id, items=[LINE])
    assert len(read_measurements(archive, viewer, build_id).items) == 1
    with pytest.raises(NotAllowed):
        write_measurements(archive, viewer, build_id, items=[])
    for stranger in (NOBODY, new_person(archive, "other@example.org")):
        with pytest.raises((NotThere, NotAllowed)):
            read_measurements(archive, stranger, build_id)
    with pytest.raises(NotThere):
        read_measurements(archive, ada, "no-such-build")


@on_every_database
def test_measuring_changes_the_case_but_not_the_version_its_forms_hold(
    archive: Archive, ada: Actor, build_id: str
):
    with archive.database.read() as session:
        case_id = session.get(Build, build_id).case_id  # type: ignore[union-attr]
    before = cases.read_case(archive, ada, case_id)
    write_measurements(archive, ada, build_id, items=[LINE])
    after = cases.read_case(archive, ada, case_id)
    assert after.changed_at > before.changed_at
    assert after.version == before.version


@on_every_database
def test_measurements_go_with_their_build(archive: Archive, ada: Actor, build_id: str):
    write_measurements(archive, ada, build_id, items=[LINE])
    builds.delete_build(archive, ada, build_id)
    with archive.database.read() as session:
        assert session.get(Measurements, build_id) is None


FLAWS: dict[str, dict[str, Any]] = {
    "no kind": {**LINE, "kind": "volume"},
    "a kind that is a list": {**LINE, "kind": ["distance"]},
    "one point": {**LINE, "points_lps_mm": [[0, 0, 0]]},
    "three points for a line": {**LINE, "points_lps_mm": [[0, 0, 0]] * 3},
    "a point of two numbers": {**LINE, "points_lps_mm": [[0, 0], [1, 1]]},
    "a point in words": {**LINE, "points_lps_mm": [["a", 0, 0], [1, 1, 1]]},
    "a point that is a claim": {**LINE, "points_lps_mm": [[True, 0, 0], [1, 1, 1]]},
    "a point that is no number": {**LINE, "points_lps_mm": [[math.nan, 0, 0], [1, 1, 1]]},
    "a point out of this world": {**LINE, "points_lps_mm": [[1e300, 0, 0], [1, 1, 1]]},
    "points that are none": {**LINE, "points_lps_mm": "here"},
    "an angle without legs": {**ANGLE, "points_lps_mm": [[1, 1, 1], [1, 1, 1], [0, 0, 0]]},
    "no id": {**LINE, "id": " "},
    "a long id": {**LINE, "id": "x" * 41},
    "a name that is a number": {**LINE, "name": 7},
    "a long name": {**LINE, "name": "x" * 201},
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_what_is_no_measurement_is_refused_by_its_field(flaw: str):
    with pytest.raises(RequestFlaw) as refused:
        checked([FLAWS[flaw]])
    assert refused.value.where in ("kind", "points_lps_mm", "id", "name")


def test_too_many_measurements_and_one_id_twice_are_refused():
    with pytest.raises(RequestFlaw, match="500"):
        checked({**LINE, "id": f"m{number}"} for number in range(501))
    with pytest.raises(RequestFlaw, match="one id"):
        checked([LINE, {**ANGLE, "id": "m1"}])


def test_values_are_those_of_geometry():
    assert value_of("distance", [[1, 1, 1], [1, 1, 1]]) == 0
    assert value_of("angle", [[1, 0, 0], [0, 0, 0], [-1, 0, 0]]) == pytest.approx(180)
    assert value_of("angle", [[1, 0, 0], [0, 0, 0], [1, 1, 0]]) == pytest.approx(45)
    assert value_of("angle", [[1, 1, 1], [0, 0, 0], [1, 1, 1]]) == pytest.approx(0, abs=1e-6)
