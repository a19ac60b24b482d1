"""Airways, lungs and their sides."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import dice
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native.components import Components
from plastinate.stages.segment.airways import airways, trachea
from plastinate.stages.segment.body import body
from plastinate.stages.segment.lungs import lungs
from plastinate.stages.segment.sides import split_sides

CHEST = anatomy_phantoms.chest()
TOUCHING = anatomy_phantoms.chest(touching=True)
FEET_FIRST = anatomy_phantoms.chest(feet_first=True)


@pytest.mark.parametrize("scan", [CHEST, FEET_FIRST], ids=["head-first", "feet-first"])
def test_airways_grow_from_the_trachea_into_both_bronchi_and_not_into_the_lung(scan):
    found = airways(scan.volume, body(scan.volume))
    assert dice(found, scan.truth["airways"]) > 0.95
    assert not (found & (scan.truth["lung-left"] | scan.truth["lung-right"])).any()


def test_a_thin_wall_does_not_let_the_lung_in():
    values = CHEST.volume.array.copy()
    # A hole in the left bronchus' wall, straight into the lung.
    values[50:52, 50:54, 70:90] = np.minimum(values[50:52, 50:54, 70:90], -860)
    found = airways(CHEST.volume.with_array(values), CHEST.truth["body"])
    lung = CHEST.truth["lung-left"] | CHEST.truth["lung-right"]
    assert (found & lung).sum() < 0.01 * lung.sum()
    assert found[CHEST.truth["trachea"]].mean() > 0.95


def test_below_the_carina_there_are_no_airways():
    z = anatomy_phantoms.positions(CHEST.volume.geometry)[2]
    first = int(np.argmax(z[:, 0, 0] < -30))
    lower = CHEST.volume.crop((first, 0, 0), (90 - first, 100, 128))
    assert not airways(lower, body(lower)).any()


def test_gas_in_the_bowel_is_no_trachea():
    geometry = anatomy_phantoms.grid((60, 100, 128), 2.5)
    x, y, _z = anatomy_phantoms.positions(geometry)
    values = np.where((x / 140) ** 2 + (y / 95) ** 2 <= 1, 40, -1000).astype(np.int16)
    values[x**2 + (y + 40) ** 2 <= 10**2] = -1000
    abdomen = Volume(geometry, values, "HU", "CT")
    assert not airways(abdomen, body(abdomen)).any()


@pytest.mark.parametrize("scan", [CHEST, FEET_FIRST], ids=["head-first", "feet-first"])
def test_the_trachea_ends_where_two_bronchi_begin(scan):
    found = trachea(scan.volume, scan.truth["airways"])
    z = anatomy_phantoms.positions(scan.volume.geometry)[2]
    # The round bronchi of the phantom part from each other a little below the fork at z = 30.
    assert z[found].max() == z[scan.truth["airways"]].max()
    assert 15 < z[found].min() < 31


@pytest.mark.slow
@pytest.mark.parametrize("scan", [CHEST, TOUCHING, FEET_FIRST], ids=["apart", "touching", "feet-first"])
def test_both_lungs_are_found_apart_and_on_the_patients_own_side(scan):
    left, right = lungs(scan.volume, scan.truth["body"], scan.truth["airways"]).masks
    assert dice(left, scan.truth["lung-left"]) > 0.97
    assert dice(right, scan.truth["lung-right"]) > 0.97
    assert not (left & right).any()
    assert Components(left, connectivity=6).count == 1
    assert Components(right, connectivity=6).count == 1


@pytest.mark.slow
def test_a_coronal_and_a_sagittal_stack_give_the_same_organs():
    # Turning the axes in a circle keeps the grid right-handed and every voxel in its place.
    for order in ((1, 2, 0), (2, 0, 1)):
        matrix = CHEST.volume.geometry.to_lps_mm.copy()
        matrix[:3, :3] = matrix[:3, :3][:, order]
        array = np.ascontiguousarray(CHEST.volume.array.transpose(order))
        turned = Volume(Geometry(array.shape, matrix), array, "HU", "CT")
        inside = body(turned)
        tree = airways(turned, inside)
        for found, name in ((inside, "body"), (tree, "airways"), (trachea(turned, tree), "trachea")):
            assert dice(found, CHEST.truth[name].transpose(order)) > 0.9, (order, name)
        for found, name in zip(lungs(turned, inside, tree).masks, ("lung-left", "lung-right"), strict=True):
            assert dice(found, CHEST.truth[name].transpose(order)) > 0.97, (order, name)


@pytest.mark.slow
def test_vessels_inside_the_lung_belong_to_it():
    x, y, z = anatomy_phantoms.positions(CHEST.volume.geometry)
    vessel = ((x - 60) ** 2 + (y + 10) ** 2 <= 5**2) & (np.abs(z) < 40)
    values = np.where(vessel, 200, CHEST.volume.array).astype(np.int16)
    left, _ = lungs(CHEST.volume.with_array(values), CHEST.truth["body"], CHEST.truth["airways"]).masks
    assert left[vessel].all()


@pytest.mark.slow
def test_gas_in_the_stomach_is_no_lung():
    x, y, z = anatomy_phantoms.positions(CHEST.volume.geometry)
    bubble = (x - 60) ** 2 + (y + 10) ** 2 + (z + 98) ** 2 <= 22**2
    values = CHEST.volume.array.copy()
    lung_here = CHEST.truth["lung-left"] & (z < -70)
    values[lung_here] = 40
    values[bubble] = -1000
    left, _ = lungs(CHEST.volume.with_array(values), CHEST.truth["body"], CHEST.truth["airways"]).masks
    assert not (left & bubble & (z < -85)).any()


def test_no_lung_gives_two_empty_masks():
    geometry = anatomy_phantoms.grid((20, 60, 60), 2.5)
    values = np.full(geometry.shape, 40, np.int16)
    nothing = np.zeros(geometry.shape, bool)
    left, right = lungs(Volume(geometry, values, "HU", "CT"), ~nothing, nothing).masks
    assert not left.any()
    assert not right.any()


def test_a_dumbbell_is_cut_at_its_neck_even_off_the_middle():
    geometry = anatomy_phantoms.grid((50, 50, 120), 2.0)
    x, y, z = anatomy_phantoms.positions(geometry)
    left = (x - 46) ** 2 + y**2 + z**2 <= 44**2
    right = (x + 60) ** 2 + y**2 + z**2 <= 44**2
    neck = (np.abs(x + 8) < 30) & (np.abs(y) < 6) & (np.abs(z) < 6)
    parts = split_sides(left | right | neck, geometry, middle_mm=0.0)
    assert (parts[0] | parts[1]).sum() == (left | right | neck).sum()
    assert not (parts[0] & parts[1]).any()
    assert parts[0][left & ~neck].all()
    assert parts[1][right & ~neck].all()


def test_one_solid_across_the_middle_is_cut_in_the_middle():
    geometry = anatomy_phantoms.grid((20, 20, 60), 2.0)
    x, *_ = anatomy_phantoms.positions(geometry)
    left, right = split_sides(np.ones(geometry.shape, bool), geometry, middle_mm=0.0, least_ml=1e6)
    assert np.array_equal(left, x > 0)
    assert np.array_equal(right, x <= 0)


def implanted(hu: float, where: np.ndarray) -> Volume:
    """The chest with ribs about its lungs, and something else in the place of lung."""
    x, y, z = anatomy_phantoms.positions(CHEST.volume.geometry)
    values = CHEST.volume.array.copy()
    away = ((np.abs(x) - 58) / 52) ** 2 + (y / 68) ** 2 + ((z - 5) / 92) ** 2
    ribs = (away > 1.2) & (away < 1.5) & (np.mod(z, 30) < 10) & (np.abs(x) > 25) & CHEST.truth["body"]
    values[ribs] = 600
    noise = np.random.default_rng(3).normal(0, 12, int(where.sum()))
    values[where] = (hu + noise).astype(np.int16)
    return CHEST.volume.with_array(values)


@pytest.mark.slow
def test_a_tumour_on_the_chest_wall_belongs_to_the_lung_and_makes_its_volume_less_sure():
    x, y, z = anatomy_phantoms.positions(CHEST.volume.geometry)
    tumour = ((x - 92) ** 2 + (y - 5) ** 2 + (z - 20) ** 2 <= 24**2) & CHEST.truth["lung-left"]
    scan = implanted(45, tumour)
    found = lungs(scan, CHEST.truth["body"], CHEST.truth["airways"])
    left, right = found.masks
    assert left[tumour].mean() > 0.9
    assert dice(left, CHEST.truth["lung-left"]) > 0.97
    assert dice(right, CHEST.truth["lung-right"]) > 0.97
    without = lungs(scan, CHEST.truth["body"], CHEST.truth["airways"], least_mass_ml=0)
    assert dice(without.masks[0], CHEST.truth["lung-left"]) < dice(left, CHEST.truth["lung-left"]) - 0.015
    [said] = found.findings
    assert said.code == "segment.lung-mass"
    tumour_ml = tumour.sum() * scan.geometry.voxel_ml
    assert said.details["solid_ml"] == pytest.approx(tumour_ml, rel=0.25)
    assert (found.likelihoods[0][tumour] < 0.9).mean() > 0.95


@pytest.mark.slow
def test_an_effusion_is_no_lung_and_may_be_some_at_the_upper_end_of_the_range():
    _, y, z = anatomy_phantoms.positions(CHEST.volume.geometry)
    fluid = CHEST.truth["lung-left"] & (y > 20) & (z < 40)
    scan = implanted(10, fluid)
    found = lungs(scan, CHEST.truth["body"], CHEST.truth["airways"])
    left, right = found.masks
    assert dice(left, CHEST.truth["lung-left"] & ~fluid) > 0.97
    assert dice(right, CHEST.truth["lung-right"]) > 0.97
    assert left[fluid].mean() < 0.05
    [said] = found.findings
    assert said.code == "segment.lung-fluid"
    assert 0.3 < said.details["fluid_ml"] / (fluid.sum() * scan.geometry.voxel_ml) < 1.1
    assert (found.likelihoods[0][fluid] >= 0.1).mean() > 0.3
    assert found.likelihoods[0][CHEST.truth["skeleton"]].max() < 0.5


@pytest.mark.slow
def test_sound_lungs_raise_no_doubt_and_their_range_holds_their_volume():
    nothing = np.zeros(CHEST.volume.array.shape, bool)
    found = lungs(implanted(0, nothing), CHEST.truth["body"], CHEST.truth["airways"])
    assert found.findings == ()
    for mask, likelihood, name in zip(
        found.masks, found.likelihoods, ("lung-left", "lung-right"), strict=True
    ):
        assert np.array_equal(likelihood >= 0.5, mask)
        assert likelihood.dtype == np.float16
        inner, outer = (likelihood >= 0.9).sum(), (likelihood >= 0.1).sum()
        assert inner < CHEST.truth[name].sum() < outer
        assert outer < 1.2 * mask.sum()


@pytest.mark.slow
def test_the_heart_the_spine_and_the_liver_are_no_masses_of_the_lung():
    x, y, z = anatomy_phantoms.positions(CHEST.volume.geometry)
    # A heart without contrast that bulges far into the left lung, and a liver that domes under the right one.
    heart = ((x - 25) / 50) ** 2 + ((y + 30) / 38) ** 2 + ((z + 20) / 42) ** 2 <= 1
    liver = ((x + 50) / 75) ** 2 + (y / 75) ** 2 + ((z + 95) / 60) ** 2 <= 1
    bulging = (heart | liver) & (CHEST.truth["lung-left"] | CHEST.truth["lung-right"])
    scan = implanted(45, bulging)
    found = lungs(scan, CHEST.truth["body"], CHEST.truth["airways"])
    assert not [said for said in found.findings if said.code == "segment.lung-mass"]
    for mask, name in zip(found.masks, ("lung-left", "lung-right"), strict=True):
        assert dice(mask, CHEST.truth[name] & ~bulging) > 0.97
