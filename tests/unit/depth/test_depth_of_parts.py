"""Parts of a picture cover all of it in the shape that networks were shown; nothing is lost in their mean."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.nets.plane_filters import box_mean
from plastinate.stages.depth.depth_net import _confidence, _step_near
from plastinate.stages.depth.picture_parts import (
    MOST_ALONG,
    Part,
    alike,
    laid_together,
    level_shares,
    part_places,
    without_blocks,
)


@pytest.mark.parametrize(
    "shape", [(480, 640), (400, 600), (360, 640), (640, 480), (500, 500), (1, 1), (1, 900)]
)
@pytest.mark.parametrize("share", level_shares(finest=0.6, levels=3))
def test_parts_cover_every_place_of_a_picture_of_any_shape(shape: tuple[int, int], share: float):
    seen = np.zeros(shape, dtype=int)
    places = part_places(shape, share=share, step=0.2)
    for place in places:
        seen[place] += 1
    assert seen.min() >= 1
    assert len(places) <= MOST_ALONG**2


@pytest.mark.parametrize("shape", [(480, 640), (400, 600), (360, 640), (640, 480), (500, 500)])
def test_parts_have_the_shape_that_networks_were_shown(shape: tuple[int, int]):
    for share in level_shares(finest=0.6, levels=3):
        for rows, columns in part_places(shape, share=share, step=0.2):
            assert (columns.stop - columns.start) / (rows.stop - rows.start) == pytest.approx(4 / 3, abs=0.02)


def test_a_picture_of_their_shape_is_one_part_at_the_largest_size():
    assert part_places((300, 400), share=1.0, step=0.2) == [(slice(0, 300), slice(0, 400))]
    assert len(part_places((300, 400), share=0.6, step=0.2)) == 9


def test_an_answer_loses_its_copies_and_nothing_else():
    answer = np.arange(16, dtype=np.float32).reshape(4, 4)
    doubled = np.kron(answer, np.ones((2, 2), np.float32))
    assert np.array_equal(without_blocks(doubled), answer)
    assert np.array_equal(without_blocks(answer), answer)


def test_parts_that_know_the_same_up_to_a_factor_and_a_shift_give_it_back():
    rng = np.random.default_rng(2)
    truth = box_mean(rng.random((60, 80)), 6)
    levels = [
        [
            Part(place, (3.0 + number) * truth[place] - number)
            for number, place in enumerate(part_places(truth.shape, share=share, step=0.2))
        ]
        for share in (0.8, 0.6)
    ]
    mixed, planes = laid_together(truth, levels)
    assert np.abs(mixed - truth).max() < 1e-4
    assert all(np.abs(plane - truth).max() < 1e-4 for plane in planes)


def test_a_part_that_sees_the_opposite_or_nothing_has_no_say():
    truth = np.tile(np.linspace(1, 2, 40, dtype=np.float32), (30, 1))
    everywhere = (slice(0, 30), slice(0, 40))
    for wrong in (5 - truth, np.full_like(truth, 7.0)):
        assert alike(wrong, truth)[1] == 0
        mixed, _ = laid_together(truth, [[Part(everywhere, wrong)]])
        assert np.abs(mixed - truth).max() < 1e-4


def test_a_vague_whole_does_not_flatten_what_its_parts_see():
    # The whole is half noise: squares would shrink every part by its likeness to it, and so once more.
    rng = np.random.default_rng(4)
    truth = box_mean(rng.random((60, 80)), 5)
    whole = (truth + (box_mean(rng.random((60, 80)), 5) - 0.5)).astype(np.float32)
    parts = [Part(place, truth[place]) for place in part_places(truth.shape, share=0.6, step=0.2)]
    _, (plane,) = laid_together(whole, [parts])
    assert plane.std() > 0.8 * whole.std()


def test_what_contradicts_its_mirror_image_is_doubted_however_many_parts_agree():
    even = np.ones((60, 80), dtype=np.float32)
    mirrored = [even, 1.4 * even]
    assert _confidence(even, [mirrored, [even] * 2]).max() < 0.3
    assert np.array_equal(
        _confidence(even, [mirrored, [even] * 2]), _confidence(even, [mirrored, [even] * 20])
    )


def test_a_slope_is_no_step_and_a_step_is_doubted_by_its_height():
    slope = np.exp(np.tile(np.linspace(0, 1, 112, dtype=np.float32), (90, 1)))
    assert _step_near(slope).max() < 1e-3
    step = np.where(np.arange(112) < 56, 1.0, np.exp(0.4)) * np.ones((90, 1))
    near = _step_near(step.astype(np.float32))
    assert near[:, 52:60].mean() == pytest.approx(0.4, rel=0.2)
    assert near[:, :48].max() < 1e-3
    assert near[:, 64:].max() < 1e-3
    sure = _confidence(step.astype(np.float32), [[step, step]])
    assert sure[:, 56].max() < 0.5 < 0.99 < sure[:, :30].min()
