"""A trunk of a size that no adult has is named."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.stages.segment.trunk_size import odd_sizes

MM = 10.0
SHAPE = (40, 34, 44)


def cylinder(rows_mm: float, columns_mm: float, planes: slice, shape: tuple[int, int, int]) -> np.ndarray:
    r, c = (np.arange(size) - (size - 1) / 2 for size in shape[1:])
    mask = np.zeros(shape, dtype=bool)
    mask[planes] = (r[:, None] * 2 * MM / rows_mm) ** 2 + (c[None] * 2 * MM / columns_mm) ** 2 < 1
    return mask


def said(*, across: float = 1.0, along: float = 1.0, lungs: slice = slice(6, 30), is_cut: bool = False):
    """Codes of a trunk 230 mm deep and 310 wide with lungs of 240 mm, scaled."""
    body = cylinder(230, 310, slice(0, 40), SHAPE)
    lung = cylinder(130, 210, lungs, SHAPE)
    # Slices run down, rows back, columns left.
    matrix = np.array(
        [
            [0, 0, MM * across, 0],
            [0, MM * across, 0, 0],
            [-MM * along, 0, 0, 0],
            [0, 0, 0, 1],
        ]
    )
    array = np.where(body, 40, UNMEASURED_INT16 if is_cut else -1000).astype(np.int16)
    grid = Geometry(SHAPE, matrix)
    spine = np.ones(SHAPE[0], dtype=bool)
    found = odd_sizes(Volume(grid, array, "HU", "CT"), grid=grid, body=body, lung=lung, spine=spine)
    return [finding.code for finding in found]


@pytest.mark.parametrize(
    ("scaled", "code"),
    [
        ({"across": 1.2, "along": 1.2}, None),
        ({"across": 0.85, "along": 0.85}, None),
        ({"along": 2.5}, "segment.impossible-size"),
        ({"across": 2.0, "along": 2.0}, "segment.impossible-size"),
        ({"across": 2.0}, "segment.unlike-adult"),
        ({"across": 0.5, "along": 0.5}, "segment.unlike-adult"),
        ({"along": 0.4}, "segment.unlike-adult"),
        ({"along": 0.4, "lungs": slice(0, 24)}, None),
        ({"across": 0.5, "along": 0.5, "is_cut": True}, None),
        ({"across": 0.5, "lungs": slice(0, 0)}, "segment.unlike-adult"),
    ],
    ids=str,
)
def test_a_trunk_has_an_adults_size_or_is_named(scaled, code):
    assert said(**scaled) == ([code] if code else [])
