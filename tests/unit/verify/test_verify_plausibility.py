"""The traffic light: each doubt is raised by the one thing that is wrong, and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plastinate.model.evidence import SurfaceQuality
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.recipe import Expectation
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.stages.verify.metal import METAL
from plastinate.stages.verify.plausibility import judge_structure
from voxel_scenes import ball, volume_of

SHAPE = (24, 26, 28)
WIDE = np.diag([4.0, 4.0, 4.0, 1.0])
GOOD = SurfaceQuality(
    triangles=100,
    vertices=52,
    is_closed=True,
    is_manifold=True,
    self_crossings=0,
    pieces=1,
    volume_ml=2.0,
    mask_volume_ml=2.0,
    volume_drift_percent=0.4,
    area_cm2=7.0,
    distance_mean_mm=0.2,
    distance_p95_mm=0.4,
    distance_max_mm=0.6,
    distance_mean_voxel=0.2,
    distance_p95_voxel=0.4,
    distance_max_voxel=0.6,
    thinnest_wall_mm=3.0,
)
BALL = ball(SHAPE, (12, 13, 14), 6)


def scan(*, unit="mm", filled=()) -> Volume:
    volume = volume_of(np.full(SHAPE, 40, dtype=np.int16), unit=unit)
    slices = np.zeros(SHAPE[0], dtype=bool)
    slices[list(filled)] = True
    return replace(volume, filled_slices=slices)


def judged(mask=BALL, *, name="organ", volume=None, quality=GOOD, others=None, noticed=(), **expected):
    volume = volume or scan()
    array = mask.astype(np.uint16)
    structures = {1: name}
    for number, (other, place) in enumerate((others or {}).items(), 2):
        array[place & ~mask] = number
        structures[number] = other
    labels = LabelMap(volume.geometry, array, structures)
    return judge_structure(
        name,
        mask=mask,
        volume=volume,
        labels=labels,
        expectation=Expectation(**expected),
        quality=quality,
        noticed=noticed,
    )


@pytest.mark.parametrize(
    ("code", "words"),
    [("ingest.no-position", "where its slices lie"), ("ingest.no-orientation", "how the patient lies")],
)
def test_a_scan_that_hides_left_and_right_is_amber_however_good_the_surface(code, words):
    verdict = judged(noticed={code, "ingest.tilt"})
    assert verdict.light == "amber"
    assert len(verdict.reasons) == 1
    assert words in verdict.reasons[0]


def test_a_scan_without_a_pixel_size_is_amber_even_where_no_volume_is_expected():
    verdict = judged(volume=scan(unit="px"))
    assert verdict.light == "amber"
    assert "pixel size" in verdict.reasons[0]


def test_fewer_than_eight_voxels_are_too_small_to_be_measured():
    few = np.zeros(SHAPE, dtype=bool)
    few[10:12, 10:12, 10:12] = True
    assert judged(few).light == "green"
    few[10, 10, 10] = False
    assert judged(few).light == "red"
    assert judged(few).reasons == ("It is too small to be measured: 7 voxels.",)


def test_nothing_wrong_is_green_and_says_nothing():
    verdict = judged(volume_ml=(0.5, 2.0), max_pieces=1, mean_range=(30, 50))
    assert (verdict.light, verdict.reasons) == ("green", ())


def test_not_one_voxel_is_red():
    assert judged(np.zeros(SHAPE, dtype=bool)).light == "red"


@pytest.mark.parametrize(
    ("flaw", "light", "words"),
    [
        ({"is_closed": False}, "red", "not closed"),
        ({"is_manifold": False}, "red", "not closed"),
        ({"self_crossings": 3}, "amber", "3 places"),
        ({"distance_mean_voxel": 0.6}, "amber", "0.60 voxels on average"),
        ({"distance_p95_voxel": 1.2}, "amber", "1.20 at p95"),
        ({"volume_drift_percent": -3.4}, "amber", "3.4 % smaller"),
    ],
)
def test_each_flaw_of_the_surface_is_named(flaw, light, words):
    verdict = judged(quality=replace(GOOD, **flaw))
    assert verdict.light == light
    assert len(verdict.reasons) == 1
    assert words in verdict.reasons[0]


def test_a_drift_that_is_not_known_is_not_held_against_it():
    assert judged(quality=replace(GOOD, volume_drift_percent=None)).light == "green"


@pytest.mark.parametrize(
    ("usual_ml", "light", "word"),
    [
        ((1.2, 2.0), "amber", "smaller"),
        ((3.0, 9.0), "red", "smaller"),
        ((0.1, 0.6), "amber", "larger"),
        ((0.1, 0.2), "red", "larger"),
    ],
)
def test_a_volume_out_of_range_is_amber_and_far_out_of_it_red(usual_ml, light, word):
    verdict = judged(volume_ml=usual_ml)
    assert verdict.light == light
    assert word in verdict.reasons[0]


def test_without_millimetres_the_volume_is_a_doubt_not_a_number():
    verdict = judged(volume=scan(unit="px"), volume_ml=(0.5, 2.0))
    assert verdict.light == "amber"
    assert "pixel size" in verdict.reasons[0]


def test_the_side_is_told_against_the_twin():
    # Columns run to the patient's left: the higher column lies on the left.
    left, right = (ball(SHAPE, (12, 13, column), 4) for column in (21, 7))
    twin = {"others": {"lung-right": right}}
    assert judged(left, name="lung-left", side="left", **twin).light == "green"
    wrong = judged(right, name="lung-left", side="left", others={"lung-right": left})
    assert wrong.light == "red"
    assert "patient's right" in wrong.reasons[0]


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_without_a_twin_the_midline_is_that_of_the_patient(dtype):
    # The patient lies in the scan's right half, and the organ left in the patient but right in the scan.
    grey = np.where(ball(SHAPE, (12, 13, 8), 7), 40, -1000).astype(dtype)
    grey[:, :, 22:] = -32768 if dtype == np.int16 else np.nan
    volume = volume_of(grey)
    spleen = ball(SHAPE, (12, 13, 12), 2)
    assert judged(spleen, name="spleen", side="left", volume=volume).light == "green"
    assert judged(spleen, name="spleen", side="right", volume=volume).light == "red"


@pytest.mark.parametrize("value", [40, -32768])
def test_a_scan_that_shows_nothing_has_its_midline_in_the_middle(value):
    volume = volume_of(np.full(SHAPE, value, dtype=np.int16))
    for column, side in ((21, "left"), (7, "right")):
        verdict = judged(ball(SHAPE, (12, 13, column), 3), name="spleen", side=side, volume=volume)
        assert not any("patient's" in reason for reason in verdict.reasons)


def test_loose_voxels_are_noise_and_a_second_piece_is_not():
    noisy = BALL.copy()
    noisy[2, 2, 2] = True
    assert judged(noisy, max_pieces=1).light == "green"
    double = BALL | ball(SHAPE, (3, 4, 4), 2)
    verdict = judged(double, max_pieces=1)
    assert verdict.light == "amber"
    assert "2 pieces" in verdict.reasons[0]
    assert judged(double, max_pieces=2).light == "green"
    assert judged(double).light == "green"


def test_grey_values_out_of_range_are_named_in_their_unit():
    verdict = judged(mean_range=(100.0, 200.0))
    assert verdict.light == "amber"
    assert "40 HU" in verdict.reasons[0]


def test_a_mean_farther_off_than_its_range_is_wide_is_red():
    assert judged(mean_range=(80.0, 130.0)).light == "amber"
    assert judged(mean_range=(100.0, 130.0)).light == "red"


def test_an_organ_beside_metal_is_amber_once_the_metal_was_noticed():
    volume = scan()
    array = volume.array.copy()
    array[8:16, :, :4] = 3071
    wide = replace(volume, array=array, geometry=Geometry(SHAPE, volume.geometry.to_lps_mm @ WIDE))
    assert judged(volume=wide, noticed=(METAL,)).light == "amber"
    assert judged(volume=wide).light == "green"


def test_a_rounded_end_at_the_edge_is_one_doubt_and_a_flat_cut_another():
    (touches,) = judged(ball(SHAPE, (5, 13, 14), 5)).reasons
    assert "reaches the edge" in touches
    cut = ball(SHAPE, (0, 13, 14), 6)
    (reason,) = judged(cut).reasons
    assert "upper end" in reason
    assert judged(cut, may_touch_edge=True).reasons == (reason,)
    assert judged(cut, may_touch_edge=True, may_have_flat_cut=True).light == "green"


def test_what_the_scan_cuts_is_small_for_that_and_what_it_merely_touches_is_not():
    cut, whole = ball(SHAPE, (0, 13, 14), 6), ball(SHAPE, (5, 13, 14), 5)
    assert [("cut off" in reason) for reason in judged(cut, volume_ml=(5.0, 9.0)).reasons] == [True]
    assert "larger" in judged(cut, volume_ml=(0.01, 0.1)).reasons[0]
    assert "smaller" in judged(whole, volume_ml=(5.0, 9.0)).reasons[0]


@pytest.mark.parametrize(
    ("centre", "face"),
    [
        ((23, 13, 14), "lower end"),
        ((12, 0, 14), "front"),
        ((12, 25, 14), "back"),
        ((12, 13, 0), "right side"),
        ((12, 13, 27), "left side"),
    ],
)
def test_the_face_that_cuts_is_named_as_the_patient_lies(centre, face):
    mask = ball(SHAPE, centre, 6)
    assert face in judged(mask, may_touch_edge=True).reasons[0]
    # Stored the other way round, it is the same end of the patient.
    volume = scan()
    matrix = volume.geometry.to_lps_mm.copy()
    matrix[:3, 3] += matrix[:3, 0] * (SHAPE[0] - 1) + matrix[:3, 1] * (SHAPE[1] - 1)
    matrix[:3, :2] *= -1
    turned = replace(volume, geometry=replace(volume.geometry, to_lps_mm=matrix))
    again = judged(np.ascontiguousarray(mask[::-1, ::-1]), volume=turned, may_touch_edge=True)
    assert face in again.reasons[0]


def test_interpolated_slices_are_told_with_their_share():
    verdict = judged(volume=scan(filled=range(12)))
    assert verdict.light == "amber"
    share = BALL[:12].sum() / BALL.sum()
    assert f"{share:.0%}" in verdict.reasons[0]
    assert judged(volume=scan(filled=[0, 1])).light == "green"


def test_the_worst_light_wins_and_every_reason_stays():
    verdict = judged(quality=replace(GOOD, is_closed=False, self_crossings=2), volume_ml=(1.2, 2.0))
    assert verdict.light == "red"
    assert len(verdict.reasons) == 3


@pytest.mark.parametrize("code", ["segment.mirrored", "segment.back-to-front", "segment.upside-down"])
def test_a_scan_that_looks_turned_over_is_red_for_every_structure(code):
    verdict = judged(noticed=(code,))
    assert verdict.light == "red"
    assert "looks" in verdict.reasons[0]


@pytest.mark.parametrize("code", ["segment.one-kidney", "segment.estimated-border"])
def test_a_lone_kidney_and_an_estimated_border_are_looked_at(code):
    assert judged(noticed=(code,)).light == "amber"


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_an_organ_that_touches_a_hole_in_the_scan_is_amber_though_it_may_reach_the_edge(dtype):
    array = np.full(SHAPE, 40, dtype=dtype)
    nothing = UNMEASURED_INT16 if dtype == np.int16 else np.nan
    array[12, 13, 21] = nothing
    near = judged(volume=volume_of(array), may_touch_edge=True)
    assert near.light == "amber"
    assert "holds no value" in near.reasons[0]
    array[12, 13, 21:] = [40, 40, nothing, 40, 40, 40, 40]
    assert judged(volume=volume_of(array)).light == "green"


def test_slices_without_a_value_are_holes_between_others_and_an_edge_at_the_end():
    array = np.full(SHAPE, 40, dtype=np.float32)
    array[19:21] = np.nan
    assert judged(volume=volume_of(array), may_touch_edge=True).light == "amber"
    array[19:] = np.nan
    assert judged(volume=volume_of(array), may_touch_edge=True).light == "green"
    assert judged(volume=volume_of(array)).light == "amber"


def test_what_lies_outside_the_scanners_circle_is_an_edge_as_the_outermost_voxels_are():
    array = np.full(SHAPE, 40, dtype=np.int16)
    array[:, :, 20:] = UNMEASURED_INT16
    assert judged(volume=volume_of(array), may_touch_edge=True).light == "green"
    assert judged(volume=volume_of(array)).light == "amber"
