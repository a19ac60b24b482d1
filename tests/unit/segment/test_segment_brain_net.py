"""The brain of an MR: what the networks are shown, and what becomes of their answer."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import dice
from plastinate.model.errors import EmptyMask, MemoryShort
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.nets.session import Session
from plastinate.stages.segment.brain_any_contrast import any_contrast_likelihood, white_is_brighter
from plastinate.stages.segment.brain_net import Rules, brain_from, brain_likelihood, brain_net, settled
from voxel_scenes import volume_of

RULES = Rules(
    least_sureness=0.5,
    doubtful_sureness=0.85,
    least_ml=200,
    rim_mm=3.0,
    darkness=0.5,
    wide_rim_mm=5.0,
    brightness=1.6,
    usual_ml=700,
    most_ml=2200,
    least_agreement=0.7,
)
HEAD = anatomy_phantoms.mr_head()


def turned(volume, mask):
    """The same head stored otherwise: other order of axes, other directions."""
    matrix = volume.geometry.to_lps_mm
    order, flips = (2, 0, 1), (0, 2)
    fresh = np.eye(4)
    fresh[:3, :3] = matrix[:3, order]
    fresh[:3, 3] = matrix[:3, 3]
    shape = [volume.geometry.shape[a] for a in order]
    for axis in flips:
        fresh[:3, 3] += fresh[:3, axis] * (shape[axis] - 1)
        fresh[:3, axis] *= -1
    array = np.ascontiguousarray(np.flip(volume.array.transpose(order), flips))
    other = np.ascontiguousarray(np.flip(mask.transpose(order), flips))
    return Volume(Geometry(array.shape, fresh), array, "a.u.", "MR"), other


def to_the_front(volume, mask):
    """LPS of the mask's centre of mass."""
    return volume.geometry.index_to_lps(np.argwhere(mask).mean(axis=0))


def networks(certain=0.99):
    """Call what is bright and in the upper front of what they are shown brain, so the way round matters."""
    asked = []

    def run(inputs):
        values = inputs["in"][0, 0]
        asked.append(values.shape)
        x, y, z = np.indices(values.shape, sparse=True)
        place = (y > values.shape[1] * 0.5) & (z > values.shape[2] * 0.4) & (x >= 0)
        brain = np.where((values > 0.3) & place, certain, 1 - certain).astype(np.float32)
        return np.stack([1 - brain, brain])[None]

    return Session(run, "made-up"), asked


@pytest.mark.slow
def test_however_the_scan_is_stored_the_network_sees_it_the_same_way_round():
    session, asked = networks()
    small = {"coarse_shape": (48, 48, 48), "fine_shape": (64, 64, 64), "progress": lambda share: None}
    found = brain_likelihood(HEAD.volume, session, session, **small) > 0.5
    other, _ = turned(HEAD.volume, HEAD.truth["brain"])
    again = brain_likelihood(other, session, session, **small) > 0.5
    assert asked == [(48, 48, 48), (64, 64, 64)] * 2
    centre = to_the_front(HEAD.volume, found)
    assert centre[1] < to_the_front(HEAD.volume, HEAD.truth["brain"])[1] - 10, "front is towards -y"
    assert to_the_front(other, again) == pytest.approx(centre, abs=2)


def test_the_fluid_around_the_brain_is_taken_off_and_what_is_half_fluid_is_doubted():
    truth, volume = HEAD.truth["brain"], HEAD.volume
    x, y, z = anatomy_phantoms.positions(volume.geometry)
    wide = (x / 65) ** 2 + (y / 82) ** 2 + ((z - 25) / 70) ** 2 <= 1
    likelihood = np.where(wide & (z > z[truth].min()), 0.98, 0.01).astype(np.float32)
    made = brain_from(volume, np.ones_like(truth), likelihood, rules=RULES)
    assert dice(likelihood > 0.5, truth) < 0.95
    assert dice(made.masks[0], truth) > 0.97
    level = made.likelihoods[0]
    assert ((level >= 0.5) == made.masks[0]).all()
    assert (level >= 0.9).sum() <= made.masks[0].sum() <= (level >= 0.1).sum()


def test_doubt_is_said_and_grave_doubt_is_no_brain():
    truth = HEAD.truth["brain"]
    for certain, findings in ((0.95, ()), (0.8, ("segment.network-unsure",))):
        likelihood = np.where(truth, certain, 0.0).astype(np.float32)
        made = brain_from(HEAD.volume, np.ones_like(truth), likelihood, rules=RULES)
        assert tuple(each.code for each in made.findings) == findings
    with pytest.raises(EmptyMask, match="recognises none"):
        brain_from(HEAD.volume, np.ones_like(truth), np.where(truth, 0.6, 0).astype(np.float32), rules=RULES)


def test_outside_the_head_there_is_no_brain():
    truth = HEAD.truth["brain"]
    with pytest.raises(EmptyMask):
        brain_from(
            HEAD.volume, np.zeros_like(truth), np.where(truth, 0.99, 0).astype(np.float32), rules=RULES
        )


def test_a_scan_in_which_the_first_network_sees_nothing_has_no_brain():
    session, _ = networks(certain=0.2)
    blank = Session(lambda inputs: 0 * np.concatenate([inputs["in"]] * 2, axis=1), "made-up")
    with pytest.raises(EmptyMask, match="recognises none"):
        brain_likelihood(HEAD.volume, blank, session, progress=lambda share: None)
    flat = volume_of(np.full((8, 9, 10), 7, dtype=np.int16), quantity="a.u.")
    with pytest.raises(EmptyMask, match="one value only"):
        brain_likelihood(flat, session, session, progress=lambda share: None)


def test_a_ct_is_refused_before_any_weights_are_asked_for():
    volume = volume_of(np.zeros((4, 5, 6), dtype=np.int16))
    with pytest.raises(EmptyMask, match="made for MR"):
        brain_net(volume, np.ones((4, 5, 6), dtype=np.bool_))


def ellipsoid(radii, *, centre=(0, 0, 25)):
    x, y, z = anatomy_phantoms.positions(HEAD.volume.geometry)
    parts = zip((x, y, z), centre, radii, strict=True)
    return sum(((axis - middle) / radius) ** 2 for axis, middle, radius in parts) <= 1


def likely(mask, certain=0.99):
    return np.where(mask, certain, 1 - certain).astype(np.float32)


def unasked():
    raise AssertionError("the other network was asked")


def test_a_sure_t1_head_needs_no_second_network():
    made = settled(HEAD.volume, HEAD.truth["skin"], likely(HEAD.truth["brain"]), unasked, rules=RULES)
    assert made.findings == ()
    assert dice(made.masks[0], HEAD.truth["brain"]) > 0.97


def test_where_white_matter_is_dark_the_network_for_every_contrast_decides_and_the_finding_says_so():
    truth, volume = HEAD.truth["brain"], HEAD.volume
    # As in T2: fluid around the brain brightest, white matter the darker one, bone dark.
    values = np.where(volume.array > 600, 400, np.where(volume.array > 440, 600, 60))
    wide = ellipsoid((67, 84, 72))
    values[wide & ~truth] = 1500
    other = volume.with_array(values.astype(np.int16))
    assert white_is_brighter(volume, truth)
    assert not white_is_brighter(other, truth)
    wrong = likely(HEAD.truth["skin"])
    made = settled(other, HEAD.truth["skin"], wrong, lambda: likely(wide), rules=RULES)
    assert [each.code for each in made.findings] == ["segment.other-contrast"]
    assert dice(wide, truth) < 0.95
    assert dice(made.masks[0], truth) > 0.97


def test_what_the_scan_cuts_off_is_a_brain_only_where_both_networks_see_one():
    volume = HEAD.volume.crop((0, 0, 0), (45, 110, 100))
    head = np.ascontiguousarray(HEAD.truth["skin"][:45])
    part = np.ascontiguousarray(HEAD.truth["brain"][:45])
    assert settled(volume, head, likely(part), lambda: likely(part), rules=RULES).masks[0].any()
    elsewhere = np.roll(part, 40, axis=1)
    with pytest.raises(EmptyMask, match="different things"):
        settled(volume, head, likely(part), lambda: likely(elsewhere), rules=RULES)


def test_a_network_for_which_memory_is_short_is_not_begun():
    session, asked = networks()
    with pytest.raises(MemoryShort, match=r"the network of the brain: it takes 1\.6 GB"):
        any_contrast_likelihood(
            HEAD.volume,
            HEAD.truth["skin"],
            session,
            progress=lambda share: None,
            spare_bytes=10**9,
        )
    assert not asked


@pytest.mark.slow
def test_the_other_network_sees_left_feet_front_at_one_millimetre_and_no_shoulders():
    asked = []

    def run(inputs):
        values = inputs["in"][0, 0]
        asked.append(values)
        return np.stack([1 - values, values])[None]

    x, y, z = anatomy_phantoms.positions(HEAD.volume.geometry)
    bright = HEAD.volume.with_array(np.where((x > 20) & (y < -20) & (z > 40), 900, HEAD.volume.array // 2))
    shoulders = np.broadcast_to(z < z.min() + 20, HEAD.volume.geometry.shape)
    found = any_contrast_likelihood(
        bright, HEAD.truth["skin"] | shoulders, Session(run, "made-up"), progress=lambda share: None
    )
    left, feet, front = asked[0].shape
    # The head is 152 wide and 188 long, with 10 mm of air on each side; the scan 260 high.
    assert (left, feet, front) == (152 + 20, 190, 188 + 20)
    centre = np.argwhere(asked[0] > 0.99).mean(axis=0) / asked[0].shape
    assert centre[0] > 0.6, "left is last"
    assert centre[1] < 0.4, "feet are last"
    assert centre[2] > 0.6, "front is last"
    where = HEAD.volume.geometry.index_to_lps(np.argwhere(found > 0.99).mean(axis=0))
    assert where[0] > 20
    assert where[1] < -20
    assert where[2] > 40
