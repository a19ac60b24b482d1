from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plastinate.engine.kinds import Task
from plastinate.model.case_errors import RequestFlaw
from plastinate.model.errors import (
    ModalityContradicted,
    NoUsableSeries,
    PlastinateError,
    RecipeNotFound,
    SeriesNotFound,
    WrongModality,
)
from plastinate.services.build_wish import build_request, checked_wish, title_of


def series(number: int, modality: str = "CT", **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "modality": modality,
        "is_usable": True,
        "phases": [""],
        "findings": [],
        **changes,
    }


def found(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"series": list(entries)}


def checked(inspection: dict[str, Any] | None = None, **wish: Any) -> dict[str, Any]:
    return checked_wish(wish, inspection=inspection)


def test_equal_wishes_are_equal_however_they_are_put():
    first = checked(organs=["lung-left", "lung-right"], formats=["stl", "glb"])
    assert first == checked(
        organs=["lung-left,lung-right"], formats=["glb,stl"], series=None, allow_gaps=False
    )
    assert first == checked(organs=["Lungs"], formats=["glb", "stl"])
    assert checked(threshold=[200, None]) == checked(threshold=[200.0, None], name="surface")


def test_a_slip_in_an_organ_is_refused_with_what_may_have_been_meant():
    with pytest.raises(RecipeNotFound, match="Did you mean liver"):
        checked(organs=["heart", "livver"])


@pytest.mark.parametrize(
    ("wish", "where"),
    [
        ({"recipe": 3}, "recipe"),
        ({"organs": "lung-left"}, "organs"),
        ({"organs": [1]}, "organs"),
        ({"threshold": [300]}, "threshold"),
        ({"threshold": [None, None]}, "threshold"),
        ({"threshold": [300, 200]}, "threshold"),
        ({"threshold": [float("nan"), 2]}, "threshold"),
        ({"threshold": [10**400, None]}, "threshold"),
        ({"threshold": [True, 2]}, "threshold"),
        ({"recipe": "ct-chest", "series": 0}, "series"),
        ({"recipe": "ct-chest", "series": True}, "series"),
        ({"recipe": "ct-chest", "phase": "1"}, "phase"),
        ({"recipe": "ct-chest", "allow_gaps": 1}, "allow_gaps"),
        ({"recipe": "ct-chest", "compression": "zip"}, "compression"),
        ({"recipe": "ct-chest", "triangles": 3}, "triangles"),
        ({"recipe": "ct-chest", "output": "/etc"}, "output"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(wish: dict[str, Any], where: str):
    with pytest.raises(RequestFlaw) as caught:
        checked_wish(wish, inspection=None)
    assert caught.value.where == where


@pytest.mark.parametrize("wish", [{}, {"recipe": "ct-chest", "organs": ["skin"]}, {"formats": ["glb"]}])
def test_a_wish_says_one_thing_to_build(wish: dict[str, Any]):
    with pytest.raises(PlastinateError, match="only one of them"):
        checked_wish(wish, inspection=None)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/home/someone/own.toml", "own.toml", "ct-chset"])
def test_a_recipe_is_one_of_ours_and_never_a_path(name: str, tmp_path: Path):
    with pytest.raises(RecipeNotFound):
        checked(recipe=name)


def test_what_the_scan_does_not_have_is_refused_before_anything_is_queued():
    scan = found(series(1), series(2, "MR"), series(3, is_usable=False, findings=[]))
    assert checked(scan, recipe="ct-chest")["recipe"] == "ct-chest"
    with pytest.raises(WrongModality):
        checked(scan, recipe="ct-chest", series=2)
    assert checked(scan, recipe="ct-chest", series=2, any_modality=True)
    with pytest.raises(SeriesNotFound):
        checked(scan, recipe="ct-chest", series=4)
    with pytest.raises(NoUsableSeries):
        checked(scan, recipe="ct-chest", series=3)
    with pytest.raises(SeriesNotFound, match="phase"):
        checked(scan, recipe="ct-chest", series=1, phase=2)
    with pytest.raises(RecipeNotFound):
        checked(scan, organs=["no-such-organ"])
    with pytest.raises(RecipeNotFound):
        checked(scan, recipe="ct-chest", formats=["dwg"])


def test_a_scan_that_does_not_say_what_it_is_is_taken_for_what_the_wish_states():
    for said in ("", "OT"):
        scan = found(series(1, said))
        with pytest.raises(WrongModality, match=r"unknown|OT") as refused:
            checked(scan, recipe="ct-chest")
        assert "--modality CT" in refused.value.hint
        assert checked(scan, recipe="ct-chest", modality="CT")["modality"] == "CT"
        assert checked(scan, organs=["brain"], modality="MR")["modality"] == "MR"
        with pytest.raises(WrongModality):
            checked(scan, recipe="ct-chest", modality="MR")
    with pytest.raises(ModalityContradicted, match="MR"):
        checked(found(series(1, "MR")), recipe="ct-chest", modality="CT")
    assert checked(found(series(1)), recipe="ct-chest", modality="CT")["modality"] == "CT"
    assert checked(recipe="ct-chest", modality="CT")["modality"] == "CT"
    with pytest.raises(RequestFlaw):
        checked(recipe="ct-chest", modality="PT")


def test_what_a_wish_states_reaches_the_builder(tmp_path: Path):
    wish = checked(recipe="ct-chest", modality="CT")
    assert build_request(Task(wish, (tmp_path / "scan.nii",), tmp_path)).modality == "CT"


def test_what_not_every_scan_can_give_is_asked_for_where_possible(tmp_path: Path):
    task = Task(checked(recipe="ct-chest"), (tmp_path / "scan.zip",), tmp_path)
    request = build_request(task)
    assert set(request.formats) == {"glb", "stl", "obj", "ply", "nifti", "nrrd", "viewer"}
    assert set(request.formats_where_possible) == {"3mf", "seg"}
    assert request.unpack_into is not None


def test_a_title_is_known_before_the_build():
    assert title_of(checked(threshold=[200, None], name="Bones"), "CT") == "Bones"
    assert title_of(checked(recipe="ct-lungs"), "CT")
    assert "lung" in title_of(checked(organs=["lung-left"]), "CT").lower()
