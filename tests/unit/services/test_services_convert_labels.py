"""A label map becomes meshes that share their walls, or the same labels in another format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from bead_scans import write_bead
from plastinate.model.errors import EmptyMask, PathNotFound, UnsupportedFile
from plastinate.services.convert_mesh import convert_file
from plastinate.stages.export.read_mesh import read_mesh
from voxel_scenes import ball

SHAPE = (14, 18, 20)


def write_image(path: Path, array: np.ndarray) -> Path:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((0.8, 0.9, 2.0))
    image.SetOrigin((-10.0, 20.0, -30.0))
    SimpleITK.WriteImage(image, str(path))
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Two halves of a ball that touch, labelled 3 and 700."""
    inside = ball(SHAPE, (7, 9, 10), 6)
    array = np.where(inside, 3, 0).astype(np.uint16)
    array[:, :, 10:][inside[:, :, 10:]] = 700
    return write_image(tmp_path / "labels.nii.gz", array)


@pytest.mark.slow
def test_every_label_becomes_a_closed_mesh_of_its_own_size(labels: Path, tmp_path: Path):
    findings = convert_file(labels, tmp_path / "out" / "labels.glb", compression="none")
    assert "labels.named-by-number" in [finding.code for finding in findings]
    scene = read_mesh(tmp_path / "out" / "labels.glb")[0]
    assert [node.structure.name for node in scene.nodes] == ["Label 3", "Label 700"]
    array = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(labels)))
    for node, label in zip(scene.nodes, (3, 700), strict=True):
        surface = node.surfaces["full"]
        assert surface.is_closed
        assert surface.volume_ml == pytest.approx((array == label).sum() * 0.8 * 0.9 * 2.0 / 1000, rel=0.1)
    colours = {node.structure.colour for node in scene.nodes}
    assert len(colours) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["again.nii.gz", "again.seg.nrrd"])
def test_labels_keep_their_numbers_and_their_places(labels: Path, tmp_path: Path, name: str):
    convert_file(labels, tmp_path / name)
    before, after = (SimpleITK.ReadImage(str(path)) for path in (labels, tmp_path / name))
    for place in ((9, 9, 7), (12, 9, 7), (0, 0, 0)):
        point = before.TransformIndexToPhysicalPoint(place)
        assert after[after.TransformPhysicalPointToIndex(point)] == before[place]


@pytest.mark.slow
def test_scans_and_rubbish_are_refused(tmp_path: Path):
    rng = np.random.default_rng(3)
    (tmp_path / "letter.txt").write_text("not a mesh")
    write_image(tmp_path / "empty.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    write_image(tmp_path / "mr.nii.gz", rng.integers(1, 200, SHAPE).astype(np.uint8))
    write_image(tmp_path / "map.nii.gz", np.full(SHAPE, 0.5, dtype=np.float32))
    write_image(tmp_path / "negative.nii.gz", np.full(SHAPE, -5, dtype=np.int16))
    write_bead(tmp_path / "scan")
    before = sorted(tmp_path.iterdir())
    for name, error, words in (
        ("letter.txt", UnsupportedFile, "neither STL"),
        ("empty.nii.gz", EmptyMask, "0 everywhere"),
        ("mr.nii.gz", UnsupportedFile, "a scan, not labels"),
        ("map.nii.gz", UnsupportedFile, "a scan, not labels"),
        ("negative.nii.gz", UnsupportedFile, "a scan, not labels"),
        ("scan", UnsupportedFile, "a scan, not labels"),
        ("absent", PathNotFound, "nothing readable"),
    ):
        with pytest.raises(error, match=words):
            convert_file(tmp_path / name, tmp_path / "out" / "a.stl")
    assert sorted(tmp_path.iterdir()) == before
