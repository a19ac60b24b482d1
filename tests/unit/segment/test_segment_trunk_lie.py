"""Whether a trunk lies as its scan says."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.stages.segment.trunk_lie import trunk_lie
from trunk_phantoms import between, phantom

LEFT, BACK, HEAD = 0, 1, 2


def flipped(volume: Volume, *patient_axes: int) -> Volume:
    array = volume.array
    for each in patient_axes:
        array = np.flip(array, int(np.abs(volume.geometry.to_lps_mm[each, :3]).argmax()))
    return Volume(volume.geometry, np.ascontiguousarray(array), volume.quantity, volume.modality)


def codes(volume: Volume) -> list[str]:
    return [finding.code for finding in trunk_lie(volume)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ((), []),
        ((LEFT,), ["segment.mirrored"]),
        ((BACK,), ["segment.back-to-front"]),
        ((HEAD,), ["segment.upside-down"]),
        ((LEFT, BACK), ["segment.back-to-front", "segment.mirrored"]),
        ((LEFT, HEAD), ["segment.upside-down", "segment.mirrored"]),
        ((BACK, HEAD), ["segment.back-to-front", "segment.upside-down"]),
    ],
    ids=["right", "left", "back", "head", "left-back", "left-head", "back-head"],
)
def test_what_of_a_trunk_is_turned_is_named_and_nothing_else(axes, said):
    assert codes(flipped(phantom().volume, *axes)) == said


@pytest.mark.slow
@pytest.mark.parametrize("contrast", [True, False])
def test_a_patient_who_lies_prone_or_feet_first_and_whose_scan_says_so_is_not_called_turned(contrast):
    assert codes(phantom(contrast=contrast, feet_first=True).volume) == []
    volume = phantom(contrast=contrast).volume
    # Prone: rows run to the front and columns to the right, in the array as in its geometry.
    matrix = volume.geometry.to_lps_mm.copy()
    for axis in (1, 2):
        matrix[:3, 3] += matrix[:3, axis] * (volume.geometry.shape[axis] - 1)
        matrix[:3, axis] *= -1
    array = np.ascontiguousarray(volume.array[:, ::-1, ::-1])
    assert codes(Volume(Geometry(array.shape, matrix), array, "HU", "CT")) == []


@pytest.mark.slow
def test_what_is_no_trunk_is_not_judged():
    assert codes(anatomy_phantoms.head().volume) == []
    assert codes(flipped(anatomy_phantoms.head().volume, BACK)) == []
    scan = between(phantom(), -210, -180).volume
    assert codes(flipped(scan, LEFT)) == []
    nothing = Volume(scan.geometry, np.full(scan.array.shape, -1000, dtype=np.int16), "HU", "CT")
    assert codes(nothing) == []


def test_other_modalities_and_scans_without_millimetres_are_not_judged():
    volume = flipped(phantom().volume, BACK)
    assert codes(Volume(volume.geometry, volume.array, "a.u.", "MR")) == []
    bare = Geometry(volume.geometry.shape, volume.geometry.to_lps_mm, "px")
    assert codes(Volume(bare, volume.array, "HU", "CT")) == []
