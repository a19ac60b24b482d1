import gzip
import json
import struct
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from export_scenes import two_organs
from plastinate.model.errors import EmptyMask
from plastinate.model.geometry import Geometry, lps_affine_to_ras
from plastinate.stages.export import label_blocks
from plastinate.stages.export.gzip_blocks import gzip_blocks
from plastinate.stages.export.nifti import nifti_header, quaternion, write_nifti
from plastinate.stages.export.nrrd import write_nrrd

WRITERS = [(write_nifti, "labels.nii.gz"), (write_nrrd, "labels.seg.nrrd")]


def oblique(scene):
    """The same labels on a grid turned about two axes."""
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("zyx", [25, -40, 10], degrees=True).as_matrix()
    geometry = Geometry(scene.geometry.shape, turn @ scene.geometry.to_lps_mm)
    return replace(scene, geometry=geometry, label_map=replace(scene.label_map, geometry=geometry))


@pytest.mark.parametrize(("write", "name"), WRITERS)
@pytest.mark.parametrize("place", [lambda scene: scene, oblique], ids=["axial", "oblique"])
def test_another_toolkit_finds_every_voxel_in_its_place(tmp_path, write, name, place):
    scene = place(two_organs())
    write(scene, tmp_path / name)
    read = SimpleITK.ReadImage(str(tmp_path / name))
    array = SimpleITK.GetArrayFromImage(read)
    assert np.array_equal(array, scene.label_map.array)
    for index in [(0, 0, 0), (11, 0, 3), (4, 13, 15)]:
        expected = scene.geometry.index_to_lps(np.array(index, dtype=float))
        s, r, c = index
        assert np.allclose(read.TransformIndexToPhysicalPoint((c, r, s)), expected, atol=1e-3)


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_the_same_labels_give_the_same_bytes_on_any_number_of_threads(tmp_path, write, name, monkeypatch):
    monkeypatch.setenv("PLASTINATE_THREADS", "1")
    first = write(two_organs(), tmp_path / name)
    monkeypatch.setenv("PLASTINATE_THREADS", "3")
    assert write(two_organs(), tmp_path / name) == first


@pytest.mark.parametrize(("write", "name"), WRITERS)
def test_a_scene_without_voxels_is_refused(tmp_path, write, name):
    with pytest.raises(EmptyMask, match="surfaces alone"):
        write(replace(two_organs(), label_map=None), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=50, deadline=None)
@given(st.tuples(*[st.floats(-180, 180)] * 3), st.booleans())
def test_the_quaternion_says_the_same_as_the_matrix(angles, mirrored):
    matrix = Rotation.from_euler("zyx", angles, degrees=True).as_matrix()
    given_matrix = matrix * [1, 1, -1] if mirrored else matrix
    b, c, d, handedness = quaternion(given_matrix)
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    back = Rotation.from_quat([b, c, d, a]).as_matrix() * [1, 1, handedness]
    assert np.allclose(back, given_matrix, atol=1e-6)


def test_the_nifti_header_says_millimetres_only_where_they_are_known():
    scene = two_organs()
    assert nifti_header(scene.geometry, data_starts_at=352)[123] == 2
    header = nifti_header(replace(scene.geometry, unit="px"), data_starts_at=352)
    assert header[123] == 0
    assert b"NOT millimetres" in header
    rows = np.array(struct.unpack_from("<12f", header, 280)).reshape(3, 4)
    expected = lps_affine_to_ras(scene.geometry.to_lps_mm)[:3, [2, 1, 0, 3]]
    assert np.allclose(rows, expected, atol=1e-4)


def test_the_nifti_extension_names_every_label(tmp_path):
    write_nifti(two_organs(), tmp_path / "labels.nii.gz")
    data = gzip.decompress((tmp_path / "labels.nii.gz").read_bytes())
    size, kind = struct.unpack_from("<ii", data, 352)
    assert kind == 6
    assert struct.unpack_from("<f", data, 108)[0] == 352 + size
    assert size % 16 == 0
    facts = json.loads(data[360 : 352 + size].rstrip(b"\0"))["plastinate"]
    assert {label: fact["id"] for label, fact in facts["labels"].items()} == {"1": "lung-left", "2": "heart"}


def test_the_nrrd_names_segments_the_way_slicer_reads_them(tmp_path):
    write_nrrd(two_organs(), tmp_path / "labels.seg.nrrd")
    read = SimpleITK.ReadImage(str(tmp_path / "labels.seg.nrrd"))
    facts = {key: read.GetMetaData(key) for key in read.GetMetaDataKeys()}
    assert facts["Segment0_Name"] == "Left lung"
    assert facts["Segment0_LabelValue"] == "1"
    assert facts["Segment1_Color"] == "0.784314 0.117647 0.156863"
    assert "~SCT^80891009^Heart~" in facts["Segment1_Tags"]
    assert "Segment2_Name" not in facts


def test_a_name_cannot_end_its_line(tmp_path):
    scene = two_organs()
    node = scene.nodes[0]
    evil = replace(node.structure, name="x\nencoding: raw\n\n")
    write_nrrd(replace(scene, nodes=(replace(node, structure=evil), scene.nodes[1])), tmp_path / "a.seg.nrrd")
    read = SimpleITK.ReadImage(str(tmp_path / "a.seg.nrrd"))
    assert read.GetMetaData("Segment0_Name") == "x encoding: raw"


@given(st.lists(st.binary(max_size=2000), max_size=12))
@settings(max_examples=25, deadline=None)
def test_packed_blocks_are_one_sound_gzip_stream(blocks):
    assert gzip.decompress(b"".join(gzip_blocks(blocks))) == b"".join(blocks)


def test_blocks_cover_the_map_once(monkeypatch):
    monkeypatch.setattr(label_blocks, "SLICES_AT_ONCE", 5)
    label_map = two_organs().label_map
    assert b"".join(label_blocks.label_blocks(label_map)) == label_map.array.tobytes()
