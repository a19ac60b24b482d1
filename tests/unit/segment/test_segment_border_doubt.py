"""How sure a border is."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.stages.segment.border_doubt import EdgeSense, border_doubt

SENSE = EdgeSense(clear_hu=50.0, clear_mm=1.0, blind_mm=5.0)


def halves(right_hu: float) -> tuple[np.ndarray, np.ndarray]:
    """A cube whose left side has an edge of 100 HU, and its right side one to something of that value."""
    mask = np.zeros((48, 48, 60), dtype=bool)
    mask[8:40, 8:40, 14:46] = True
    values = np.full(mask.shape, -60.0, dtype=np.float32)
    values[8:40, 8:40, 46:] = right_hu
    values[mask] = 40
    return mask, values


def test_a_rim_is_as_wide_as_its_edge_is_faint():
    mask, values = halves(40.0)
    doubt = border_doubt(values, mask, (1.0, 1.0, 1.0), sense=SENSE)
    line = doubt.likelihood[24, 24]
    assert ((doubt.likelihood >= 0.5) == mask).all()
    clear = np.count_nonzero((line[:30] > 0.1) & (line[:30] < 0.9))
    blind = np.count_nonzero((line[30:] > 0.1) & (line[30:] < 0.9))
    assert clear <= 3
    assert 9 <= blind <= 11
    assert line[0] == line[59] == 0
    assert line[30] > 0.99


@pytest.mark.parametrize(("right_hu", "share"), [(-60.0, 0.0), (40.0, 1 / 8)])
def test_the_share_of_the_border_without_an_edge_is_told(right_hu, share):
    mask, values = halves(right_hu)
    found = border_doubt(values, mask, (1.0, 1.0, 1.0), sense=SENSE).estimated_share
    assert found == pytest.approx(share, abs=0.05)
