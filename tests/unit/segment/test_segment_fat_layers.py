"""Fat under the skin and fat within the trunk."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from anatomy_phantoms import Anatomy, dice, positions
from plastinate.model.errors import EmptyMask
from plastinate.stages.segment.fat_layers import fat_layers
from trunk_phantoms import trunk

INPUTS = ("body", "lung-left", "lung-right", "skeleton", "fat")


@cache
def layered(*, feet_first: bool = False) -> Anatomy:
    """The trunk with a layer of fat under its skin, and a gap in the wall of the belly."""
    scan = trunk(feet_first=feet_first)
    x, y, z = positions(scan.volume.geometry)
    ring = (x / 150) ** 2 + (y / 105) ** 2
    outer = (ring > 0.84) & (ring < 0.96)
    cage = (x / 128) ** 2 + (y / 86) ** 2 <= 1
    gap = (np.abs(x - 10) < 5) & (y < -70) & ~cage & (ring <= 0.84) & (z > -120) & (z < -60)
    values = scan.volume.array.copy()
    values[outer | gap] = -100
    inner = cage & (values < -50) & (values > -200)
    truth = {"outer": outer, "inner": inner, "fat": outer | inner | gap}
    return Anatomy(scan.volume.with_array(values), scan.truth | truth)


def found_in(scan: Anatomy) -> tuple[np.ndarray, np.ndarray]:
    return fat_layers(scan.volume, *(scan.truth[name] for name in INPUTS))


@pytest.mark.slow
@pytest.mark.parametrize("feet_first", [False, True], ids=["head-first", "feet-first"])
def test_the_two_meet_in_the_gap_of_the_wall_and_are_all_there_is(feet_first):
    scan = layered(feet_first=feet_first)
    outer, inner = found_in(scan)
    assert dice(outer, scan.truth["outer"]) > 0.97
    assert dice(inner, scan.truth["inner"]) > 0.97
    assert np.array_equal(outer | inner, scan.truth["fat"])
    assert not (outer & inner).any()


@pytest.mark.slow
def test_where_no_lung_tells_what_is_inside_nothing_is_parted():
    scan = layered()
    none = np.zeros_like(scan.truth["fat"])
    with pytest.raises(EmptyMask, match="no lung in the scan"):
        found_in(Anatomy(scan.volume, scan.truth | {"lung-left": none, "lung-right": none}))
