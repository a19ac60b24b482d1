"""Triangles that run through each other are moved apart; the mesh itself is never cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.model.surface import Surface
from plastinate.native.crossings import self_crossings
from plastinate.stages.surface.mend import mend, untangle


def bumpy_sheet(size: int, *, wave_mm: float = 0.5) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint32]]:
    """A wavy square sheet with 1 mm between its vertices."""
    row, column = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    height = wave_mm * np.sin(row / 3) * np.cos(column / 4)
    points = np.stack([row, column, height], axis=-1).reshape(-1, 3).astype(np.float32)
    corner = (row[:-1, :-1] * size + column[:-1, :-1]).ravel()
    triangles = np.concatenate(
        [
            np.stack([corner, corner + size, corner + size + 1], 1),
            np.stack([corner, corner + size + 1, corner + 1], 1),
        ]
    )
    return points, triangles.astype(np.uint32)


def crossings(points: npt.NDArray[np.float32], triangles: npt.NDArray[np.uint32]) -> int:
    return self_crossings(points, triangles)[0]


def test_a_surface_without_crossings_comes_back_as_it_was() -> None:
    points, triangles = bumpy_sheet(12)
    surface = Surface(points, triangles, "sheet")
    result = mend(surface)
    assert result.surface is surface
    assert result.crossings_before == result.crossings_after == 0
    assert result.notes == ()


def test_vertices_dragged_through_their_neighbours_are_brought_back() -> None:
    points, triangles = bumpy_sheet(16)
    dragged = points.copy()
    dragged[[7 * 16 + 7, 7 * 16 + 8, 8 * 16 + 7, 8 * 16 + 8]] += np.array([2.6, 0.7, 0.05], dtype=np.float32)
    assert crossings(dragged, triangles) > 0
    result = mend(Surface(dragged, triangles, "sheet"))
    assert result.crossings_before > 0
    assert result.crossings_after == 0
    assert crossings(result.surface.vertices, triangles) == 0
    assert np.array_equal(result.surface.triangles, triangles)
    far = np.linalg.norm(points - points[8 * 16 + 8], axis=1) > 7
    assert np.array_equal(result.surface.vertices[far], points[far])


def test_two_sheets_that_dip_into_each_other_are_parted() -> None:
    low, triangles = bumpy_sheet(14, wave_mm=0.0)
    high = low.copy()
    high[:, 2] = 0.4
    high[7 * 14 + 7, 2] = -0.3
    points = np.concatenate([low, high])
    both = np.concatenate([triangles, triangles + np.uint32(len(low))])
    assert crossings(points, both) > 0
    assert mend(Surface(points, both, "two")).crossings_after == 0


def test_going_back_to_where_it_came_from_ends_all_crossings() -> None:
    rest, triangles = bumpy_sheet(20)
    rng = np.random.default_rng(4)
    wild = (rest + rng.normal(scale=0.5, size=rest.shape)).astype(np.float32)
    assert crossings(wild, triangles) > 20
    found = untangle(wild, triangles, rest=rest)
    assert found.after == crossings(found.vertices, triangles) == 0


def test_a_corner_of_the_net_does_not_move() -> None:
    points, triangles = bumpy_sheet(13)
    labels = np.ones((len(triangles), 2), dtype=np.uint16)
    middle = points[triangles].mean(axis=1)
    # Four walls meet in the vertex at row 6, column 6.
    labels[:, 1] = 2 + (middle[:, 0] > 6) + 2 * (middle[:, 1] > 6)
    dragged = points.copy()
    dragged[[7 * 13 + 7, 7 * 13 + 8, 8 * 13 + 7, 8 * 13 + 8]] -= np.array([2.6, 0.7, 0.05], dtype=np.float32)
    assert crossings(dragged, triangles) > 0
    found = untangle(dragged, triangles, labels)
    assert found.after == 0
    assert np.array_equal(found.vertices[6 * 13 + 6], points[6 * 13 + 6])


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), scale=st.floats(0.1, 1.5))
def test_mending_never_leaves_more_crossings_than_it_found(seed: int, scale: float) -> None:
    rest, triangles = bumpy_sheet(10)
    wild = (rest + np.random.default_rng(seed).normal(scale=scale, size=rest.shape)).astype(np.float32)
    result = mend(Surface(wild, triangles, "wild"))
    assert result.crossings_after == crossings(result.surface.vertices, triangles)
    assert result.crossings_after <= result.crossings_before
    assert bool(result.notes) == (result.crossings_after > 0)
