"""Figures against a reference: shapes with known answers, and the packages everybody uses as judges."""

from __future__ import annotations

import numpy as np
import pytest
import surface_distance
from surface_distance import lookup_tables

from plastinate.model.errors import NoMillimetres
from plastinate.model.geometry import Geometry
from plastinate.stages.verify.scores.bootstrap import bootstrap
from plastinate.stages.verify.scores.corner_areas import corner_areas
from plastinate.stages.verify.scores.onto_grid import onto_grid
from plastinate.stages.verify.scores.score_masks import score_masks
from plastinate.stages.verify.scores.surfaces import by_surface_area, by_surface_voxels

SPACING = (2.5, 0.7, 1.3)


def grid(shape, spacing=(1.0, 1.0, 1.0), unit="mm") -> Geometry:
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[1, 1], matrix[0, 2], matrix[3, 3] = -spacing[0], spacing[1], spacing[2], 1
    return Geometry(shape, matrix, unit)


def cube(shape, start, side) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[tuple(slice(a, a + side) for a in start)] = True
    return mask


def ball(shape, radius_mm, spacing, centre=None) -> np.ndarray:
    centre = centre or [(n - 1) / 2 * step for n, step in zip(shape, spacing, strict=True)]
    s, r, c = (np.arange(n) * step - middle for n, step, middle in zip(shape, spacing, centre, strict=True))
    return s[:, None, None] ** 2 + r[:, None] ** 2 + c**2 <= radius_mm**2


def rough(seed: int, shape=(20, 30, 26)) -> np.ndarray:
    """Something like an organ with a noisy edge, not touching the border."""
    noise = np.random.default_rng(seed).normal(0, 1.0, shape)
    whole, core = ball(shape, 12, (2.0, 1.0, 1.2)), ball(shape, 10, (2.0, 1.0, 1.2))
    return whole & (noise > -1.3) & (core | (noise > 0))


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), SPACING])
def test_the_area_of_all_256_corners_is_that_of_deepminds_table(spacing):
    table = lookup_tables.create_table_neighbour_code_to_surface_area(np.array(spacing))
    assert np.allclose(corner_areas(spacing), table, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_figures_by_area_are_those_of_deepminds_package(seed):
    ours, reference = rough(seed), np.roll(rough(seed + 9), 1, axis=1)
    found = by_surface_area(ours, reference, spacing_mm=SPACING)
    judge = surface_distance.compute_surface_distances(reference, ours, SPACING)
    for tolerance in (0.5, 1.0, 2.0, 3.0):
        judged = surface_distance.compute_surface_dice_at_tolerance(judge, tolerance)
        assert found.within(tolerance) == pytest.approx(judged, abs=1e-6)
    assert found.percentile_mm(95) == pytest.approx(
        surface_distance.compute_robust_hausdorff(judge, 95), abs=1e-5
    )
    areas = judge["surfel_areas_gt"].sum() + judge["surfel_areas_pred"].sum()
    means = surface_distance.compute_average_surface_distance(judge)
    both = means[0] * judge["surfel_areas_gt"].sum() + means[1] * judge["surfel_areas_pred"].sum()
    assert found.mean_mm() == pytest.approx(both / areas, abs=1e-5)


def test_surface_voxels_are_those_that_an_erosion_takes_away():
    from scipy import ndimage

    ours, reference = rough(4), rough(5)
    found = by_surface_voxels(ours, reference, spacing_mm=SPACING)
    edges = [mask & ~ndimage.binary_erosion(mask) for mask in (ours, reference)]
    to_reference, to_ours = (ndimage.distance_transform_edt(~edge, SPACING) for edge in reversed(edges))
    expected = np.concatenate([to_reference[edges[0]], to_ours[edges[1]]])
    assert found.mean_mm() == pytest.approx(expected.mean(), abs=1e-6)
    assert found.largest_mm() == pytest.approx(expected.max(), abs=1e-6)
    assert found.within(1.0) == pytest.approx((expected <= 1.0).mean(), abs=1e-9)


def test_a_cube_against_itself_moved_has_the_figures_of_a_calculation_by_hand():
    reference = cube((20, 20, 20), (4, 4, 4), 10)
    score = score_masks(np.roll(reference, 2, axis=2), reference, geometry=grid((20, 20, 20), SPACING))
    assert score.outcome == "found"
    assert score.dice == pytest.approx(0.8)
    assert score.volume_error_percent == 0
    # Two columns of 1.3 mm: no point of either lies farther than that, the two moved faces all do.
    assert score.mssd_mm == pytest.approx(2.6, abs=1e-5)
    assert score.nsd_3mm == score.nsd_3mm_voxels == 1.0
    assert score.hd95_mm == pytest.approx(2.6, abs=1e-5)
    assert 0 < score.nsd_1mm < 1
    assert score.reference_ml == pytest.approx(2.275)


def test_two_balls_in_one_another_are_as_far_apart_as_their_radii_differ():
    shape, spacing = (40, 70, 60), (1.5, 0.8, 1.0)
    inner, outer = ball(shape, 20, spacing), ball(shape, 24, spacing)
    score = score_masks(outer, inner, geometry=grid(shape, spacing))
    assert score.assd_mm == pytest.approx(4.0, abs=0.3)
    assert score.hd95_mm == pytest.approx(4.0, abs=0.8)
    assert score.dice == pytest.approx(2 * 20**3 / (20**3 + 24**3), abs=0.005)
    assert score.volume_error_percent == pytest.approx(100 * (24**3 / 20**3 - 1), abs=1)
    assert score.nsd_1mm == score.nsd_1mm_voxels == 0


def test_the_same_masks_agree_in_everything():
    score = score_masks(rough(6), rough(6), geometry=grid((20, 30, 26), SPACING))
    assert (score.dice, score.nsd_1mm, score.nsd_1mm_voxels) == (1, 1, 1)
    assert (score.hd95_mm, score.assd_mm, score.mssd_mm, score.volume_error_percent) == (0, 0, 0, 0)


def test_the_two_definitions_of_a_surface_differ_where_slices_are_thick():
    # A plate across the slices, moved by one of them: large faces, few voxels at its rim.
    plate = np.zeros((12, 30, 30), bool)
    plate[4:8, 5:25, 5:25] = True
    score = score_masks(np.roll(plate, 1, axis=0), plate, geometry=grid(plate.shape, (2.0, 1.0, 1.0)))
    assert abs(score.nsd_1mm - score.nsd_1mm_voxels) > 0.1


def test_what_neither_holds_is_rightly_absent_and_measures_nothing():
    nothing = np.zeros((4, 5, 6), bool)
    score = score_masks(nothing, nothing, geometry=grid((4, 5, 6)))
    assert score.outcome == "absent"
    assert score.dice is None
    assert score.nsd_1mm is None
    assert score.hd95_mm is None


def test_what_only_one_holds_overlaps_nowhere_and_has_no_distance():
    nothing, something = np.zeros((9, 9, 9), bool), cube((9, 9, 9), (2, 2, 2), 3)
    missed = score_masks(nothing, something, geometry=grid((9, 9, 9)))
    invented = score_masks(something, nothing, geometry=grid((9, 9, 9)))
    assert (missed.outcome, missed.dice, missed.volume_error_percent) == ("missed", 0, -100)
    assert (invented.outcome, invented.dice, invented.volume_error_percent) == ("invented", 0, None)
    for score in (missed, invented):
        assert score.nsd_3mm == 0
        assert score.assd_mm is None
        assert score.hd95_mm is None


def test_where_the_scan_cuts_an_organ_there_is_no_surface():
    # A rod through all slices, and the same rod one voxel thinner all round: never nearer than 1 mm.
    rod = np.zeros((8, 20, 20), bool)
    rod[:, 4:16, 4:16] = True
    thin = np.zeros_like(rod)
    thin[:, 6:14, 6:14] = True
    open_ended = score_masks(thin, rod, geometry=grid(rod.shape))
    closed = score_masks(thin, rod, geometry=grid(rod.shape), is_cut_surface=True)
    assert open_ended.nsd_1mm == open_ended.nsd_1mm_voxels == 0
    assert closed.nsd_1mm > 0.1
    assert closed.nsd_1mm_voxels > 0.1


def test_an_organ_that_fills_the_scan_has_no_surface_to_measure():
    full = np.ones((4, 4, 4), bool)
    score = score_masks(full, full, geometry=grid((4, 4, 4)))
    assert score.dice == 1
    assert score.assd_mm is None
    assert score.nsd_1mm is None


def test_a_grid_without_a_size_gives_no_figures():
    with pytest.raises(NoMillimetres):
        score_masks(np.ones((2, 2, 2), bool), np.ones((2, 2, 2), bool), geometry=grid((2, 2, 2), unit="px"))


def test_masks_of_two_grids_are_refused():
    with pytest.raises(ValueError, match="reference"):
        by_surface_area(np.ones((2, 2, 2), bool), np.ones((2, 2, 3), bool), spacing_mm=(1, 1, 1))


def test_labels_keep_their_place_on_a_grid_that_runs_the_other_way():
    array = np.arange(24, dtype=np.uint16).reshape(2, 3, 4)
    here = grid((2, 3, 4), SPACING)
    # Feet first: slices and rows turned round, columns swapped with the slices.
    order, matrix = (2, 1, 0), here.to_lps_mm.copy()
    matrix[:3, :3] = here.to_lps_mm[:3, order]
    matrix[:3, 3] += matrix[:3, 1] * 2
    matrix[:3, 1] *= -1
    turned = np.ascontiguousarray(array.transpose(order)[:, ::-1])
    there = Geometry(turned.shape, matrix)
    assert np.array_equal(onto_grid(array, here, there), turned)
    assert np.array_equal(onto_grid(turned, there, here), array)


def test_a_part_of_the_grid_and_what_lies_beyond_it():
    array = np.arange(1, 61, dtype=np.uint16).reshape(3, 4, 5)
    whole = grid((3, 4, 5), SPACING)
    part = whole.crop((1, 1, 2), (2, 3, 3))
    assert np.array_equal(onto_grid(array, whole, part), array[1:, 1:, 2:])
    back = onto_grid(array[1:, 1:, 2:], part, whole)
    assert np.array_equal(back[1:, 1:, 2:], array[1:, 1:, 2:])
    assert back.sum() == array[1:, 1:, 2:].sum()


def test_a_tilted_grid_takes_the_nearest_voxel():
    shape = (20, 20, 20)
    straight = grid(shape)
    angle = np.radians(20)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    matrix = straight.to_lps_mm.copy()
    matrix[:3, :3] = turn @ matrix[:3, :3]
    centre = straight.index_to_lps(np.full(3, 9.5))
    matrix[:3, 3] = centre - matrix[:3, :3] @ np.full(3, 9.5)
    solid = ball(shape, 7, (1, 1, 1))
    turned = onto_grid(solid, straight, Geometry(shape, matrix))
    assert turned.sum() == pytest.approx(solid.sum(), rel=0.03)
    assert score_masks(turned, solid, geometry=straight).dice > 0.95


def test_an_interval_holds_the_mean_narrows_with_cases_and_is_the_same_each_time():
    few, many = [0.9, 0.95, 0.85, 0.92], [0.9, 0.95, 0.85, 0.92] * 10
    first, second = bootstrap(few), bootstrap(many)
    assert first == bootstrap(few)
    assert first.mean == pytest.approx(0.905)
    assert first.low < first.mean < first.high
    assert second.high - second.low < first.high - first.low
    # Of the mean of n values about 2 * 1.96 standard errors wide.
    error = np.std(many) / np.sqrt(len(many))
    assert second.high - second.low == pytest.approx(3.92 * error, rel=0.1)


def test_of_two_cases_there_is_no_interval_and_of_none_no_mean():
    assert bootstrap([0.9, 0.8]).low is None
    assert bootstrap([]) is None


def test_figures_by_either_definition_are_those_of_monai():
    # MONAI needs torch, so it was asked once: version 1.6.1, torch 2.13, these masks, both definitions.
    shape, spacing = (24, 40, 44), SPACING
    ours = ball(shape, 11, spacing) | ball(shape, 5, spacing, [20, 14, 40])
    reference = ball(shape, 10, spacing, [30, 14.5, 29]) & ~ball(shape, 4, spacing, [22, 10, 25])
    score = score_masks(ours, reference, geometry=grid(shape, spacing), is_cut_surface=True)
    assert score.dice == pytest.approx(0.776369, abs=1e-6)
    assert score.nsd_1mm == pytest.approx(0.545616, abs=1e-6)
    assert score.nsd_3mm == pytest.approx(0.906431, abs=1e-6)
    assert score.nsd_1mm_voxels == pytest.approx(0.452408, abs=1e-6)
    assert score.nsd_3mm_voxels == pytest.approx(0.879014, abs=1e-6)
    assert score.assd_mm == pytest.approx(1.615926, abs=1e-5)
    assert score.mssd_mm == pytest.approx(10.383160, abs=1e-5)
    # MONAI draws a line between the two distances beside the 95th percentile; we take the farther one.
    voxels = by_surface_voxels(ours, reference, spacing_mm=spacing, is_cut_surface=True)
    assert voxels.percentile_mm(95) == pytest.approx(7.075654, abs=0.03)
