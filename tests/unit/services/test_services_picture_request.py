"""A wish about one picture is held to what can be made of it before anything is decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from drawn_pictures import encoded, sphere
from plastinate.model.errors import NoMillimetres, ParameterError, PathNotFound, RecipeFlaw
from plastinate.model.reference import Reference
from plastinate.services.build_picture import build_picture
from plastinate.services.picture_request import PictureRequest, recipe_of

KNOWN = Reference((10.0, 10.0), (90.0, 10.0), 40.0)


def test_each_kind_has_its_recipe_with_and_without_a_network():
    assert recipe_of(PictureRequest(Path("p"), kind="scene")).name == "picture-scene"
    assert recipe_of(PictureRequest(Path("p"), kind="scene", without_network=True)).name.endswith("plain")
    assert recipe_of(PictureRequest(Path("p"), kind="relief", without_network=True)).name == "relief"
    assert recipe_of(PictureRequest(Path("p"), kind="scene", second=Path("q"))).name.endswith("stereo")


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ({"kind": "statue"}, ParameterError),
        ({"reference": KNOWN, "print_mm": 80.0}, ParameterError),
        ({"kind": "lithophane", "print_mm": 80.0}, ParameterError),
        ({"print_mm": 1e9}, ParameterError),
        ({"formats": ("nifti",)}, ParameterError),
        ({"baseline_mm": 60.0}, ParameterError),
        ({"second": Path("q")}, ParameterError),
        ({"solid": {"width_mm": 10.0}}, RecipeFlaw),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_before_the_picture_is_looked_at(wish, error):
    with pytest.raises(error):
        build_picture(PictureRequest(Path("nowhere.png"), **wish))


def test_a_picture_that_is_not_there_is_told(tmp_path: Path):
    with pytest.raises(PathNotFound):
        build_picture(PictureRequest(tmp_path / "nowhere.png", without_network=True))


def test_every_question_in_millimetres_is_refused_until_a_length_is_known(tmp_path: Path):
    (tmp_path / "ball.png").write_bytes(encoded(sphere((96, 128)).rgb))
    wish = PictureRequest(
        tmp_path / "ball.png", without_network=True, levels={"full": 2000}, solid={"cells": 60}
    )
    scene = build_picture(wish).scene
    with pytest.raises(NoMillimetres):
        scene.geometry.require_mm("the width")
    assert scene.evidence.verdicts["object"].light == "amber"
    assert scene.evidence.inputs["estimate"]["length_from"] == "unknown"
    from dataclasses import replace

    known = build_picture(replace(wish, reference=KNOWN)).scene
    known.geometry.require_mm("the width")
    factor = known.nodes[0].surfaces["full"].bounds_lps_mm / scene.nodes[0].surfaces["full"].bounds_lps_mm
    assert factor == pytest.approx(0.5, rel=0.02)
    assert known.evidence.quality["object"]["full"].volume_ml > 0
    assert known.is_estimated
