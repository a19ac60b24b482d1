"""An edge found coarsely moves to where the grey values change."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy_phantoms import dice
from plastinate.native.filters import gaussian
from plastinate.stages.segment.settle_edge import EdgeRules, grey_model, joined, ring, settle_edge
from voxel_scenes import ball

SHAPE, SPACING = (40, 60, 60), (1.5, 1.0, 1.0)
RULES = EdgeRules(reach_mm=6, trust=1.0, grey=0.3, coupling=8, contrast=15)


@pytest.fixture(scope="module")
def scene():
    """An organ of 70 HU in fat with 12 HU of noise, and a likelihood 3 mm off, with an edge 4 mm wide."""
    truth = ball(SHAPE, (20, 30, 30), 20, spacing=SPACING)
    noise = np.random.default_rng(3).normal(0, 12, SHAPE)
    values = (np.where(truth, 70, -100) + noise).astype(np.float32)
    moved = ball(SHAPE, (20, 32, 32), 20, spacing=SPACING)
    likelihood = gaussian(moved.astype(np.float32), 2.0, SPACING)
    return truth, values, likelihood


def settled(values, likelihood, rules=RULES):
    core = likelihood >= 0.5
    model = grey_model(
        values[likelihood > 0.95], values[ring(core, 5, 14, SPACING)], low=-150, high=350, step=5
    )
    return settle_edge(values, likelihood, SPACING, model=model, rules=rules)


def test_most_of_an_edge_that_was_off_moves_to_the_true_one(scene):
    truth, values, likelihood = scene
    assert dice(likelihood > 0.5, truth) < 0.93
    assert dice(settled(values, likelihood) > 0.5, truth) > 0.96


def test_beyond_its_reach_the_network_is_believed(scene):
    _truth, values, likelihood = scene
    far = ball(SHAPE, (20, 30, 30), 6, spacing=SPACING)
    values = np.where(far, np.float32(-100), values)
    assert (settled(values, likelihood) > 0.5)[far & (likelihood > 0.99)].all()


def test_two_organs_of_one_grey_value_part_where_the_network_says(scene):
    truth, _values, _likelihood = scene
    rows = np.broadcast_to(np.arange(60).reshape(1, -1, 1), SHAPE)
    noise = np.random.default_rng(4).normal(0, 12, SHAPE)
    values = (np.where(truth, 70, -100) + noise).astype(np.float32)
    half = truth & (rows < 30)
    likelihood = gaussian(half.astype(np.float32), 1.5, SPACING)
    assert dice(settled(values, likelihood) > 0.5, half) > 0.97


def test_where_both_agree_the_likelihood_is_theirs_and_else_it_lies_between():
    first = np.array([0.9, 0.9, 0.5, 0.001], dtype=np.float32)
    second = np.array([0.9, 0.1, 0.9, 0.001], dtype=np.float32)
    made = joined(first, second)
    assert made[:3] == pytest.approx([0.9, 0.5, 0.75], abs=1e-3)
    assert 0 < made[3] < 0.05


def test_a_band_that_is_empty_leaves_nothing():
    nothing = np.zeros((5, 6, 7), dtype=np.float32)
    model = grey_model(np.ones(9, np.float32), np.zeros(9, np.float32), low=-1, high=2, step=0.5)
    assert not settle_edge(nothing, nothing, SPACING, model=model, rules=RULES).any()
