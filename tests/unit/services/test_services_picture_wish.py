from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from depth_models import like_midas, own_card
from model_shelf import Places, set_places, sha256
from plastinate.model.case_errors import RequestFlaw
from plastinate.model.depot_errors import LicenceNotAgreed
from plastinate.model.errors import NoMillimetres, ParameterError
from plastinate.model.reference import Coin, Reference, Ruler, wished
from plastinate.services.build_wish import checked_wish, require_kinds, title_of
from plastinate.services.picture_wish import known_in

PICTURE = {"series": [], "picture": {"kind": "photo"}}
SCAN = {"series": [{"number": 1, "modality": "CT", "is_usable": True, "phases": [""], "findings": []}]}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return set_places(tmp_path, monkeypatch)


def checked(inspection: Any = PICTURE, formats: tuple[str, ...] = (), **picture: Any) -> dict[str, Any]:
    return checked_wish({"picture": picture, "formats": list(formats)}, inspection=inspection)


def test_a_wish_for_a_picture_is_whole_and_equal_to_itself_checked_again():
    wish = checked(kind="object", back="mirror", reference=[1, 2, 30, 40, 55])
    assert wish["picture"]["reference"] == [1.0, 2.0, 30.0, 40.0, 55.0]
    assert wish["picture"]["without_network"] is False
    assert checked_wish(wish, inspection=PICTURE) == wish
    assert title_of(wish, "")


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ({"coin": "1-euro", "at": [62, 40]}, Coin((62.0, 40.0), 23.25, "1-euro")),
        ({"coin": 20.5, "at": [62, 40]}, Coin((62.0, 40.0), 20.5)),
        ({"ruler_mm": 1, "line": [1, 2, 90, 4]}, Ruler((1.0, 2.0), (90.0, 4.0), 1.0)),
        ([1, 2, 30, 40, 55], Reference((1.0, 2.0), (30.0, 40.0), 55.0)),
    ],
)
def test_a_coin_a_ruler_and_two_points_come_back_as_they_were_wished(said: Any, known: Any):
    wish = checked(kind="object", reference=said, formats=("3mf",))["picture"]
    assert known_in(wish["reference"]) == known
    assert known_in(wished(known)) == known


@pytest.mark.parametrize(
    ("picture", "where"),
    [
        ("object", "picture"),
        ({"kind": "statue"}, "kind"),
        ({"kind": "lithophane", "thinnest_mm": 0.1}, "thinnest_mm"),
        ({"kind": "lithophane", "thickest_mm": 60}, "thickest_mm"),
        ({"kind": "relief", "width_mm": 1001}, "width_mm"),
        ({"kind": "relief", "frame_mm": 51}, "frame_mm"),
        ({"reference": [1, 2, 30, 40, 1e-300]}, "reference"),
        ({"reference": {"coin": 1e-40, "at": [62, 40]}}, "reference"),
        ({"which": 2.0}, "which"),
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
        ({"kind": "object", "reference": {"coin": "doubloon", "at": [1, 2]}}, "reference"),
        ({"kind": "object", "reference": {"coin": 0, "at": [1, 2]}}, "reference"),
        ({"kind": "object", "reference": {"coin": "1-euro", "at": [1]}}, "reference"),
        ({"kind": "object", "reference": {"ruler_mm": 1, "line": [1, 2, 3]}}, "reference"),
        ({"kind": "object", "reference": {"ruler_mm": -1, "line": [1, 2, 3, 4]}}, "reference"),
        ({"kind": "object", "reference": {"chair": 1}}, "reference"),
        ({"without_network": "no"}, "without_network"),
        ({"kind": "object", "is_pair": True}, "is_pair"),
        ({"kind": "scene", "is_pair": True}, "is_pair"),
        ({"kind": "scene", "is_pair": 1}, "is_pair"),
        ({"kind": "scene", "baseline_mm": 65}, "baseline_mm"),
        ({"kind": "scene", "which": 2}, "which"),
        ({"kind": "scene", "which": 3}, "which"),
        ({"kind": "scene", "depth": 3}, "depth"),
        ({"kind": "scene", "depth": "x" * 500}, "depth"),
        ({"kind": "scene", "depth": "midas-v21-small", "agreed": "yes"}, "agreed"),
        ({"kind": "scene", "depth": "midas-v21-small", "without_network": True}, "depth"),
    ],
)
def test_what_a_picture_cannot_become_is_refused_at_its_field(picture: Any, where: str):
    with pytest.raises(RequestFlaw) as caught:
        checked_wish({"picture": picture}, inspection=PICTURE)
    assert caught.value.where == where


def test_of_a_pair_it_is_said_which_is_the_left_one_and_its_distance_makes_millimetres():
    pair = {"series": [], "picture": {"kind": "photo", "second": {"name": "right.png"}}}
    assert checked(pair, kind="object")["picture"]["which"] == 1
    wish = checked(pair, ("3mf",), kind="scene", is_pair=True, which=2, baseline_mm=65)
    assert (wish["picture"]["which"], wish["picture"]["is_pair"]) == (2, True)
    assert checked_wish(wish, inspection=pair) == wish
    with pytest.raises(NoMillimetres):
        checked(pair, ("3mf",), kind="scene", is_pair=True)
    assert "two cameras" in title_of(wish, "")


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


def test_another_depth_network_is_taken_once_its_licence_is_agreed_to(places: Places):
    name = "midas-v21-small"
    with pytest.raises(LicenceNotAgreed) as refused:
        checked(kind="scene", depth=name)
    assert refused.value.code == "model.licence"
    assert "agreed: true" in refused.value.hint

    wish = checked(kind="scene", depth=name, agreed=True)
    assert (wish["picture"]["depth"], wish["picture"]["agreed"]) == (name, True)
    assert checked_wish(wish, inspection=PICTURE) == wish
    # The usual network asks for no word, so saying one changes nothing.
    assert checked(kind="scene", agreed=True) == checked(kind="scene")


def test_a_wish_that_was_queued_before_there_was_a_choice_of_networks_still_asks_the_usual_one():
    wish = checked(kind="scene")["picture"]
    old = {name: value for name, value in wish.items() if name not in ("depth", "agreed")}
    assert checked_wish({"picture": old}, inspection=PICTURE)["picture"] == wish


def test_a_depth_network_that_forbids_commerce_is_refused_whatever_is_agreed_to(places: Places):
    (places.own / "mine").mkdir(parents=True)
    made = places.own / "mine" / "mine.onnx"
    made.write_bytes(like_midas())
    pinned = f'file = "mine.onnx"\nbytes = {made.stat().st_size}\nsha256 = "{sha256(like_midas())}"'
    card = own_card(commercial_use=False).replace('file = "mine.onnx"', pinned)
    (places.own / "mine" / "card.toml").write_text(card)
    with pytest.raises(LicenceNotAgreed, match="forbids commercial use") as refused:
        checked(kind="scene", depth="mine", agreed=True)
    assert "--non-commercial" in refused.value.hint
