"""Specks go, organs and their cavities stay."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.errors import ParameterError
from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.native.topology import pieces_of
from plastinate.stages.surface.contour import contour_mask
from plastinate.stages.surface.pieces import drop_specks


def bodies() -> Surface:
    """A block of 20 with a cavity of 6 and one of 1, a hollow speck of 5, a speck of 1."""
    mask = np.zeros((30, 30, 40), bool)
    mask[2:22, 2:22, 2:22] = True
    mask[5:11, 5:11, 5:11] = False
    mask[15, 15, 15] = False
    mask[5:10, 5:10, 30:35] = True
    mask[7, 7, 32] = False
    mask[27, 27, 27] = True
    return contour_mask(mask, Geometry(mask.shape, np.eye(4)), structure="bodies")


def signs(surface: Surface) -> list[int]:
    return sorted(int(v) for v in np.sign(pieces_of(surface).volume_ml))


def test_specks_go_with_their_cavities_and_small_cavities_are_filled():
    before = bodies()
    assert signs(before) == [-1, -1, -1, 1, 1, 1]
    after = drop_specks(before, min_volume_ml=0.15)
    assert signs(after) == [-1, 1]
    assert after.is_closed
    assert len(np.unique(after.triangles)) == len(after.vertices)
    assert after.volume_ml == pytest.approx(20**3 / 1000 - 6**3 / 1000, rel=0.02)


def test_a_share_of_the_largest_is_a_limit_too():
    assert signs(drop_specks(bodies(), min_share=0.001)) == [-1, 1, 1]


def test_cavities_can_all_be_filled():
    after = drop_specks(bodies(), keeps_cavities=False)
    assert signs(after) == [1, 1, 1]


def test_nothing_to_remove_gives_the_surface_itself():
    surface = bodies()
    assert drop_specks(surface) is surface


def test_the_largest_piece_stays_whatever_the_limit():
    assert signs(drop_specks(bodies(), min_volume_ml=1e6)) == [1]


@pytest.mark.parametrize("wrong", [{"min_volume_ml": -1.0}, {"min_share": 1.5}])
def test_limits_that_mean_nothing_are_refused(wrong):
    with pytest.raises(ParameterError):
        drop_specks(bodies(), **wrong)
