import numpy as np
import pytest

from plastinate.model.errors import EmptyMask, NoMillimetres, ParameterError
from plastinate.stages.segment import morphology
from voxel_scenes import ball, volume_of

SHAPE = (20, 30, 30)
SPACING = (2.0, 1.0, 0.8)


def grid(**kwargs):
    return volume_of(np.zeros(SHAPE, dtype=np.int16), spacing_mm=SPACING, **kwargs)


def test_growing_by_a_radius_is_round_in_millimetres():
    seed = np.zeros(SHAPE, dtype=bool)
    seed[10, 15, 15] = True
    grown = morphology.dilate(grid(), seed, radius_mm=5.0)
    assert np.array_equal(grown, ball(SHAPE, (10, 15, 15), 5.0, spacing=SPACING))
    assert np.array_equal(morphology.erode(grid(), grown, radius_mm=4.0) & seed, seed)


def test_opening_cuts_a_bridge_and_closing_bridges_a_gap():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[5:15, 10:20, 2:12] = mask[5:15, 10:20, 18:28] = True
    mask[10, 15, :] = True
    apart = morphology.opening(grid(), mask, radius_mm=2.5)
    assert not apart[:, :, 13:17].any()
    assert apart[10, 15, 6]
    assert apart[10, 15, 22]
    gap = mask & ~np.isin(np.arange(30), [6, 7])
    assert morphology.closing(grid(), gap, radius_mm=2.0)[10, 15, 6]


def test_eroding_all_away_is_an_empty_result():
    with pytest.raises(EmptyMask, match="9 mm"):
        morphology.erode(grid(), ball(SHAPE, (10, 15, 15), 4), radius_mm=9)
    with pytest.raises(EmptyMask, match="9 mm"):
        morphology.opening(grid(), ball(SHAPE, (10, 15, 15), 4), radius_mm=9)


def test_pieces_are_kept_by_rank_and_by_millilitres():
    large, small = ball(SHAPE, (10, 8, 8), 6), ball(SHAPE, (10, 22, 22), 3)
    speck = np.zeros(SHAPE, dtype=bool)
    speck[0, 0, 29] = True
    mask = large | small | speck
    assert np.array_equal(morphology.largest_pieces(grid(), mask), large)
    assert np.array_equal(morphology.largest_pieces(grid(), mask, count=2), large | small)
    assert np.array_equal(morphology.remove_specks(grid(), mask, min_piece_ml=0.1), large | small)
    exact_ml = int(small.sum()) * 1.6 / 1000
    assert np.array_equal(morphology.remove_specks(grid(), mask, min_piece_ml=exact_ml), large | small)
    with pytest.raises(EmptyMask, match="500 ml"):
        morphology.remove_specks(grid(), mask, min_piece_ml=500)


def test_a_cavity_is_filled_in_space_and_a_tunnel_in_its_plane():
    mask = np.zeros(SHAPE, dtype=bool)
    mask[2:18, 5:25, 5:25] = True
    cavity = mask.copy()
    cavity[9:11, 14:16, 14:16] = False
    assert np.array_equal(morphology.fill_cavities(grid(), cavity), mask)
    tunnel = mask.copy()
    tunnel[:, 14:16, 14:16] = False
    assert np.array_equal(morphology.fill_cavities(grid(), tunnel), tunnel)
    assert np.array_equal(morphology.fill_holes(grid(), tunnel, plane="axial"), mask)
    assert np.array_equal(morphology.fill_holes(grid(), tunnel, plane="sagittal"), tunnel)
    # The hole is 2 x 2 voxels of 1.0 x 0.8 mm: 0.032 cm2.
    assert np.array_equal(morphology.fill_holes(grid(), tunnel, max_hole_cm2=0.031), tunnel)
    assert np.array_equal(morphology.fill_holes(grid(), tunnel, max_hole_cm2=0.033), mask)


def test_planes_are_named_by_the_patient_and_not_by_the_array():
    assert [morphology.plane_axis(grid(), name) for name in ("axial", "coronal", "sagittal")] == [0, 1, 2]
    matrix = grid().geometry.to_lps_mm[:, [1, 2, 0, 3]]
    turned = type(grid().geometry)(SHAPE, matrix)
    volume = type(grid())(turned, np.zeros(SHAPE, dtype=np.int16), "HU")
    assert [morphology.plane_axis(volume, name) for name in ("axial", "coronal", "sagittal")] == [2, 0, 1]


def test_millimetres_are_asked_for_only_where_there_are_some():
    mask = ball(SHAPE, (10, 15, 15), 4)
    pixels = grid(unit="px")
    assert np.array_equal(morphology.largest_pieces(pixels, mask), mask)
    with pytest.raises(NoMillimetres):
        morphology.dilate(pixels, mask, radius_mm=2)
    with pytest.raises(NoMillimetres):
        morphology.remove_specks(pixels, mask, min_piece_ml=1)


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        (morphology.dilate, {"radius_mm": 0}),
        (morphology.erode, {"radius_mm": float("nan")}),
        (morphology.largest_pieces, {"count": 0}),
        (morphology.largest_pieces, {"connectivity": 7}),
        (morphology.remove_specks, {"min_piece_ml": -1}),
        (morphology.fill_holes, {"plane": "diagonal"}),
        (morphology.fill_holes, {"max_hole_cm2": -1}),
    ],
)
def test_parameters_without_meaning_are_refused(method, wrong):
    with pytest.raises(ParameterError):
        method(grid(), ball(SHAPE, (10, 15, 15), 4), **wrong)
