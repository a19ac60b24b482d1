"""The liver: what the network is shown, which of its answers is kept, and what becomes of it."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import dice
from plastinate.model.errors import EmptyMask, MemoryShort
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.nets.liver_unet import RIM, STEP
from plastinate.nets.session import Session
from plastinate.stages.segment.liver_field import AUTHORS_FIELD, LiverField, liver_likelihood, network_values
from plastinate.stages.segment.liver_net import liver_from, liver_net
from plastinate.stages.segment.settle_edge import EdgeRules
from voxel_scenes import volume_of

EDGE = EdgeRules(reach_mm=6, trust=1.0, grey=0.3, coupling=8, contrast=15)
RULES = {"least_sureness": 0.35, "least_ml": 60, "grey_hu": (-20, 250), "smooth_mm": 0.7, "edge": EDGE}


def trunk(*, planes=60, thickness_mm=4.0, feet_first=False, liver_hu=100, has_gas=True):
    """A trunk of fat with a liver on the right and a spleen of the same grey value on the left."""
    geometry = anatomy_phantoms.grid((planes, 88, 120), 3.0)
    matrix = geometry.to_lps_mm.copy()
    matrix[:3, 0] *= thickness_mm / 3.0
    matrix[2, 3] = -matrix[2, 0] * (planes - 1) / 2
    geometry = Geometry((planes, 88, 120), matrix)
    x, y, z = anatomy_phantoms.positions(geometry)
    body = (x / 165) ** 2 + (y / 110) ** 2 <= 1
    liver = ((x + 70) / 75) ** 2 + (y / 80) ** 2 + (z / 70) ** 2 <= 1
    spleen = ((x - 100) / 35) ** 2 + ((y - 40) / 45) ** 2 + (z / 50) ** 2 <= 1
    values = np.where(body, -100, -1000)
    values = np.where(liver | spleen, liver_hu, values).astype(np.int16)
    if has_gas:
        values[(x - 40) ** 2 + (y + 60) ** 2 + z**2 <= 20**2] = -1000
    volume = Volume(geometry, values, "HU", "CT")
    if feet_first:
        turned = geometry.to_lps_mm.copy()
        turned[:3, 3] = geometry.index_to_lps(np.array([planes - 1, 87, 0]))
        turned[:3, :2] *= -1
        volume = Volume(
            Geometry(geometry.shape, turned), np.ascontiguousarray(values[::-1, ::-1]), "HU", "CT"
        )
        liver = liver[::-1, ::-1]
    return volume, liver


def network(*, sure=lambda field: 0.99):
    """Calls soft tissue on the right of the field's middle liver; how surely depends on the field."""
    asked = []

    def run(inputs):
        values = inputs["in"][0, 0]
        assert all(size % STEP == 0 for size in values.shape)
        asked.append(values.shape)
        inner = values[RIM:-RIM, RIM:-RIM, RIM:-RIM]
        right = np.arange(values.shape[2])[RIM:-RIM] > values.shape[2] / 2
        certain = sure(values.shape)
        made = np.where((inner > 0.1) & (inner < 0.4) & right, certain, 0.0)
        return made[None, None].astype(np.float32)

    return Session(run, "made-up"), asked


@pytest.mark.slow
def test_the_network_sees_cubes_of_3_mm_within_half_of_one():
    volume, _ = trunk()
    values, geometry = network_values(volume)
    assert geometry.spacing == pytest.approx((3, 3, 3))
    assert set(np.unique(values)) >= {-0.5, -0.25, 0.25}
    assert np.abs(values).max() <= 0.5


@pytest.mark.parametrize("feet_first", [False, True])
def test_the_answer_comes_back_to_where_it_was_asked(feet_first):
    volume, liver = trunk(feet_first=feet_first)
    session, _ = network()
    found = liver_likelihood(volume, session, sure_enough=0.7, progress=lambda share: None)
    made = liver_from(volume, found, **RULES)
    assert dice(made.masks[0], liver) > 0.97
    assert (made.likelihoods[0][made.masks[0]] >= 0.5).all()
    assert (made.likelihoods[0][~made.masks[0]] < 0.5).all()


@pytest.mark.slow
def test_a_second_field_is_tried_only_where_the_first_leaves_doubt():
    volume, _ = trunk()
    session, asked = network()
    found = liver_likelihood(volume, session, sure_enough=0.7, progress=lambda share: None)
    assert (asked, found.field) == ([AUTHORS_FIELD], "author's")
    session, asked = network(sure=lambda field: 0.6 if field == AUTHORS_FIELD else 0.9)
    found = liver_likelihood(volume, session, sure_enough=0.7, progress=lambda share: None)
    assert (len(asked), found.field) == (2, "body's")
    session, _ = network(sure=lambda field: 0.7 if field == AUTHORS_FIELD else 0.6)
    found = liver_likelihood(volume, session, sure_enough=0.7, progress=lambda share: None)
    assert found.field == "author's"
    assert set(found.tried) == {"author's", "body's"}


@pytest.mark.slow
def test_a_scan_longer_than_the_field_is_seen_in_windows_and_can_be_stopped_between_them():
    volume, liver = trunk(planes=250)
    session, asked = network()
    told = []
    found = liver_likelihood(volume, session, sure_enough=0.7, progress=told.append)
    assert len(asked) > 2
    assert told == sorted(told)
    assert len(told) == len(asked)
    assert dice(liver_from(volume, found, **RULES).masks[0], liver) > 0.97

    def stop(share):
        raise KeyboardInterrupt

    del asked[:]
    with pytest.raises(KeyboardInterrupt):
        liver_likelihood(volume, session, sure_enough=0.7, progress=stop)
    assert len(asked) == 1


@pytest.mark.slow
def test_where_memory_is_short_the_smaller_field_is_asked_and_below_that_nobody():
    volume, _ = trunk()
    session, asked = network()
    rules = {"sure_enough": 0.7, "progress": lambda share: None}
    found = liver_likelihood(volume, session, spare_bytes=1_900_000_000, **rules)
    assert (found.field, found.sizes, asked) == ("body's", asked[0], [asked[0]])
    assert np.prod(asked[0]) < np.prod(AUTHORS_FIELD)
    with pytest.raises(MemoryShort, match="the network of the liver"):
        liver_likelihood(volume, session, spare_bytes=100_000_000, **rules)


def test_where_there_is_no_trunk_the_network_is_not_asked():
    session, asked = network()
    limb, _ = trunk(has_gas=False)
    nothing = limb.with_array(np.full_like(limb.array, -1000))
    for volume, reason in ((limb, "holds no gas"), (nothing, "no body")):
        with pytest.raises(EmptyMask, match=reason):
            liver_likelihood(volume, session, sure_enough=0.7, progress=lambda share: None)
    assert asked == []


def test_planes_wider_than_any_scanner_are_no_scan_of_a_liver():
    volume, _ = trunk()
    matrix = volume.geometry.to_lps_mm.copy()
    matrix[:3, :3] *= 3
    huge = Volume(Geometry(volume.geometry.shape, matrix), volume.array, "HU", "CT")
    with pytest.raises(EmptyMask, match="1080 mm wide"):
        liver_likelihood(huge, network()[0], sure_enough=0.7, progress=lambda share: None)


@pytest.mark.parametrize(
    ("likelihood", "sureness"), [(0.0, 0.0), (0.3, 0.4), (0.9, 0.2)], ids=["none", "maybe", "unsure"]
)
def test_what_the_network_does_not_recognise_is_absent(likelihood, sureness):
    volume, _ = trunk()
    values, geometry = network_values(volume)
    field = LiverField(geometry, np.full(values.shape, likelihood, np.float32), sureness, "author's", {})
    with pytest.raises(EmptyMask, match="recognises none"):
        liver_from(volume, field, **RULES)


def test_bone_is_no_liver_whatever_the_network_says():
    volume, _ = trunk(liver_hu=400)
    _, geometry = network_values(volume)
    x, y, z = anatomy_phantoms.positions(geometry)
    inside = ((x + 70) / 75) ** 2 + (y / 80) ** 2 + (z / 70) ** 2 <= 1
    field = LiverField(geometry, np.where(inside, 0.98, 0).astype(np.float32), 0.9, "author's", {})
    with pytest.raises(EmptyMask, match="400 HU, as no liver has"):
        liver_from(volume, field, **RULES)


def test_a_tumour_inside_stays_in():
    volume, _ = trunk()
    x, y, z = anatomy_phantoms.positions(volume.geometry)
    tumour = (x + 80) ** 2 + y**2 + z**2 <= 25**2
    volume = volume.with_array(np.where(tumour, 30, volume.array).astype(np.int16))
    _, geometry = network_values(volume)
    x, y, z = anatomy_phantoms.positions(geometry)
    inside = ((x + 70) / 75) ** 2 + (y / 80) ** 2 + (z / 70) ** 2 <= 1
    hole = (x + 80) ** 2 + y**2 + z**2 <= 15**2
    likelihood = np.where(inside & ~hole, 0.98, 0.02).astype(np.float32)
    made = liver_from(volume, LiverField(geometry, likelihood, 0.9, "author's", {}), **RULES)
    assert made.masks[0][tumour].all()


def test_an_mr_is_refused_before_any_weights_are_asked_for():
    volume = volume_of(np.zeros((4, 5, 6), dtype=np.int16), quantity="a.u.")
    with pytest.raises(EmptyMask, match="made for CT"):
        liver_net(volume)
