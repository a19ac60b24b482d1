"""The spleen, found under the left lung."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from anatomy_phantoms import Anatomy, dice, positions
from plastinate.model.errors import EmptyMask
from plastinate.model.remarked import Remarked
from plastinate.stages.segment.spleen import spleen
from trunk_phantoms import between, trunk

INPUTS = ("body", "lung-left", "lung-right", "skeleton")


@cache
def padded(*, contrast: bool = True, feet_first: bool = False) -> Anatomy:
    """The trunk, its spleen where most lie, with fat between it and ribs and kidney."""
    scan = trunk(contrast=contrast, feet_first=feet_first)
    x, y, z = positions(scan.volume.geometry)
    free = ((x / 128) ** 2 + (y / 86) ** 2 < 0.86) & ~scan.truth["lung-left"] & (z < -14)
    free &= ((x - 64) / 32) ** 2 + ((y - 58) / 26) ** 2 + ((z + 110) / 62) ** 2 > 1
    pulp = (((x - 90) / 26) ** 2 + ((y - 38) / 32) ** 2 + ((z + 48) / 42) ** 2 <= 1) & free
    noise = np.random.default_rng(3).normal(0, 12, x.shape)
    values = scan.volume.array.copy()
    values[scan.truth["spleen"]] = -100
    values[pulp] = np.rint((120 if contrast else 48) + noise[pulp])
    return Anatomy(scan.volume.with_array(values), scan.truth | {"spleen": pulp})


def found_in(scan: Anatomy) -> Remarked:
    return spleen(scan.volume, *(scan.truth[name] for name in INPUTS))


@cache
def found_padded(*, feet_first: bool = False) -> Remarked:
    """What is found in it, looked for once."""
    return found_in(padded(feet_first=feet_first))


@pytest.mark.slow
@pytest.mark.parametrize("feet_first", [False, True], ids=["head-first", "feet-first"])
def test_it_is_found_on_its_side_however_the_patient_lies(feet_first):
    scan, found = padded(feet_first=feet_first), found_padded(feet_first=feet_first)
    assert dice(found.masks[0], scan.truth["spleen"]) > 0.93
    assert found.findings == ()


@pytest.mark.slow
def test_every_voxel_has_a_likelihood_on_the_same_side_of_a_half_as_the_mask():
    scan, found = padded(), found_padded(feet_first=False)
    (mask,), (likelihood,) = found.masks, found.likelihoods
    assert likelihood is not None
    assert (likelihood[mask] >= 0.5).all()
    assert (likelihood[~mask] < 0.5).all()
    # Of what is sure nearly all is spleen, and what is unlikely holds nearly none.
    true = scan.truth["spleen"]
    assert (true & (likelihood >= 0.9)).sum() > 0.95 * (likelihood >= 0.9).sum()
    assert (true & (likelihood < 0.1)).sum() < 0.1 * true.sum()


@pytest.mark.slow
def test_without_contrast_it_is_found_and_its_border_is_called_an_estimate():
    scan = padded(contrast=False)
    found = found_in(scan)
    assert dice(found.masks[0], scan.truth["spleen"]) > 0.9
    assert {finding.code for finding in found.findings} == {"segment.no-contrast"}


@pytest.mark.slow
def test_a_stomach_and_a_kidney_that_touch_it_stay_out():
    scan = padded()
    x, y, z = positions(scan.volume.geometry)
    values = scan.volume.array.copy()
    noise = np.random.default_rng(2).normal(0, 12, x.shape)
    stomach = ((x - 70) / 40) ** 2 + ((y + 28) / 26) ** 2 + ((z + 50) / 40) ** 2 <= 1
    kidney = ((x - 72) / 22) ** 2 + ((y - 52) / 20) ** 2 + ((z + 92) / 50) ** 2 <= 1
    stomach &= scan.truth["body"] & ~scan.truth["spleen"] & (z < -12) & ~scan.truth["skeleton"]
    kidney &= ~scan.truth["spleen"] & ~scan.truth["lung-left"]
    values[stomach], values[kidney] = np.rint(60 + noise[stomach]), np.rint(190 + noise[kidney])
    mask = found_in(Anatomy(scan.volume.with_array(values), scan.truth)).masks[0]
    assert dice(mask, scan.truth["spleen"]) > 0.88
    assert (mask & (stomach | kidney)).sum() < 0.05 * mask.sum()


@pytest.mark.slow
def test_a_spleen_that_was_taken_out_is_not_invented():
    scan = padded()
    values = scan.volume.array.copy()
    values[scan.truth["spleen"]] = -100
    with pytest.raises(EmptyMask, match="looks enough like a spleen"):
        found_in(Anatomy(scan.volume.with_array(values), scan.truth))


@pytest.mark.slow
def test_what_the_end_of_the_scan_leaves_of_it_is_found_up_to_the_last_slice():
    scan = between(padded(), -60, 210)
    mask = found_in(scan).masks[0]
    assert dice(mask, scan.truth["spleen"]) > 0.88
    assert mask[-1].any()


@pytest.mark.slow
@pytest.mark.parametrize("heights", [(0.0, 210.0), (-210.0, -110.0)], ids=["chest", "belly"])
def test_a_trunk_without_a_spleen_in_view_has_none(heights):
    with pytest.raises(EmptyMask, match="looks enough like a spleen"):
        found_in(between(padded(), *heights))


@pytest.mark.slow
def test_where_no_spine_is_there_is_no_spleen():
    scan = trunk(step_mm=6.0)
    with pytest.raises(EmptyMask, match="no spine of a trunk"):
        found_in(Anatomy(scan.volume, scan.truth | {"skeleton": scan.truth["skeleton"] & False}))
