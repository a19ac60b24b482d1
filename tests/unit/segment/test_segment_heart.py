"""The heart by rule."""

from __future__ import annotations

import numpy as np
import pytest

from anatomy_phantoms import Anatomy, dice, positions
from plastinate.model.errors import EmptyMask
from plastinate.model.remarked import Remarked
from plastinate.stages.segment.heart import heart
from trunk_phantoms import between, phantom

INPUTS = ("body", "trachea", "lung-left", "lung-right", "skeleton")


def found_in(scan: Anatomy) -> Remarked:
    return heart(scan.volume, *(scan.truth[name] for name in INPUTS))


@pytest.mark.slow
@pytest.mark.parametrize("feet_first", [False, True], ids=["head-first", "feet-first"])
def test_the_heart_is_the_thick_body_between_the_lungs_however_the_patient_lies(feet_first):
    scan = phantom(feet_first=feet_first)
    found = found_in(scan)
    assert dice(found.masks[0], scan.truth["heart"]) > 0.88
    assert found.findings == ()
    assert not (found.masks[0] & scan.truth["liver"]).any()


@pytest.mark.slow
def test_without_contrast_it_is_found_by_its_outline_and_said_so():
    scan = phantom(contrast=False)
    found = found_in(scan)
    assert dice(found.masks[0], scan.truth["heart"]) > 0.88
    codes = [finding.code for finding in found.findings]
    assert codes == ["segment.no-contrast", "segment.estimated-border"]


@pytest.mark.slow
def test_the_range_of_its_volume_holds_the_truth_and_is_wider_without_contrast():
    spans = []
    for contrast in (True, False):
        scan = phantom(contrast=contrast)
        found = found_in(scan)
        (likelihood,) = found.likelihoods
        assert ((likelihood >= 0.5) == found.masks[0]).all()
        sure, possible = (int((likelihood >= level).sum()) for level in (0.9, 0.1))
        assert sure < scan.truth["heart"].sum() < possible
        spans.append(possible - sure)
    assert spans[1] > spans[0]


@pytest.mark.slow
def test_the_ascending_aorta_stays_out_and_the_pulmonary_trunk_goes_in():
    scan = phantom()
    mask = found_in(scan).masks[0]
    z = positions(scan.volume.geometry)[2]
    above_the_heart = z > 80
    aorta, trunk = scan.truth["aorta"] & above_the_heart, scan.truth["heart"] & above_the_heart
    assert (mask & aorta).sum() < 0.05 * aorta.sum()
    assert (mask & trunk).sum() > 0.7 * trunk.sum()


@pytest.mark.slow
def test_a_scan_that_begins_within_the_heart_gives_the_part_in_view():
    scan = between(phantom(), -210, 30)
    mask = found_in(scan).masks[0]
    assert dice(mask, scan.truth["heart"]) > 0.85
    assert mask[0].any()


@pytest.mark.slow
def test_a_belly_and_a_neck_have_none():
    for heights in ((-210.0, -30.0), (110.0, 210.0)):
        with pytest.raises(EmptyMask, match="lungs"):
            found_in(between(phantom(), *heights))


@pytest.mark.slow
def test_without_lungs_there_is_nothing_to_find_it_between():
    scan = phantom()
    nothing = np.zeros_like(scan.truth["body"])
    with pytest.raises(EmptyMask, match="lungs"):
        heart(scan.volume, scan.truth["body"], nothing, nothing, nothing, scan.truth["skeleton"])
