"""A coin or a ruler in a picture says how large things are, within bounds that hold, or is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from drawn_references import coin, ruler
from plastinate.model.coins import COINS_MM
from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.model.picture_errors import NoCoin, NoRulerMarks
from plastinate.model.reference import Coin, Reference, Ruler, known_of
from plastinate.stages.scale.ellipse import Ellipse, refined
from plastinate.stages.scale.find_reference import find_reference


def px_per_mm(found: Reference) -> float:
    return math.dist(found.first, found.second) / found.length_mm


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tilt", "distance_mm", "blur_px"), [(0.0, 130.0, 0.8), (35.0, 100.0, 0.5), (60.0, 90.0, 1.2)]
)
def test_a_coin_is_as_wide_as_its_long_axis_however_it_is_tilted(tilt, distance_mm, blur_px):
    table = coin(tilt=tilt, distance_mm=distance_mm, blur_px=blur_px)
    beside = (table.middle[0] + 4.0, table.middle[1] - 3.0)
    found = find_reference(table.picture, Coin.called("1-euro", beside))
    assert px_per_mm(found) == pytest.approx(table.px_per_mm, rel=found.doubt)
    assert 0.005 < found.doubt < 0.05
    assert found.is_level
    assert dict(found.facts)["tilt_degrees"] == pytest.approx(tilt, abs=14)


@pytest.mark.slow
def test_a_coin_found_in_a_smaller_copy_is_told_in_the_pixels_of_the_file():
    table = coin()
    half = replace(table.picture, shrunk=0.5)
    at = (2 * table.middle[0], 2 * table.middle[1])
    found = find_reference(half, Coin(at, 23.25))
    assert px_per_mm(found) == pytest.approx(2 * table.px_per_mm, rel=0.04)
    assert found.mm_per_px(half, None) == pytest.approx(1 / table.px_per_mm, rel=0.04)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["even", "noise", "square", "small"])
def test_where_nothing_round_is_seen_no_coin_is_found(kind):
    rgb = np.full((160, 200, 3), 120, dtype=np.uint8)
    if kind == "noise":
        rgb = np.random.default_rng(4).integers(0, 255, rgb.shape).astype(np.uint8)
    if kind == "square":
        rgb[40:120, 60:140] = 220
    if kind == "small":
        rows, columns = np.mgrid[:160, :200]
        rgb[np.hypot(rows - 80, columns - 100) < 15] = 220
    with pytest.raises(NoCoin, match="no round outline"):
        find_reference(Picture(rgb, None, np.zeros((160, 200), np.uint16)), Coin((100.0, 80.0), 20.0))


@pytest.mark.parametrize(("tilt", "blur_px"), [(0.0, 0.5), (0.0, 1.2), (30.0, 0.6), (-35.0, 0.5)])
def test_the_marks_of_a_ruler_are_counted_and_even_where_it_runs_away(tilt, blur_px):
    picture, place = ruler(tilt=tilt, blur_px=blur_px)
    found = find_reference(picture, Ruler(place(10.3, 7.0), place(49.6, 7.2)))
    truth = [
        min(range(6001), key=lambda n: math.dist(place(n / 100, 7.1), end)) / 100
        for end in (
            found.first,
            found.second,
        )
    ]
    assert truth[1] - truth[0] == pytest.approx(found.length_mm, rel=max(found.doubt, 0.002))
    assert found.length_mm >= 30
    assert found.doubt < 0.01
    facts = dict(found.facts)
    assert facts["marks"] == found.length_mm + 1
    assert (facts["first_step_px"] > facts["last_step_px"]) == (tilt > 0) or tilt == 0


def test_marks_of_half_an_inch_are_what_was_said_of_them():
    picture, place = ruler()
    found = find_reference(picture, Ruler(place(10.0, 7.0), place(50.0, 7.0), 12.7))
    assert found.length_mm == pytest.approx(12.7 * (dict(found.facts)["marks"] - 1))


@pytest.mark.parametrize("seed", range(6))
def test_noise_and_short_lines_are_no_ruler(seed):
    generator = np.random.default_rng(seed)
    rgb = np.repeat(generator.integers(0, 255, (60, 400, 1)), 3, axis=2).astype(np.uint8)
    picture = Picture(rgb, None, np.zeros((60, 400), np.uint16))
    with pytest.raises(NoRulerMarks):
        find_reference(picture, Ruler((10.0, 30.0), (60.0 + 60.0 * seed, 30.0)))
    with pytest.raises(NoRulerMarks, match="too short"):
        find_reference(picture, Ruler((10.0, 30.0), (30.0, 30.0)))


def test_two_points_are_what_they_are_and_as_sure_as_a_pixel():
    given = Reference((10.0, 10.0), (110.0, 10.0), 50.0)
    assert (
        find_reference(Picture(np.zeros((50, 200, 3), np.uint8), None, np.zeros((50, 200), np.uint16)), given)
        == given
    )
    assert given.doubt == pytest.approx(math.sqrt(2) / 100)


def test_an_ellipse_is_fitted_past_its_outliers_and_knows_how_sure_it_is():
    truth = Ellipse(50.0, 40.0, 30.0, 18.0, 0.4)
    places, normals = truth.around(200)
    generator = np.random.default_rng(0)
    off, said = [], []
    for _ in range(60):
        points = places + normals * generator.normal(0, 0.3, (200, 1))
        points[:20] += 8 * normals[:20]
        fit = refined(Ellipse(51.0, 41.0, 28.0, 20.0, 0.3), points, apart_px=0.1)
        assert fit is not None
        off.append(fit.ellipse.long - 30.0)
        said.append(fit.long_deviation)
    assert np.std(off) == pytest.approx(np.mean(said), rel=0.3)
    assert truth.holds(50.0, 40.0)
    assert not truth.holds(50.0, 75.0)


@pytest.mark.parametrize(
    "words", ["", "1,2,3,4", "coin:1-euro,5", "coin:1-euros,5,6", "ruler:1,2,3", "chair:1,2,3", "a,b,c,d,e"]
)
def test_words_that_are_no_reference_are_refused(words):
    with pytest.raises(ParameterError):
        known_of(words)


def test_a_reference_outside_the_picture_or_without_a_length_is_refused():
    picture = coin().picture
    for wrong in (Coin((5000.0, 5.0), 20.0), Coin((5.0, 5.0), -1.0), Ruler((0.0, 0.0), (900.0, 0.0))):
        with pytest.raises(ParameterError):
            find_reference(picture, wrong)


def test_every_coin_is_wider_than_a_fingernail_and_narrower_than_a_medal():
    assert all(15 < diameter < 40 for diameter in COINS_MM.values())
    assert Coin.called("1-euro", (0.0, 0.0)).as_dict() == {"coin": "1-euro", "at": [0.0, 0.0]}
    assert Coin.called("20.5", (0.0, 0.0)).as_dict()["coin"] == 20.5
