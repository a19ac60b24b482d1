"""Landmarks that finders lean on: the patient's own grid, the spinal canal, a vessel's rim, the floods."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.stages.segment.flooding import flooded
from plastinate.stages.segment.patient_grid import averaged, box_between, moved, moved_mask, patient_grid
from plastinate.stages.segment.spinal_canal import roll_of, spinal_canal
from plastinate.stages.segment.vessel_path import best_rings, discs, ring_scores


@pytest.mark.parametrize("feet_first", [False, True])
def test_a_patient_grid_runs_down_to_the_back_and_to_the_left_and_holds_the_whole_scan(feet_first):
    scan = anatomy_phantoms.grid((30, 40, 50), 2.0, feet_first=feet_first)
    grid = patient_grid(scan, 2.5)
    assert np.allclose(grid.to_lps_mm[:3, :3], [[0, 0, 2.5], [0, 2.5, 0], [-2.5, 0, 0]])
    assert (grid.corners_lps_mm.min(axis=0) <= scan.corners_lps_mm.min(axis=0) + 1e-6).all()
    assert (grid.corners_lps_mm.max(axis=0) >= scan.corners_lps_mm.max(axis=0) - 1e-6).all()


def test_a_mask_keeps_its_place_on_another_grid():
    scan = anatomy_phantoms.grid((30, 40, 50), 2.0, feet_first=True)
    x, y, z = anatomy_phantoms.positions(scan)
    ball = (x - 9) ** 2 + (y + 5) ** 2 + (z - 4) ** 2 <= 15**2
    grid = patient_grid(scan, 2.5)
    there = moved_mask(ball, scan, grid)
    assert grid.index_to_lps(np.argwhere(there).mean(axis=0)) == pytest.approx([9, -5, 4], abs=0.7)
    assert there.sum() * grid.voxel_ml == pytest.approx(ball.sum() * scan.voxel_ml, rel=0.05)
    box = box_between(there, grid, scan)
    assert ball[box].sum() == ball.sum()
    back = moved(there.astype(np.float32), grid, scan)
    assert (np.nan_to_num(back) > 0.5)[ball].mean() > 0.9


def test_averaging_takes_noise_away_and_moves_nothing():
    scan = anatomy_phantoms.grid((9, 41, 50), 0.8)
    x, _y, _z = anatomy_phantoms.positions(scan)
    noise = np.random.default_rng(2).normal(0, 30, scan.shape)
    array = np.rint(np.where(x > 4, 100, 0) + noise).astype(np.int16)
    array[:, :3] = UNMEASURED_INT16
    coarse = averaged(Volume(scan, array, "HU", "CT"), 2.5)
    assert coarse.geometry.spacing_mm == pytest.approx((2.4, 2.4, 2.4))
    assert coarse.geometry.corners_lps_mm[0] == pytest.approx(scan.corners_lps_mm[0])
    there = anatomy_phantoms.positions(coarse.geometry)[0]
    bright = coarse.array[:, 1:][there[:, 1:] > 6]
    assert bright.mean() == pytest.approx(100, abs=2)
    assert bright.std() < 9
    assert (coarse.array[:, 0] <= -1000).all()


def test_an_empty_mask_has_no_box():
    grid = anatomy_phantoms.grid((3, 3, 3), 1.0)
    with pytest.raises(ValueError, match="no box"):
        box_between(np.zeros(grid.shape, dtype=bool), grid, grid)


def spine(*, open_from: int = 99) -> tuple[np.ndarray, Geometry]:
    """A leaning column of bodies and arches; from that plane on the arches are missing."""
    grid = patient_grid(anatomy_phantoms.grid((40, 60, 60), 2.5), 2.5)
    s, r, c = np.indices(grid.shape)
    c = c - 0.25 * s
    bone = (r - 28) ** 2 + (c - 30) ** 2 <= 7**2
    bone |= ((r - 37) ** 2 + (c - 30) ** 2 <= 6**2) & ((s < open_from) | (s % 8 > 5))
    bone &= ~((r - 37) ** 2 + (c - 30) ** 2 <= 3**2)
    return bone, grid


def test_the_canal_is_followed_where_it_leans_and_across_gaps_between_arches():
    bone, grid = spine(open_from=20)
    canal = spinal_canal(bone, grid, middle_column=34.0)
    assert canal is not None
    planes = np.arange(40)
    assert np.abs(canal.rows - 37).max() < 3
    assert np.abs(canal.rows[:18] - 37).max() < 1.5
    assert np.abs(canal.columns - (30 + 0.25 * planes)).max() < 2.5
    assert canal.enclosed[:18].min() > 0.9


def test_a_tube_of_bone_without_a_vertebral_body_in_front_is_no_spine():
    grid = patient_grid(anatomy_phantoms.grid((40, 60, 60), 2.5), 2.5)
    _s, r, c = np.indices(grid.shape)
    tube = ((r - 30) ** 2 + (c - 30) ** 2 <= 6**2) & ~((r - 30) ** 2 + (c - 30) ** 2 <= 3**2)
    assert spinal_canal(tube, grid, middle_column=30.0) is None


def test_the_canal_is_found_behind_bodies_whose_cortex_shows_in_pieces_only():
    bone, grid = spine()
    s, r, c = np.indices(grid.shape)
    c = c - 0.25 * s
    marrow = (r - 28) ** 2 + (c - 30) ** 2 <= 6**2
    slits = (s % 3 == 0) & (r < 28) & ((r + 2 * s) % 7 < 2)
    canal = spinal_canal(bone & ~marrow & ~slits, grid, middle_column=34.0)
    assert canal is not None
    assert np.abs(canal.rows - 37).max() < 1.5


@pytest.mark.parametrize("degrees", [-30, -12, 0, 15])
def test_the_roll_is_read_off_the_mirror_image_of_spine_and_ribs(degrees):
    grid = patient_grid(anatomy_phantoms.grid((24, 120, 120), 2.5), 2.5)
    s, r, c = np.indices(grid.shape)
    turn = np.deg2rad(degrees)
    # Ahead is up, which is less of the rows; turned to the left is more of the columns.
    ahead = -(r - 75) * np.cos(turn) + (c - 60) * np.sin(turn)
    aside = (r - 75) * np.sin(turn) + (c - 60) * np.cos(turn)
    bone = (np.hypot(ahead - 10, aside) <= 7) | (np.abs(np.hypot(ahead, aside) - 4.5) < 1.5)
    cage = np.abs(np.hypot(ahead / 32, aside / 48) - 1) < 0.04
    bone |= cage & (ahead < 25) & (s % 8 < 3)
    canal = spinal_canal(bone, grid, middle_column=60.0)
    assert canal is not None
    assert np.rad2deg(roll_of(bone, canal, grid)) == pytest.approx(degrees, abs=3)


def test_a_vessel_is_followed_by_its_rim_and_its_width_is_known():
    s, r, c = np.indices((12, 50, 50))
    values = np.full(s.shape, -100.0, dtype=np.float32)
    values[(r - 25) ** 2 + (c - 20 - 0.5 * s) ** 2 <= 6**2] = 40
    radii = np.arange(10.0, 22.6, 2.5)
    rings = best_rings(ring_scores(values, 2.5, radii), radii)
    assert [ring.plane for ring in rings] == list(range(12))
    assert max(abs(ring.column - 20 - 0.5 * ring.plane) for ring in rings) <= 1.5
    assert {ring.radius_mm for ring in rings} <= {12.5, 15.0, 17.5}
    assert min(ring.score for ring in rings) > 0.7
    filled = discs(rings, values.shape, 2.5)
    assert (filled & (values > 0)).sum() > 0.85 * (values > 0).sum()


def test_floods_meet_on_the_ridge():
    relief = np.zeros((5, 5, 9))
    relief[:, :, 6] = 3
    seeds = np.zeros(relief.shape, dtype=np.uint8)
    seeds[2, 2, 0], seeds[2, 2, 8] = 1, 2
    basins = flooded(relief, seeds)
    assert (basins[:, :, :6] == 1).all()
    assert (basins[:, :, 7:] == 2).all()
