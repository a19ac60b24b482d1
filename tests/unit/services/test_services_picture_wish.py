from __future__ import annotations

from typing import Any

import pytest

from plastinate.model.case_errors import RequestFlaw
from plastinate.model.errors import NoMillimetres, ParameterError
from plastinate.services.build_wish import checked_wish, require_kinds, title_of

PICTURE = {"series": [], "picture": {"kind": "photo"}}
SCAN = {"series": [{"number": 1, "modality": "CT", "is_usable": True, "phases": [""], "findings": []}]}


def checked(inspection: Any = PICTURE, formats: tuple[str, ...] = (), **picture: Any) -> dict[str, Any]:
    return checked_wish({"picture": picture, "formats": list(formats)}, inspection=inspection)


def test_a_wish_for_a_picture_is_whole_and_equal_to_itself_checked_again():
    wish = checked(kind="object", back="mirror", reference=[1, 2, 30, 40, 55])
    assert wish["picture"]["reference"] == [1.0, 2.0, 30.0, 40.0, 55.0]
    assert wish["picture"]["without_network"] is False
    assert checked_wish(wish, inspection=PICTURE) == wish
    assert title_of(wish, "")


@pytest.mark.parametrize(
    ("picture", "where"),
    [
        ("object", "picture"),
        ({"kind": "statue"}, "kind"),
        ({"shape": "round"}, "picture"),
        ({"kind": "scene", "back": "mirror"}, "back"),
        ({"kind": "lithophane", "back": "flat"}, "back"),
        ({"kind": "object", "width_mm": 100}, "width_mm"),
        ({"kind": "relief", "width_mm": 1e300}, "width_mm"),
        ({"kind": "relief", "width_mm": float("nan")}, "width_mm"),
        ({"kind": "object", "wall_mm": True}, "wall_mm"),
        ({"kind": "object", "reference": [1, 2, 3]}, "reference"),
        ({"kind": "object", "reference": [1, 2, 3, 4, 0]}, "reference"),
        ({"kind": "relief", "reference": [1, 2, 3, 4, 5]}, "reference"),
        ({"without_network": "no"}, "without_network"),
    ],
)
def test_what_a_picture_cannot_become_is_refused_at_its_field(picture: Any, where: str):
    with pytest.raises(RequestFlaw) as caught:
        checked_wish({"picture": picture}, inspection=PICTURE)
    assert caught.value.where == where


def test_a_scan_is_no_picture_and_a_picture_no_scan():
    for wish, found in (({"picture": {}}, SCAN), ({"recipe": "ct-chest"}, PICTURE)):
        with pytest.raises(RequestFlaw) as caught:
            checked_wish(wish, inspection=found)
        assert caught.value.where == "picture"
    with pytest.raises(ParameterError):
        checked_wish({"picture": {}, "recipe": "ct-chest"}, inspection=None)


def test_a_format_that_states_a_length_needs_one_and_voxels_cannot_be_had():
    with pytest.raises(NoMillimetres):
        checked(formats=("3mf",), kind="object")
    assert checked(formats=("3mf",), kind="object", print_mm=80)["formats"] == ["3mf"]
    assert checked(formats=("3mf",), kind="lithophane")["formats"] == ["3mf"]
    with pytest.raises(RequestFlaw):
        checked(formats=("nifti",), kind="object")


def test_a_wish_that_comes_with_a_case_archive_is_held_to_its_kinds():
    require_kinds(checked(kind="scene"))
    with pytest.raises(RequestFlaw):
        require_kinds({"picture": {"kind": 3}})
