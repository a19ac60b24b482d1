"""What is measured of an estimate is how faithful it is to itself; its light is never green."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drawn_pictures import sphere
from plastinate.model.depth import DepthMap
from plastinate.stages.surface.object_solid import object_solid
from plastinate.stages.verify.estimate import judge_estimate, measure_estimate


@pytest.fixture(scope="module")
def ball():
    drawn = sphere((96, 128))
    return object_solid(
        drawn.picture, drawn.map, drawn.soft_mask, structure="object", levels={"full": 2000}, cells=60
    )


@pytest.mark.slow
def test_a_surface_is_held_against_its_own_cells_and_says_nothing_in_millimetres(ball):
    quality = measure_estimate(ball)
    assert quality.is_closed
    assert quality.is_manifold
    assert quality.self_crossings == 0
    assert quality.distance_mean_voxel < 0.5
    assert quality.volume_ml is None
    assert measure_estimate(ball, unit="mm").volume_ml == pytest.approx(ball.surfaces["full"].volume_ml)


def test_no_estimate_is_ever_green_and_every_doubt_is_said(ball):
    sure = DepthMap(np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
    quality = measure_estimate(ball)
    verdict = judge_estimate(quality, sure, invented="the far side", unit="mm")
    assert verdict.light == "amber"
    assert "Invented: the far side." in verdict.reasons
    unsure = replace(sure, facts={"mean_confidence": 0.2, "is_even": True})
    reasons = " ".join(judge_estimate(quality, unsure, invented="x", unit="px").reasons)
    for words in ("little more than a guess", "one brightness", "No length"):
        assert words in reasons
    pair = replace(sure, facts={"measured_share": 0.31})
    reasons = " ".join(judge_estimate(quality, pair, invented="x", unit="mm").reasons)
    assert "from two pictures" in reasons
    assert "Only 31% of the picture" in reasons
    torn = judge_estimate(replace(quality, is_closed=False, self_crossings=3), sure, invented="x", unit="mm")
    assert torn.light == "red"
    assert any("3 pairs" in reason for reason in torn.reasons)


def test_a_body_that_is_turned_into_itself_is_red_and_a_slip_is_amber(ball):
    sure = DepthMap(np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
    quality = replace(measure_estimate(ball), triangles=20_000)
    lights = [
        judge_estimate(replace(quality, self_crossings=count), sure, invented="x", unit="mm").light
        for count in (3, 900)
    ]
    assert lights == ["amber", "red"]


def test_a_coin_that_is_most_of_the_thing_is_doubted(ball):
    sure = DepthMap(np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
    quality = measure_estimate(ball)
    for share, is_doubted in ((0.2, False), (0.9, True)):
        verdict = judge_estimate(
            quality, sure, invented="x", unit="mm", is_by_reference=True, is_one_thing=True, coin_share=share
        )
        assert any("taken for the coin" in reason for reason in verdict.reasons) == is_doubted
