"""Pictures show the organs where they are, the patient's right where radiologists expect it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from export_scenes import block_surface
from plastinate.model.evidence import Evidence
from plastinate.model.labels import LabelMap
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Structure
from plastinate.model.volume import UNMEASURED_INT16
from plastinate.stages.compose.camera import camera_for
from plastinate.stages.compose.pictures import VIEWS, render_pictures
from plastinate.stages.compose.shading import shade
from plastinate.stages.compose.slices import slice_pictures
from voxel_scenes import ball, volume_of

SHAPE = (16, 18, 20)
RED, BLUE = (220, 30, 30), (30, 30, 220)
# Columns run to the patient's left, rows to the back, slices down.
RIGHT_TOP_FRONT, LEFT_LOW_BACK = ball(SHAPE, (4, 5, 4), 3), ball(SHAPE, (11, 12, 15), 3)


def scene_of(*, opacity=1.0, unit="mm", turned=False, quantity="HU", with_labels=True):
    """A red ball on the patient's right, up in front; a blue one on the left, low and behind."""
    grey = np.full(SHAPE, -1000, dtype=np.int16)
    grey[RIGHT_TOP_FRONT] = 300
    grey[LEFT_LOW_BACK] = 100
    grey[0, 0, 0] = UNMEASURED_INT16
    if quantity == "a.u.":
        grey = np.where(grey == UNMEASURED_INT16, np.nan, grey).astype(np.float32)
    volume = volume_of(grey, unit=unit, quantity=quantity)
    labels = LabelMap(
        volume.geometry, (RIGHT_TOP_FRONT + 2 * LEFT_LOW_BACK).astype(np.uint16), {1: "red", 2: "blue"}
    )
    nodes = tuple(
        SceneNode(
            Structure(name, name, None, colour, opacity=opacity),
            {"full": block_surface(mask, name, geometry=volume.geometry)},
        )
        for name, colour, mask in (("red", RED, RIGHT_TOP_FRONT), ("blue", BLUE, LEFT_LOW_BACK))
    )
    return Scene("Two", volume.geometry, nodes, (), Evidence(), labels if with_labels else None), volume


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def place(picture: np.ndarray, channel: int) -> np.ndarray:
    """Where a colour lies: (down, across) in shares of the picture."""
    other = 2 - channel
    seen = np.argwhere(picture[..., channel] > picture[..., other] + 60)
    assert len(seen) > 20
    return seen.mean(axis=0) / picture.shape[:2]


@pytest.fixture(scope="module")
def pictures():
    return render_pictures(*scene_of())


@pytest.mark.slow
def test_there_is_every_picture_in_its_size(pictures):
    assert set(pictures) == {*VIEWS, "axial", "coronal", "sagittal"}
    for name, (_, _, width, height, _, _) in VIEWS.items():
        assert pixels(pictures[name]).shape == (height, width, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "red_is_left", "red_is_up"),
    [("anterior", True, True), ("left", True, True), ("inferior", True, True)],
)
def test_right_is_on_the_left_and_the_head_is_up(pictures, name, red_is_left, red_is_up):
    picture = pixels(pictures[name])
    red, blue = place(picture, 0), place(picture, 2)
    assert (red[1] < blue[1]) == red_is_left
    assert (red[0] < blue[0]) == red_is_up


@pytest.mark.slow
def test_only_what_is_wanted_is_drawn():
    scene, volume = scene_of()
    assert set(render_pictures(scene, volume, only=("left",))) == {"left"}
    assert set(render_pictures(scene, volume, only=("axial",))) == {"axial"}
    assert render_pictures(scene, volume, only=()) == {}


@pytest.mark.slow
def test_a_scene_without_labels_has_no_slices():
    scene, volume = scene_of(with_labels=False)
    assert "axial" not in render_pictures(scene, volume, only=("axial", "left"))


@pytest.mark.slow
def test_the_same_scene_gives_the_same_bytes_on_any_number_of_threads(monkeypatch):
    scene, volume = scene_of(opacity=0.5)
    monkeypatch.setenv("PLASTINATE_THREADS", "1")
    one = render_pictures(scene, volume, only=("anterior", "sagittal"))
    monkeypatch.setenv("PLASTINATE_THREADS", "3")
    assert render_pictures(scene, volume, only=("anterior", "sagittal")) == one


@pytest.mark.slow
def test_voxel_units_get_no_scale_bar():
    in_mm, in_voxels = (
        pixels(render_pictures(*scene_of(unit=unit), only=("anterior",))["anterior"])[600:630, 20:320]
        for unit in ("mm", "px")
    )
    assert in_mm.min() < 100
    assert in_voxels.min() > 200


def test_glass_lets_what_is_behind_shine_through():
    scene, _ = scene_of(opacity=0.3)
    solid, _ = scene_of()
    camera = camera_for(scene.bounds_lps_mm, azimuth_degrees=0, elevation_degrees=0, width=64, height=64)
    glass, opaque = (shade(each, camera, level="full") for each in (scene, solid))
    assert glass.shape == (64, 64, 3)
    assert 0 <= glass.min() <= glass.max() <= 1
    red = opaque[..., 0] - opaque[..., 2] > 0.3
    assert red.any()
    # Something of the paper is left in it.
    assert glass[red].mean() > opaque[red].mean()


def test_a_millimetre_is_the_same_everywhere_in_the_picture():
    bounds = np.array([[-50.0, -20.0, 100.0], [70.0, 40.0, 200.0]])
    camera = camera_for(bounds, azimuth_degrees=30, elevation_degrees=20, width=300, height=200)
    points = np.array([bounds.mean(axis=0), bounds.mean(axis=0) + 10 * camera.right], dtype=np.float32)
    centre, moved = camera.project(points)
    assert centre == pytest.approx([150, 100, 0], abs=1e-3)
    assert moved - centre == pytest.approx([10 / camera.mm_per_px, 0, 0], abs=1e-3)
    corners = np.array(
        [[x, y, z] for x in bounds[:, 0] for y in bounds[:, 1] for z in bounds[:, 2]], dtype=np.float32
    )
    across = camera.project(corners)
    assert across[:, 0].min() > 0
    assert across[:, 0].max() < 300
    assert across[:, 1].min() > 0
    assert across[:, 1].max() < 200


@pytest.mark.parametrize("quantity", ["HU", "a.u."])
def test_slices_are_hung_alike_whatever_the_grid(quantity):
    scene, volume = scene_of(quantity=quantity)
    colours = {"red": RED, "blue": BLUE}
    upright = slice_pictures(volume, scene.label_map, colours=colours)
    # The same scan, stored with its axes exchanged and two of them reversed.
    matrix = volume.geometry.to_lps_mm.copy()
    matrix[:3, 3] = volume.geometry.index_to_lps(np.array([SHAPE[0] - 1.0, 0.0, 0.0]))
    matrix[:3, :3] = np.stack(
        [
            volume.geometry.to_lps_mm[:3, 1],
            -volume.geometry.to_lps_mm[:3, 0],
            volume.geometry.to_lps_mm[:3, 2],
        ],
        axis=1,
    )
    geometry = type(volume.geometry)((SHAPE[1], SHAPE[0], SHAPE[2]), matrix, "mm")

    def stored(array):
        return np.ascontiguousarray(array.transpose(1, 0, 2)[:, ::-1])

    turned = type(volume)(geometry, stored(volume.array), volume.quantity)
    labels = LabelMap(geometry, stored(scene.label_map.array), scene.label_map.structures)
    again = slice_pictures(turned, labels, colours=colours)
    for name in upright:
        assert np.array_equal(upright[name], again[name]), name
