"""A wish about one picture is held to what can be made of it before anything is decoded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawn_pictures import encoded, sphere
from drawn_references import coin
from plastinate.model.errors import NoMillimetres, ParameterError, PathNotFound, RecipeFlaw
from plastinate.model.picture_errors import NoCoin
from plastinate.model.reference import Coin, Reference
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


@pytest.mark.slow
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
    known = build_picture(replace(wish, reference=KNOWN)).scene
    known.geometry.require_mm("the width")
    factor = known.nodes[0].surfaces["full"].bounds_lps_mm / scene.nodes[0].surfaces["full"].bounds_lps_mm
    assert factor == pytest.approx(0.5, rel=0.02)
    assert known.evidence.quality["object"]["full"].volume_ml > 0
    assert known.is_estimated


@pytest.mark.slow
@pytest.mark.parametrize("truth_mm", [200.0, 5.0])
def test_the_interval_of_a_length_holds_the_truth_also_where_the_far_side_and_a_wall_make_the_body_larger(
    tmp_path: Path, truth_mm: float
):
    rows, columns = np.mgrid[:300, :400]
    disc = np.zeros((300, 400, 4), np.uint8)
    disc[(columns - 199.5) ** 2 + (rows - 149.5) ** 2 < 100**2] = (200, 80, 60, 255)
    Image.fromarray(disc, "RGBA").save(tmp_path / "disc.png")
    wish = PictureRequest(
        tmp_path / "disc.png",
        kind="object",
        without_network=True,
        levels={"full": 5000},
        reference=Reference((100.0, 150.0), (300.0, 150.0), truth_mm),
    )
    low, high = build_picture(wish).scene.evidence.inputs["estimate"]["scale"]["longest_side_mm_interval"]
    assert low < truth_mm < high
    assert high / low < 1.1


@pytest.mark.slow
def test_a_coin_gives_the_model_its_millimetres_and_the_certificate_an_interval(tmp_path: Path):
    table = coin(tilt=20.0)
    (tmp_path / "table.png").write_bytes(encoded(table.picture.rgb))
    wish = PictureRequest(
        tmp_path / "table.png",
        kind="scene",
        without_network=True,
        focal_35mm=36.0,
        levels={"full": 2000},
        solid={"cells": 80},
        reference=Coin(table.middle, 23.25),
    )
    scene = build_picture(wish).scene
    scene.geometry.require_mm("the width")
    estimate = scene.evidence.inputs["estimate"]
    assert estimate["length_from"] == "a coin in the picture"
    low, high = estimate["scale"]["longest_side_mm_interval"]
    bounds = scene.nodes[0].surfaces["full"].bounds_lps_mm
    assert low < (bounds[1] - bounds[0]).max() < high
    assert low / high > 0.9
    assert any(
        "as far away as the reference" in reason for reason in scene.evidence.verdicts["scene"].reasons
    )
    with pytest.raises(NoCoin):
        build_picture(replace(wish, reference=Coin((20.0, 220.0), 23.25)))
