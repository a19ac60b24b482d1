"""Bone, told from contrast."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import dice
from plastinate.model.errors import EmptyMask
from plastinate.model.volume import Volume
from plastinate.stages.segment.contrast import find_contrast
from plastinate.stages.segment.skeleton import enclosed_marrow, skeleton

NUMBERS = {
    "above_hu": 200.0,
    "depth_mm": 4.5,
    "rim_rise_hu": 100.0,
    "cortex_hu": 350.0,
    "dense_core_hu": 1200.0,
}
CHEST = anatomy_phantoms.chest()
PLAIN = anatomy_phantoms.chest(contrast=False)
X, Y, Z = anatomy_phantoms.positions(CHEST.volume.geometry)


def bones(volume: Volume, body: np.ndarray) -> np.ndarray:
    (mask,) = skeleton(volume, body).masks
    return mask


@pytest.mark.parametrize("scan", [CHEST, PLAIN], ids=["contrast", "plain"])
def test_bone_is_found_whole_and_blood_is_not(scan):
    found = bones(scan.volume, scan.truth["body"])
    assert dice(found, scan.truth["skeleton"] & scan.volume.measured) > 0.95
    if "blood" in scan.truth:
        assert (found & scan.truth["blood"]).sum() < 0.01 * scan.truth["blood"].sum()


def test_blood_is_measured_where_there_is_contrast():
    found = find_contrast(CHEST.volume, CHEST.truth["body"], **NUMBERS)
    assert found.blood_hu == pytest.approx(380, abs=5)
    assert dice(found.mask, CHEST.truth["blood"]) > 0.95
    assert not (found.mask & CHEST.truth["skeleton"]).any()


def test_without_contrast_there_is_no_blood_to_find():
    found = find_contrast(PLAIN.volume, PLAIN.truth["body"], **NUMBERS)
    assert np.isnan(found.blood_hu)
    assert not found.mask.any()


def test_an_artery_that_a_vein_full_of_undiluted_agent_touches_is_no_bone():
    geometry = anatomy_phantoms.grid((60, 100, 100), 1.0)
    x, y, z = anatomy_phantoms.positions(geometry)
    artery = (x**2 + y**2 <= 14**2) & (np.abs(z) < 22)
    vein = ((x - 21) ** 2 + y**2 <= 9**2) & (np.abs(z) < 28)
    values = np.full(geometry.shape, 40, np.int16)
    values[artery], values[vein] = 400, 1400
    body = np.ones(geometry.shape, bool)
    found = find_contrast(Volume(geometry, values, "HU", "CT"), body, **NUMBERS)
    # The artery is one with the vein, and much of what lies along its edge is as bright as cortex.
    assert (found.mask & artery).sum() > 0.95 * artery.sum()
    assert found.blood_hu == pytest.approx(400)


def test_a_narrow_artery_is_found_by_the_bloods_brightness():
    geometry = anatomy_phantoms.grid((80, 120, 120), 1.0)
    x, y, z = anatomy_phantoms.positions(geometry)
    heart = x**2 + (y + 30) ** 2 + z**2 <= 20**2
    artery = (x - 25) ** 2 + (y - 20) ** 2 <= 3.5**2
    values = np.full(geometry.shape, 40, np.int16)
    values[heart | artery] = 380
    body = np.ones(geometry.shape, bool)
    found = find_contrast(Volume(geometry, values, "HU", "CT"), body, **NUMBERS)
    assert found.mask[artery & (np.abs(z) < 35)].mean() > 0.95


def test_undiluted_contrast_in_a_vein_is_no_bone():
    vein = (X + 40) ** 2 + (Y + 60) ** 2 <= 8**2
    values = np.where(vein, 2600, CHEST.volume.array).astype(np.int16)
    found = bones(CHEST.volume.with_array(values), CHEST.truth["body"])
    assert not (found & vein).any()


def test_a_thin_side_branch_of_such_a_vein_is_no_bone_either():
    vein = (X + 40) ** 2 + (Y + 60) ** 2 <= 8**2
    branch = ((X + 40) ** 2 + (Y + 20) ** 2 <= 2**2) & (np.abs(Z) < 60)
    values = np.where(vein | branch, 2600, CHEST.volume.array).astype(np.int16)
    found = bones(CHEST.volume.with_array(values), CHEST.truth["body"])
    assert not (found & (vein | branch)).any()
    assert dice(found, CHEST.truth["skeleton"] & CHEST.volume.measured) > 0.95
    # Away from any vein it is something else, such as a wire, and stays.
    alone = np.where(branch, 2600, PLAIN.volume.array).astype(np.int16)
    assert (bones(PLAIN.volume.with_array(alone), PLAIN.truth["body"]) & branch).any()


def test_what_may_be_taken_for_bone_is_said():
    assert skeleton(PLAIN.volume, PLAIN.truth["body"]).findings == ()
    (blood,) = skeleton(CHEST.volume, CHEST.truth["body"]).findings
    assert (blood.code, blood.severity) == ("segment.contrast", "warning")
    assert blood.details["contrast_hu"] == pytest.approx(380, abs=5)
    vein = (X + 40) ** 2 + (Y + 60) ** 2 <= 8**2
    values = np.where(vein, 2600, PLAIN.volume.array).astype(np.int16)
    (dense,) = skeleton(PLAIN.volume.with_array(values), PLAIN.truth["body"]).findings
    assert "Undiluted" in dense.sentence


def test_a_small_bright_vessel_apart_from_bone_is_dropped():
    vessel = (X - 70) ** 2 + (Y + 30) ** 2 <= 3**2
    values = np.where(vessel, 390, CHEST.volume.array).astype(np.int16)
    found = bones(CHEST.volume.with_array(values), CHEST.truth["body"])
    assert not (found & vessel).any()


def test_marrow_is_filled_and_the_spinal_canal_stays_open():
    geometry = anatomy_phantoms.grid((60, 60, 60), 1.0)
    x, y, z = anatomy_phantoms.positions(geometry)
    solid = (np.abs(x) < 18) & (np.abs(y) < 24) & (np.abs(z) < 20)
    marrow = (np.abs(x) < 15) & (y < -2) & (y > -21) & (np.abs(z) < 17)
    canal = (np.abs(x) < 8) & (y > 4) & (y < 18)
    pore = (np.abs(x) < 1.5) & (y < -10) & (np.abs(z) < 1.5)
    bone = solid & ~marrow & ~canal & ~pore
    values = np.where(bone, 600, np.where(marrow, -60, 40)).astype(np.int16)
    found = enclosed_marrow(Volume(geometry, values, "HU", "CT"), bone, gap_mm=2.5, most_ml=150)
    assert found[marrow].mean() > 0.97
    assert not found[canal].any()
    assert not found[~solid].any()


def test_air_cells_are_not_marrow():
    geometry = anatomy_phantoms.grid((30, 30, 30), 1.0)
    x, y, z = anatomy_phantoms.positions(geometry)
    radius = np.sqrt(x**2 + y**2 + z**2)
    values = np.where(radius < 8, -900, 700).astype(np.int16)
    shell = (radius >= 8) & (radius < 12)
    found = enclosed_marrow(Volume(geometry, values, "HU", "CT"), shell, gap_mm=2.0, most_ml=100)
    assert not (found & (radius < 8)).any()


def test_a_scan_without_bone_says_so():
    values = np.minimum(CHEST.volume.array, 100)
    with pytest.raises(EmptyMask, match="skeleton"):
        bones(CHEST.volume.with_array(values), CHEST.truth["body"])
