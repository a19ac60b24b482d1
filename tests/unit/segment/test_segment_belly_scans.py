"""Spleen, aorta, spine, ribs and fat on real scans; left out where there are none."""

from __future__ import annotations

import numpy as np
import pytest
from test_segment_scans import scan

from plastinate.model.errors import EmptyMask
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.recipes.load import recipe_for_organs
from plastinate.stages import catalog

ORGANS = ("spleen", "aorta", "spine", "ribs", "fat-visceral", "fat-subcutaneous")


def looked_for(volume: Volume) -> dict[str, np.ndarray]:
    """Every mask that the organs' recipes make, each step done once; empty where it finds nothing."""
    masks: dict[str, np.ndarray] = {}
    for step in recipe_for_organs(ORGANS, "CT").segment:
        none = np.zeros(volume.geometry.shape, dtype=np.bool_)
        try:
            made = catalog.SEGMENT[step.method].load()(
                volume, *(masks[name] for name in step.inputs), **step.params
            )
        except EmptyMask:
            made = tuple(none for _ in step.into)
        made = made.masks if isinstance(made, Remarked) else made
        masks.update(zip(step.into, made if isinstance(made, tuple) else (made,), strict=True))
    return masks


@pytest.mark.scans
@pytest.mark.slow
def test_an_abdomen_shows_each_in_its_place_and_as_large_as_it_looks(tmp_path):
    volume = scan("crlm-ct-1006", "crlm-ct-nolabel", tmp_path)
    found = looked_for(volume)
    ml = {name: mask.sum() * volume.geometry.voxel_ml for name, mask in found.items()}
    # Measured 236, 74, 381, 142, 4733 and 1394 ml, each looked at slice by slice.
    assert 220 < ml["spleen"] < 255
    assert 66 < ml["aorta"] < 82
    assert 350 < ml["spine"] < 410
    assert 125 < ml["ribs"] < 160
    assert 4500 < ml["fat-subcutaneous"] < 5000
    assert 1200 < ml["fat-visceral"] < 1600
    x, y, _ = volume.geometry.index_to_lps(np.argwhere(found["spleen"]).astype(np.float64)).T
    spine = volume.geometry.index_to_lps(np.argwhere(found["spine"]).astype(np.float64))
    assert x.min() > np.median(spine[:, 0]) + 20
    assert y.max() < spine[:, 1].max()
    for one, other in (("spleen", "aorta"), ("spine", "ribs"), ("aorta", "spine")):
        assert (found[one] & found[other]).sum() <= 10
