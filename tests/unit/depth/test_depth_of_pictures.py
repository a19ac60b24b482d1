"""A network is asked about the whole, its mirror image and its parts; brightness and two eyes need none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from drawn_pictures import sphere, steps, tilted_plane
from plastinate.model.depth import DepthMap
from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.picture import Picture, field_of_focal, focal_of_field
from plastinate.model.projection import Projection
from plastinate.model.reference import Reference
from plastinate.nets.picture_net import PictureNet, fitted_shape, resized
from plastinate.nets.plane_filters import box_mean, guided
from plastinate.stages.depth.brightness import brightness
from plastinate.stages.depth.depth_net import depth_asked, depth_net
from plastinate.stages.depth.shading import shading
from plastinate.stages.depth.stereo import disparity_px, stereo
from plastinate.stages.segment.foreground import foreground_asked, foreground_by_colour

ASKED = {
    "side_px": 96,
    "tiles": 3,
    "tile_share": 0.6,
    "levels": 3,
    "radius_share": 0.016,
    "evenness": 1e-3,
}


def red_network(folder: Path, *, side: int = 32, leans: float = 0.0) -> Path:
    """A network whose answer is the red of what it sees, plus so much more to the right."""
    weights = np.zeros((1, 3, 1, 1), dtype=np.float32)
    weights[0, 0] = 1.0
    ramp = np.tile(np.linspace(0, leans, side, dtype=np.float32), (side, 1))[None, None]
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["seen", "red"], ["reds"], kernel_shape=[1, 1]),
            helper.make_node("Add", ["reds", "ramp"], ["depth"]),
        ],
        "red",
        [helper.make_tensor_value_info("seen", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, side, side])],
        [numpy_helper.from_array(weights, "red"), numpy_helper.from_array(ramp, "ramp")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / f"red-{leans}.onnx"
    onnx.save(model, path)
    return path


def test_a_network_that_sees_depth_gives_it_back_with_full_confidence(tmp_path: Path):
    drawn = tilted_plane((96, 128))
    network = PictureNet(red_network(tmp_path), side=32, normalised=False, engine="onnxruntime")
    found = depth_asked(network, drawn.picture, is_inverse=False, **ASKED)
    truth = resized(drawn.rgb[..., 0] / np.float32(255), found.depth.shape)
    inner = slice(4, -4)
    assert np.abs(found.depth - truth)[inner, inner].max() < 0.03
    assert found.confidence.mean() > 0.9
    # The whole, then 1 + 4 + 9 parts, each as it is and mirrored.
    assert found.facts["views"] == 30


def test_a_network_that_contradicts_its_mirror_image_is_not_trusted_there(tmp_path: Path):
    drawn = tilted_plane((96, 128))
    network = PictureNet(red_network(tmp_path, leans=1.0), side=32, normalised=False, engine="onnxruntime")
    found = depth_asked(network, drawn.picture, is_inverse=False, **ASKED)
    assert found.confidence.mean() < 0.6


def test_an_inverse_answer_is_turned_and_near_stays_near(tmp_path: Path):
    drawn = tilted_plane((96, 128))
    network = PictureNet(red_network(tmp_path), side=32, normalised=False, engine="onnxruntime")
    found = depth_asked(network, drawn.picture, is_inverse=True, **ASKED)
    assert found.depth[:10].mean() < found.depth[-10:].mean()


def test_what_a_network_marks_is_in_front_and_where_it_marks_nothing_there_is_no_object(tmp_path: Path):
    drawn = sphere((96, 128))
    network = PictureNet(red_network(tmp_path), side=32, normalised=False, engine="onnxruntime")
    numbers = {"side_px": 128, "radius_share": 0.012, "evenness": 5e-4}
    found = foreground_asked(network, drawn.picture, **numbers) >= 0.5
    assert (found & drawn.mask).sum() / (found | drawn.mask).sum() > 0.6
    dark = Picture(np.zeros((96, 128, 3), np.uint8), None, np.zeros((96, 128), np.uint16))
    with pytest.raises(EmptyMask):
        foreground_asked(network, dark, **numbers)


def test_an_even_picture_has_no_foreground_by_colour():
    even = Picture(np.full((96, 128, 3), 90, np.uint8), None, np.full((96, 128), 90, np.uint16))
    with pytest.raises(EmptyMask):
        foreground_by_colour(even)


def test_a_place_of_the_backgrounds_colour_on_a_thing_is_no_hole_in_it_but_a_wide_ring_stays_open():
    drawn = sphere((96, 128))
    patched = drawn.rgb.copy()
    patched[44:52, 60:68] = drawn.rgb[2, 2]
    picture = Picture(patched, None, drawn.picture.grey)
    found = foreground_by_colour(picture, side_px=128) >= 0.5
    assert found[44:52, 60:68].all()
    ring = drawn.rgb.copy()
    ring[34:62, 50:78] = drawn.rgb[2, 2]
    opened = foreground_by_colour(Picture(ring, None, drawn.picture.grey), side_px=128) >= 0.5
    assert not opened[42:54, 58:70].any()


def test_what_a_file_calls_transparent_is_not_asked_about():
    drawn = sphere((96, 128))
    opacity = (drawn.mask * 255).astype(np.uint8)
    picture = Picture(drawn.rgb, opacity, drawn.picture.grey)
    found = foreground_by_colour(picture, side_px=128) >= 0.5
    assert np.array_equal(found, drawn.mask)


def test_parameters_that_make_no_sense_are_refused():
    picture = sphere((96, 128)).picture
    for wrong in ({"model": "foreground"}, {"levels": 0}, {"tile_share": 0.0}):
        with pytest.raises(ParameterError):
            depth_net(picture, **wrong)
    with pytest.raises(ParameterError):
        brightness(picture, span=0)
    with pytest.raises(ParameterError):
        stereo(picture)


def test_bright_is_near_and_an_even_picture_is_flat():
    picture = sphere((96, 128)).picture
    found = brightness(picture, side_px=128, smooth_share=0)
    assert found.depth[48, 64] == pytest.approx(1.0)
    assert found.depth.max() == pytest.approx(1.25)
    assert found.confidence.max() == 0
    black = Picture(np.zeros((32, 32, 3), np.uint8), None, np.zeros((32, 32), np.uint16))
    assert np.ptp(brightness(black).depth) == 0
    assert brightness(black).facts["is_even"]


def test_no_crease_runs_between_two_summits_of_light():
    y, x = np.mgrid[:96, :128]
    light = sum(np.exp(-((x - at) ** 2 + (y - 48) ** 2) / 800.0) for at in (38, 90))
    grey = (light / light.max() * 60000).astype(np.uint16)
    picture = Picture(np.repeat((grey // 257).astype(np.uint8)[..., None], 3, axis=2), None, grey)
    along = shading(picture, side_px=128).depth[48] * picture.focal_px
    slope = np.diff(along)
    assert slope[45:60].mean() > 0.05
    # As steep on the other side: at once it would bend by twice the slope, and it takes a dozen pixels.
    assert np.abs(np.diff(slope)[56:72]).max() < 0.4 * np.abs(slope[45:60]).max()


def shifted(texture: np.ndarray, disparity: np.ndarray) -> np.ndarray:
    """What a camera to the right sees: nearer things are painted last."""
    out = np.zeros_like(texture)
    for value in sorted(set(np.unique(disparity).tolist())):
        row, column = np.nonzero(disparity == value)
        target = column - int(value)
        keep = target >= 0
        out[row[keep], target[keep]] = texture[row[keep], column[keep]]
    return out


def test_two_eyes_measure_what_stands_how_far_apart():
    rng = np.random.default_rng(3)
    texture = rng.integers(0, 255, (120, 240, 3)).astype(np.uint8)
    truth = np.full((120, 240), 6)
    truth[30:90, 90:170] = 18
    left, right = (
        Picture(each, None, np.zeros(each.shape[:2], np.uint16), focal_px=240.0)
        for each in (texture, shifted(texture, truth))
    )
    found = disparity_px(left, right)
    off = np.abs(found - truth)
    assert (off > 1).mean() < 0.06
    assert off[35:85, 115:165].max() < 0.5
    metric = stereo(left, second=right, baseline_mm=100.0)
    assert metric.unit_mm == 1.0
    assert metric.depth[60, 140] == pytest.approx(240.0 * 100.0 / 18, rel=0.02)
    assert 0.6 < metric.facts["measured_share"] < 1


def test_a_picture_is_no_pair_with_itself():
    noise = np.random.default_rng(5).integers(0, 255, (120, 240, 3)).astype(np.uint8)
    picture = Picture(noise, None, np.zeros(noise.shape[:2], np.uint16))
    for are_in_line in (True, False):
        with pytest.raises(ParameterError, match="no pair"):
            stereo(picture, second=picture, baseline_mm=65.0, are_in_line=are_in_line)


def test_a_box_mean_and_a_guided_plane_are_what_they_are_said_to_be():
    rng = np.random.default_rng(0)
    plane = rng.random((30, 40)).astype(np.float32)
    slow = np.array(
        [[plane[max(0, r - 3) : r + 4, max(0, c - 3) : c + 4].mean() for c in range(40)] for r in range(30)]
    )
    assert np.abs(box_mean(plane, 3) - slow).max() < 1e-5
    drawn = steps((60, 90))
    guide = drawn.rgb.astype(np.float32) / 255
    noisy = (drawn.depth + rng.normal(0, 0.5, drawn.depth.shape)).astype(np.float32)
    followed = guided(guide, noisy, radius=6, evenness=1e-4)
    # Noise goes, and the steps of the picture stay where an average would have drowned them.
    assert np.abs(followed - drawn.depth).mean() < 0.3 * np.abs(noisy - drawn.depth).mean()
    assert np.abs(followed - drawn.depth).max() < 0.5 < np.abs(box_mean(noisy, 6) - drawn.depth).max()


def test_a_projection_and_its_way_back_agree():
    projection = Projection((300, 400), focal_px=350.0, unit_per_px=0.5)
    rng = np.random.default_rng(1)
    column, row, away = rng.random(50) * 400, rng.random(50) * 300, rng.random(50) * 200 - 100
    points = projection.to_points(column, row, away)
    places = projection.to_places(points)
    assert np.allclose(places * [400, 300], np.stack([column, row], axis=1))
    gaze = projection.gaze(points)
    assert np.allclose(np.linalg.norm(gaze, axis=1), 1)
    assert (gaze[:, 1] > 0).all()
    assert focal_of_field((300, 400), field_of_focal((300, 400), 350.0)) == pytest.approx(350.0)


def test_a_reference_says_how_long_a_pixel_is_at_its_own_depth():
    drawn = sphere((96, 128))
    picture = drawn.picture
    stretch = Reference((20.0, 40.0), (100.0, 40.0), 160.0)
    assert stretch.mm_per_px(picture, None) == pytest.approx(2.0)
    near = np.full((96, 128), 10.0, dtype=np.float32)
    near[:, :10] = 5.0
    depth = DepthMap(near, near * 0)
    edge = Reference((2.0, 10.0), (2.0, 50.0), 40.0)
    # Half as far away as the median, a pixel is half as long.
    assert edge.mm_per_px(picture, depth) == pytest.approx(2.0)
    for first, second, length in (((0, 0), (500, 0), 5.0), ((1, 1), (1, 1), 5.0), ((0, 0), (9, 9), -1.0)):
        with pytest.raises(ParameterError):
            Reference(first, second, length).mm_per_px(picture, None)


def test_pictures_are_never_made_larger_than_they_are():
    assert fitted_shape((10, 20), 100) == (10, 20)
    assert fitted_shape((1, 4000), 100) == (1, 100)


def two_boards(rotation: np.ndarray, centre: np.ndarray, *, focal: float, shape=(180, 240)) -> np.ndarray:
    """A board at 3 before a wall at 5, both covered with noise of many sizes, seen from a place."""
    rng = np.random.default_rng(11)
    sheets = [sum(resized(rng.random((n, n)), (512, 512)) for n in (16, 48, 128)) for _ in range(2)]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(float)
    rays = np.stack([x - (shape[1] - 1) / 2, y - (shape[0] - 1) / 2, np.full(shape, focal)], -1) / focal
    rays = rays @ rotation
    out = np.zeros(shape)
    for sheet, far in ((0, 5.0), (1, 3.0)):
        at = centre + rays * ((far - centre[2]) / rays[..., 2:])
        place = np.clip((at[..., :2] + 4) * 64, 0, 511).astype(int)
        seen = sheets[sheet][place[..., 1], place[..., 0]]
        out = np.where((np.abs(at[..., :2]) < [0.8, 0.6]).all(-1) | (far == 5.0), seen, out)
    return np.repeat((out * 80).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


@pytest.mark.slow
def test_a_second_camera_that_was_turned_is_found_out_and_measures_all_the_same():
    focal, turn = 260.0, np.radians(4.0)
    around_y = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]])
    around_z = np.array(
        [[np.cos(turn / 2), -np.sin(turn / 2), 0], [np.sin(turn / 2), np.cos(turn / 2), 0], [0, 0, 1]]
    )
    left = two_boards(np.eye(3), np.zeros(3), focal=focal)
    right = two_boards(around_y @ around_z, np.array([0.25, 0.02, 0.0]), focal=focal)
    pair = [
        Picture(each, None, np.zeros(each.shape[:2], np.uint16), focal_px=focal) for each in (left, right)
    ]
    found = stereo(pair[0], second=pair[1], baseline_mm=251.0)
    assert found.facts["turned_degrees"] == pytest.approx(np.hypot(4.0, 2.0), abs=0.7)
    assert np.median(found.depth[70:110, 95:145]) == pytest.approx(3000, rel=0.05)
    assert np.median(found.depth[10:30, 40:200]) == pytest.approx(5000, rel=0.08)
    noise = np.random.default_rng(5).integers(0, 255, left.shape).astype(np.uint8)
    other = Picture(noise, None, np.zeros(left.shape[:2], np.uint16))
    with pytest.raises(ParameterError, match="no pair"):
        stereo(other, second=pair[1])
