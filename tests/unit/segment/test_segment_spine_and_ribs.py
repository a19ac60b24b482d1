"""Spine and ribs, parted from each other and from the rest of the skeleton."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from anatomy_phantoms import Anatomy, dice, positions
from plastinate.model.errors import EmptyMask
from plastinate.stages.segment.rib_cage import FAR_MM, beyond_cage_mm
from plastinate.stages.segment.spine_and_ribs import spine_and_ribs
from trunk_phantoms import trunk

INPUTS = ("body", "lung-left", "lung-right", "skeleton")
BONE_HU, MARROW_HU, JOINT_HU, DISC_HU = 500, 120, 180, 70


@cache
def caged(*, feet_first: bool = False) -> Anatomy:
    """The trunk with a rib every 30 mm, joined to its vertebra by cartilage, a breastbone, shoulder blades.

    Vertebral bodies hold marrow with a vein's hole in their back wall, and discs part them.
    """
    scan = trunk(feet_first=feet_first)
    x, y, z = positions(scan.volume.geometry)
    values = scan.volume.array.copy()
    # Narrower than the trunk's own: the middle of a canal that is enclosed alike everywhere is a guess.
    spine = scan.truth["skeleton"] | ((x**2 + (y - 82) ** 2 <= 9**2) & (x**2 + (y - 82) ** 2 > 5**2))
    values[spine] = BONE_HU
    height = np.mod(z, 36)
    body = (x / 20) ** 2 + ((y - 56) / 17) ** 2 <= 1
    inside = (x / 16) ** 2 + ((y - 56) / 13) ** 2 <= 1
    disc = body & (height < 6)
    marrow = inside & (height >= 9) & (height <= 33)
    values[disc], values[marrow] = DISC_HU, MARROW_HU
    values[(np.abs(x) <= 3) & (y > 66) & (y < 74) & (height > 18) & (height < 24) & body] = DISC_HU
    ring = np.sqrt((x / 128) ** 2 + (y / 86) ** 2)
    rib = (ring > 0.95) & (ring < 1.06) & (np.mod(z, 30) < 10) & (z > -60) & (z < 185) & (np.abs(x) > 24)
    rib &= scan.truth["body"] & ((y < 0) | (y > -60)) & ((np.abs(x) > 45) | (y > 0))
    values[rib] = BONE_HU
    joint = (
        (ring > 0.95) & (ring < 1.06) & (np.abs(x) > 18) & (np.abs(x) <= 24) & (np.mod(z, 30) < 10) & (y > 0)
    )
    joint &= (z > -60) & (z < 185) & ~spine
    values[joint] = JOINT_HU
    breastbone = (np.abs(x) < 10) & (y < -84) & (y > -96) & (z > 0) & (z < 170)
    blade = (np.abs(x) > 30) & (np.abs(x) < 80) & (ring > 1.18) & (y > 40) & (z > 60) & scan.truth["body"]
    values[breastbone | blade] = BONE_HU
    hard = (spine & ~disc & ~marrow) | rib | joint | breastbone | blade
    hard &= values > 150
    truth = scan.truth | {
        "skeleton": hard,
        "spine": spine & ~disc,
        "ribs": rib,
        "other": breastbone | blade,
        "disc": disc & inside,
    }
    return Anatomy(scan.volume.with_array(values), truth)


def found_in(scan: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    return spine_and_ribs(scan.volume, *(scan.truth[name] for name in INPUTS))


@cache
def found_caged(*, feet_first: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """What is found in it, looked for once."""
    return found_in(caged(feet_first=feet_first))


@pytest.mark.slow
@pytest.mark.parametrize("feet_first", [False, True], ids=["head-first", "feet-first"])
def test_spine_and_ribs_are_parted_at_their_joints_however_the_patient_lies(feet_first):
    scan = caged(feet_first=feet_first)
    spine, ribs = found_caged(feet_first=feet_first)
    assert dice(spine, scan.truth["spine"]) > 0.9
    assert dice(ribs, scan.truth["ribs"]) > 0.88
    assert not (spine & ribs).any()


@pytest.mark.slow
def test_breastbone_and_shoulder_blades_are_neither_spine_nor_rib():
    scan = caged()
    taken = np.logical_or(*found_caged(feet_first=False))
    assert (taken & scan.truth["other"]).sum() < 0.05 * scan.truth["other"].sum()


@pytest.mark.slow
def test_marrow_is_filled_through_the_hole_of_a_vein_and_discs_stay_out():
    scan = caged()
    spine, _ = found_caged(feet_first=False)
    marrow = scan.truth["spine"] & ~scan.truth["skeleton"]
    assert (spine & marrow).sum() > 0.85 * marrow.sum()
    assert (spine & scan.truth["disc"]).sum() < 0.1 * scan.truth["disc"].sum()


@pytest.mark.slow
def test_without_lungs_there_is_a_spine_and_no_rib_is_invented():
    scan = caged()
    none = np.zeros_like(scan.truth["lung-left"])
    spine, ribs = found_in(Anatomy(scan.volume, scan.truth | {"lung-left": none, "lung-right": none}))
    assert dice(spine, scan.truth["spine"]) > 0.85
    assert not ribs.any()


@pytest.mark.slow
def test_where_no_canal_is_there_is_no_spine():
    scan = trunk(step_mm=6.0)
    limb = scan.truth | {"skeleton": scan.truth["skeleton"] & False}
    with pytest.raises(EmptyMask, match="no spine of a trunk"):
        found_in(Anatomy(scan.volume, limb))


def test_the_cage_is_the_widest_hull_of_the_planes_above_and_nothing_lies_in_it_above_the_lungs():
    lung = np.zeros((4, 20, 20), dtype=np.bool_)
    lung[1, 8:12, 4:16] = True
    lung[2, 9:11, 9:11] = True
    beyond = beyond_cage_mm(lung, 2.0)
    assert (beyond[0] == FAR_MM).all()
    assert beyond[1, 9, 9] < 0
    assert beyond[1, 9, 18] == pytest.approx(6.0, abs=1e-4)
    # The next plane's lung is narrower, the cage is not.
    assert beyond[2, 9, 18] == pytest.approx(6.0, abs=1e-4)
