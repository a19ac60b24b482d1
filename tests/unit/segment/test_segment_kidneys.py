"""Both kidneys by rule."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import Anatomy, dice
from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.stages.segment.kidney_finder import ellipsoid_fit
from plastinate.stages.segment.kidneys import kidneys
from trunk_phantoms import between, phantom

INPUTS = ("body", "lung-left", "lung-right", "skeleton")
SIDES = ("kidney-left", "kidney-right")


def found_in(scan: Anatomy) -> Remarked:
    return kidneys(scan.volume, *(scan.truth[name] for name in INPUTS))


@pytest.mark.slow
@pytest.mark.parametrize("feet_first", [False, True], ids=["head-first", "feet-first"])
def test_both_kidneys_are_found_each_on_its_side_however_the_patient_lies(feet_first):
    scan = phantom(feet_first=feet_first)
    found = found_in(scan)
    assert all(dice(mask, scan.truth[name]) > 0.95 for mask, name in zip(found.masks, SIDES, strict=True))
    assert found.findings == ()


@pytest.mark.slow
def test_without_contrast_they_are_found_and_their_border_is_called_an_estimate():
    scan = phantom(contrast=False)
    found = found_in(scan)
    assert all(dice(mask, scan.truth[name]) > 0.9 for mask, name in zip(found.masks, SIDES, strict=True))
    assert "segment.no-contrast" in {finding.code for finding in found.findings}


@pytest.mark.slow
def test_slices_of_9_mm_cost_accuracy_and_not_the_kidneys():
    scan = between(phantom(), -210, 210, every=3)
    assert scan.volume.geometry.spacing_mm[0] == pytest.approx(9)
    found = found_in(scan)
    assert all(dice(mask, scan.truth[name]) > 0.85 for mask, name in zip(found.masks, SIDES, strict=True))


@pytest.mark.slow
def test_a_kidney_that_was_taken_out_is_not_invented():
    scan = phantom()
    values = scan.volume.array.copy()
    values[scan.truth["kidney-right"]] = -100
    found = found_in(Anatomy(scan.volume.with_array(values), scan.truth))
    left, right = found.masks
    assert dice(left, scan.truth["kidney-left"]) > 0.95
    assert not right.any()
    assert found.likelihoods[1] is None
    assert "Only the left kidney was found." in {finding.sentence for finding in found.findings}


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.85, 1.15], ids=["small", "large"])
def test_people_a_seventh_smaller_or_larger_have_their_kidneys_where_others_do(size):
    scan = phantom()
    matrix = scan.volume.geometry.to_lps_mm.copy()
    matrix[:3] *= size
    geometry = Geometry(scan.volume.geometry.shape, matrix)
    found = found_in(Anatomy(Volume(geometry, scan.volume.array, "HU", "CT"), scan.truth))
    assert all(dice(mask, scan.truth[name]) > 0.93 for mask, name in zip(found.masks, SIDES, strict=True))


@pytest.mark.slow
def test_the_range_of_the_volume_is_narrow_in_fat_and_wider_where_no_contrast_shows_the_border():
    widths = []
    for contrast in (True, False):
        scan = phantom(contrast=contrast)
        found = found_in(scan)
        for mask, likelihood, name in zip(found.masks, found.likelihoods, SIDES, strict=True):
            assert ((likelihood >= 0.5) == mask).all()
            truth, sure, possible = (
                each.sum() for each in (scan.truth[name], likelihood > 0.9, likelihood > 0.1)
            )
            assert sure < truth < possible
            widths.append((possible - sure) / truth)
    assert max(widths[:2]) < 0.7
    assert min(widths[2:]) > max(widths[:2])


@pytest.mark.slow
def test_what_the_end_of_the_scan_leaves_of_a_kidney_is_found_up_to_the_last_slice():
    scan = between(phantom(), -115, 210)
    found = found_in(scan)
    assert all(dice(mask, scan.truth[name]) > 0.9 for mask, name in zip(found.masks, SIDES, strict=True))
    assert all(mask[-1].any() for mask in found.masks)


@pytest.mark.slow
@pytest.mark.parametrize("heights", [(-40.0, 210.0), (-210.0, -175.0)], ids=["chest", "hips"])
def test_a_trunk_without_kidneys_in_view_has_none(heights):
    with pytest.raises(EmptyMask, match="looks enough like a kidney"):
        found_in(between(phantom(), *heights))


@pytest.mark.slow
def test_legs_and_heads_have_no_spine_of_a_trunk():
    geometry = anatomy_phantoms.grid((60, 80, 120), 3.0)
    x, y, _z = anatomy_phantoms.positions(geometry)
    leg = (np.abs(x) - 80) ** 2 + y**2
    bone = (leg <= 16**2) & (leg > 8**2)
    values = np.full(geometry.shape, -1000, dtype=np.int16)
    values[leg <= 60**2], values[bone] = 50, 1200
    nothing = np.zeros(geometry.shape, dtype=bool)
    with pytest.raises(EmptyMask, match="no spine of a trunk"):
        kidneys(Volume(geometry, values, "HU", "CT"), leg <= 60**2, nothing, nothing, bone)
    head = anatomy_phantoms.head()
    nothing = np.zeros(head.volume.geometry.shape, dtype=bool)
    with pytest.raises(EmptyMask, match="no spine of a trunk"):
        kidneys(head.volume, head.truth["body"], nothing, nothing, head.truth["skull"])


def test_an_ellipsoid_fits_itself_and_a_pair_of_balls_does_not():
    s, r, c = np.indices((60, 40, 40))
    bean = ((s - 30) / 26) ** 2 + ((r - 20) / 12) ** 2 + ((c - 20) / 10) ** 2 <= 1
    fit, axes_mm = ellipsoid_fit(np.argwhere(bean), 2.0)
    assert fit > 0.97
    assert axes_mm == pytest.approx([40, 48, 104], rel=0.03)
    pair = ((np.abs(s - 30) - 20) / 8) ** 2 + ((r - 20) / 8) ** 2 + ((c - 20) / 8) ** 2 <= 1
    assert ellipsoid_fit(np.argwhere(pair), 2.0)[0] < 0.7
