from dataclasses import replace

import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK

from export_scenes import two_organs
from plastinate.model.errors import DamagedFile, EmptyMask, NoDicomSource, NoMillimetres, TooLarge
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.volume import Volume
from plastinate.stages.export import dicom_seg
from plastinate.stages.export.dicom_seg import write_dicom_seg
from plastinate.stages.export.dicom_series import write_dicom_series
from plastinate.stages.export.formats import check_formats


@pytest.fixture
def scene():
    return two_organs()


@pytest.fixture
def source_files(scene, tmp_path):
    volume = Volume(scene.geometry, np.zeros(scene.geometry.shape, dtype=np.int16), "HU", "CT")
    return write_dicom_series(volume, tmp_path / "scan", description="Scan")


def frames_by_place(read):
    """Segment number -> {position of the first voxel, rounded: plane of voxels}."""
    found = {}
    pixels = read.pixel_array
    for frame, facts in zip(pixels, read.PerFrameFunctionalGroupsSequence, strict=True):
        number = facts.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        place = tuple(np.round([float(v) for v in facts.PlanePositionSequence[0].ImagePositionPatient], 3))
        found.setdefault(number, {})[place] = frame
    return found


@pytest.mark.slow
def test_every_voxel_lies_where_the_label_map_has_it(scene, source_files, tmp_path):
    write_dicom_seg(scene, tmp_path / "labels.dcm", source_files=source_files)
    read = highdicom.seg.segread(tmp_path / "labels.dcm")
    found = frames_by_place(read)
    for number, name in enumerate(("lung-left", "heart"), 1):
        mask = scene.label_map.mask(name)
        planes = found[number]
        total = 0
        for index in range(len(mask)):
            place = tuple(np.round(scene.geometry.index_to_lps(np.array([index, 0.0, 0.0])), 3))
            if place in planes:
                assert np.array_equal(planes[place], mask[index])
                total += int(mask[index].sum())
        assert total == mask.sum() > 0


@pytest.mark.slow
def test_segments_share_one_run_of_slices_with_empty_frames_kept(scene, source_files, tmp_path):
    write_dicom_seg(scene, tmp_path / "labels.dcm", source_files=source_files)
    found = frames_by_place(pydicom.dcmread(tmp_path / "labels.dcm"))
    assert set(found[1]) == set(found[2])
    assert len(found[1]) == 3


def test_frames_refer_to_the_images_at_their_place(scene, source_files, tmp_path):
    write_dicom_seg(scene, tmp_path / "labels.dcm", source_files=source_files)
    read = pydicom.dcmread(tmp_path / "labels.dcm")
    place_of = {
        header.SOPInstanceUID: [float(v) for v in header.ImagePositionPatient]
        for header in (pydicom.dcmread(file) for file in source_files)
    }
    for facts in read.PerFrameFunctionalGroupsSequence:
        image = facts.DerivationImageSequence[0].SourceImageSequence[0]
        position = [float(v) for v in facts.PlanePositionSequence[0].ImagePositionPatient]
        assert np.allclose(place_of[image.ReferencedSOPInstanceUID], position, atol=1e-3)
    assert "resampled" not in read.ContentDescription


def test_names_codes_and_colours_are_in_the_segments(scene, source_files, tmp_path):
    write_dicom_seg(scene, tmp_path / "labels.dcm", source_files=source_files)
    read = highdicom.seg.segread(tmp_path / "labels.dcm")
    heart = read.SegmentSequence[1]
    assert heart.SegmentLabel == "Heart «é»"
    assert heart.SegmentedPropertyTypeCodeSequence[0].CodeValue == "80891009"
    assert heart.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "123037004"
    shown = highdicom.color.CIELabColor.from_dicom_value(heart.RecommendedDisplayCIELabValue).to_rgb()
    assert np.abs(np.subtract(shown, (200, 30, 40))).max() <= 2


def test_another_toolkit_finds_the_grid(scene, source_files, tmp_path):
    labels = scene.label_map.array.copy()
    labels[labels == 2] = 0
    only = replace(scene, label_map=LabelMap(scene.geometry, labels, {1: "lung-left"}))
    write_dicom_seg(only, tmp_path / "labels.dcm", source_files=source_files)
    read = SimpleITK.ReadImage(str(tmp_path / "labels.dcm"))
    inside = np.argwhere(SimpleITK.GetArrayFromImage(read) > 0)
    places = sorted(
        tuple(np.round(read.TransformIndexToPhysicalPoint([int(c), int(r), int(s)]), 3)) for s, r, c in inside
    )
    expected = scene.geometry.index_to_lps(np.argwhere(labels == 1).astype(float))
    assert np.allclose(places, sorted(map(tuple, np.round(expected, 3))), atol=2e-3)


def test_a_resampled_grid_refers_to_the_series_and_says_so(scene, source_files, tmp_path):
    matrix = scene.geometry.to_lps_mm.copy()
    matrix[:3, 3] += [0.1, 0.2, 0.9]
    moved = Geometry(scene.geometry.shape, matrix)
    other = replace(scene, geometry=moved, label_map=replace(scene.label_map, geometry=moved))
    write_dicom_seg(other, tmp_path / "labels.dcm", source_files=source_files)
    read = pydicom.dcmread(tmp_path / "labels.dcm")
    assert "(resampled grid)" in read.ContentDescription
    assert len(read.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == len(source_files)
    assert not any(facts.get("DerivationImageSequence") for facts in read.PerFrameFunctionalGroupsSequence)


def test_the_same_labels_give_the_same_bytes(scene, source_files, tmp_path):
    first = write_dicom_seg(scene, tmp_path / "a.dcm", source_files=source_files)
    assert write_dicom_seg(two_organs(), tmp_path / "b.dcm", source_files=source_files) == first


def test_a_scan_that_was_not_dicom_is_refused_in_words(scene, tmp_path):
    with pytest.raises(NoDicomSource, match="not read from loose DICOM"):
        write_dicom_seg(scene, tmp_path / "a.dcm", source_files=[])
    assert list(tmp_path.iterdir()) == []


def test_sources_without_a_frame_of_reference_are_refused(scene, source_files, tmp_path):
    header = pydicom.dcmread(source_files[0])
    header.FrameOfReferenceUID = ""
    header.save_as(source_files[0])
    with pytest.raises(NoDicomSource, match="frame of reference"):
        write_dicom_seg(scene, tmp_path / "a.dcm", source_files=source_files)


def test_damaged_and_inflating_sources_cost_a_sentence(scene, source_files, tmp_path, monkeypatch):
    header = pydicom.dcmread(source_files[1])
    header.add_new(0x00091001, "OB", bytes(4_000_000))
    header.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    pydicom.dcmwrite(source_files[1], header)
    write_dicom_seg(scene, tmp_path / "a.dcm", source_files=source_files)
    monkeypatch.setattr(dicom_seg, "INFLATED_MAX", 1 << 21)
    with pytest.raises(TooLarge, match="inflated"):
        write_dicom_seg(scene, tmp_path / "a.dcm", source_files=source_files)
    source_files[0].write_bytes(b"no DICOM")
    with pytest.raises(DamagedFile):
        write_dicom_seg(scene, tmp_path / "b.dcm", source_files=source_files)
    assert not (tmp_path / "b.dcm").exists()


def test_no_millimetres_and_no_voxels_are_refused(scene, source_files, tmp_path):
    with pytest.raises(NoMillimetres):
        write_dicom_seg(two_organs(unit="px"), tmp_path / "a.dcm", source_files=source_files)
    empty = LabelMap(scene.geometry, np.zeros(scene.geometry.shape, dtype=np.uint16), {1: "heart"})
    with pytest.raises(EmptyMask):
        write_dicom_seg(replace(scene, label_map=empty), tmp_path / "a.dcm", source_files=source_files)


def changed(source_files, change):
    for path in source_files:
        image = pydicom.dcmread(path)
        change(image)
        image.save_as(path)


@pytest.mark.parametrize("keyword", ["SliceThickness", "PatientSex", "StudyTime"])
def test_what_may_be_empty_may_be_missing(scene, source_files, tmp_path, keyword):
    changed(source_files, lambda image: image.pop(keyword, None))
    write_dicom_seg(scene, tmp_path / "labels.dcm", source_files=source_files)
    assert highdicom.seg.segread(tmp_path / "labels.dcm").number_of_segments == 2


@pytest.mark.parametrize(
    ("keyword", "value"),
    [("PatientSex", "X"), ("StudyDate", "20201399"), ("StudyTime", "9999"), ("PatientBirthDate", "unknown")],
)
def test_an_odd_value_of_the_patient_is_no_obstacle(scene, source_files, tmp_path, keyword, value):
    def write(image):
        with pydicom.config.disable_value_validation():
            setattr(image, keyword, value)

    changed(source_files, write)
    write_dicom_seg(scene, tmp_path / "labels.dcm", source_files=source_files)
    assert highdicom.seg.segread(tmp_path / "labels.dcm").number_of_segments == 2


def test_what_must_be_there_is_named_in_words(scene, source_files, tmp_path):
    changed(source_files, lambda image: image.pop("StudyInstanceUID"))
    with pytest.raises(NoDicomSource, match="they lack StudyInstanceUID") as caught:
        check_formats(("seg",), unit="mm", has_source_files=True, source_files=source_files)
    assert "object" not in caught.value.sentence
