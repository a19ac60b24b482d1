"""The aorta, traced from the heart to where it parts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from anatomy_phantoms import Anatomy, dice, positions
from plastinate.model.errors import EmptyMask
from plastinate.model.remarked import Remarked
from plastinate.stages.segment.aorta import aorta
from trunk_phantoms import CARINA_MM, between, phantom, trunk

INPUTS = ("body", "trachea", "lung-left", "lung-right", "skeleton")


@cache
def arched(*, contrast: bool = True, feet_first: bool = False) -> Anatomy:
    """The trunk, its two straight pieces of aorta joined by an arch that passes the trachea on the left."""
    scan = trunk(contrast=contrast, feet_first=feet_first)
    x, y, z = positions(scan.volume.geometry)
    bend = np.zeros(x.shape, dtype=np.bool_)
    for angle in np.linspace(0, np.pi, 60):
        cx, cy = 4 - 10 * np.cos(angle) + 22 * np.sin(angle), -5 - 31 * np.cos(angle)
        cz = CARINA_MM + 40 + 30 * np.sin(angle)
        bend |= (x - cx) ** 2 + (y - cy) ** 2 + (z - cz) ** 2 <= 12**2
    bend &= ~scan.truth["skeleton"] & ~scan.truth["trachea"]
    values = scan.volume.array.copy()
    noise = np.random.default_rng(7).normal(0, 12, x.shape)
    values[bend] = np.rint(((330 if contrast else 42) + noise)[bend])
    # Deep in the heart nothing tells the root from the chamber.
    seen = (scan.truth["aorta"] & ~scan.truth["heart"]) | bend
    lungs = {name: scan.truth[name] & ~bend for name in ("lung-left", "lung-right")}
    return Anatomy(scan.volume.with_array(values), scan.truth | lungs | {"aorta": seen})


def found_in(scan: Anatomy) -> Remarked:
    return aorta(scan.volume, *(scan.truth[name] for name in INPUTS))


@cache
def found_arched(*, contrast: bool = True, feet_first: bool = False) -> Remarked:
    """What is found in it, looked for once."""
    return found_in(arched(contrast=contrast, feet_first=feet_first))


@pytest.mark.slow
@pytest.mark.parametrize("feet_first", [False, True], ids=["head-first", "feet-first"])
def test_it_is_found_with_its_arch_however_the_patient_lies(feet_first):
    scan, found = arched(feet_first=feet_first), found_arched(feet_first=feet_first)
    assert dice(found.masks[0], scan.truth["aorta"]) > 0.88
    assert (found.masks[0] & scan.truth["heart"]).sum() < 0.1 * scan.truth["heart"].sum()
    assert found.findings == ()


@pytest.mark.slow
def test_its_border_is_surer_in_bright_blood_than_without_contrast():
    spreads = []
    for contrast in (True, False):
        found = found_arched(contrast=contrast)
        (mask,), (likelihood,) = found.masks, found.likelihoods
        assert likelihood is not None
        assert (likelihood[mask] >= 0.5).all()
        assert (likelihood[~mask] < 0.5).all()
        doubtful = (likelihood > 0.1) & (likelihood < 0.9)
        spreads.append(doubtful.sum() / mask.sum())
    assert spreads[0] < spreads[1]


@pytest.mark.slow
def test_without_contrast_it_is_found_by_its_outline_and_its_border_is_called_an_estimate():
    scan, found = arched(contrast=False), found_arched(contrast=False)
    assert dice(found.masks[0], scan.truth["aorta"]) > 0.8
    assert "segment.no-contrast" in {finding.code for finding in found.findings}


@pytest.mark.slow
def test_an_abdomen_shows_what_runs_down_beside_the_spine_to_the_last_slice():
    scan = between(phantom(), -210, -20)
    found = found_in(scan)
    assert dice(found.masks[0], scan.truth["aorta"]) > 0.88
    assert found.masks[0][0].any()
    assert found.masks[0][-1].any()
    assert found.findings == ()


@pytest.mark.slow
def test_where_no_arch_joins_the_two_only_the_descending_part_is_kept_and_that_is_said():
    scan = phantom()
    y = positions(scan.volume.geometry)[1]
    found = found_in(scan)
    assert dice(found.masks[0], scan.truth["aorta"] & (y > 0)) > 0.88
    assert {finding.code for finding in found.findings} == {"segment.unsure-border"}


@pytest.mark.slow
@pytest.mark.parametrize("is_on_the_right", [False, True], ids=["none", "a vein on the right"])
def test_an_aorta_that_is_not_there_is_not_invented(is_on_the_right):
    scan = between(phantom(), -210, -20)
    x, y, _ = positions(scan.volume.geometry)
    values = scan.volume.array.copy()
    values[scan.truth["aorta"]] = -100
    if is_on_the_right:
        values[(x + 36) ** 2 + (y - 26) ** 2 <= 11**2] = 150
    with pytest.raises(EmptyMask, match="nothing round runs down"):
        found_in(Anatomy(scan.volume.with_array(values), scan.truth))


@pytest.mark.slow
def test_where_no_spine_is_there_is_no_aorta():
    scan = trunk(step_mm=6.0)
    with pytest.raises(EmptyMask, match="no spine of a trunk"):
        found_in(Anatomy(scan.volume, scan.truth | {"skeleton": scan.truth["skeleton"] & False}))
