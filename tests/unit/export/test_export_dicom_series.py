"""What is written must be what two other readers find, voxel by voxel and in the patient's own place."""

from __future__ import annotations

import filecmp
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.transform import Rotation

from plastinate.model.errors import CannotWrite, NoMillimetres
from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.stages.export.dicom_series import stored_values, uid_from, write_dicom_series

# Type 1 and type 2 of the CT and MR Image IODs (PS3.3, A.3 and A.4) that hold without a condition.
TYPE_1 = {
    *(
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "Modality",
        "FrameOfReferenceUID",
    ),
    *(
        "PixelSpacing",
        "ImageOrientationPatient",
        "ImagePositionPatient",
        "ImageType",
        "SamplesPerPixel",
        "Rows",
    ),
    *(
        "Columns",
        "PhotometricInterpretation",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
    ),
}
TYPE_2 = {
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID"),
    *("ReferringPhysicianName", "AccessionNumber", "SeriesNumber", "Manufacturer", "InstanceNumber"),
    *("PositionReferenceIndicator", "SliceThickness", "PatientPosition"),
}
CT_TYPES = ({"RescaleIntercept", "RescaleSlope", "RescaleType"}, {"KVP", "AcquisitionNumber"})
MR_TYPES = (
    {"ScanningSequence", "SequenceVariant"},
    {"ScanOptions", "MRAcquisitionType", "EchoTime", "EchoTrainLength"},
)


def volume_of(
    array: np.ndarray, *, quantity: str = "HU", turn: tuple[float, ...] = (0.0, 0.0, 0.0)
) -> Volume:
    matrix = np.eye(4)
    axes = np.array([[0.0, 0.0, 0.7], [0.0, 0.9, 0.0], [-2.5, 0.0, 0.0]])
    matrix[:3, :3] = Rotation.from_euler("xyz", turn, degrees=True).as_matrix() @ axes
    matrix[:3, 3] = [-31.7, 12.25, 140.5]
    return Volume(Geometry(array.shape, matrix), array, quantity, "CT" if quantity == "HU" else "MR")


def numbered(shape: tuple[int, int, int] = (5, 6, 7)) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape) - 40


@pytest.mark.parametrize("turn", [(0.0, 0.0, 0.0), (90.0, 0.0, 0.0), (12.0, -30.0, 71.0)])
def test_every_voxel_lies_where_simpleitk_finds_it(turn: tuple[float, ...], tmp_path: Path) -> None:
    volume = volume_of(numbered(), turn=turn)
    write_dicom_series(volume, tmp_path / "series", description="x")

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "series")))
    image = reader.Execute()
    for index in np.ndindex(volume.geometry.shape):
        place = volume.geometry.index_to_lps(np.array(index))
        found = image.TransformPhysicalPointToContinuousIndex(place)
        assert np.allclose(found, np.rint(found), atol=1e-4)
        assert image[tuple(round(value) for value in found)] == volume.array[index]


def test_positions_in_the_files_are_those_of_the_geometry(tmp_path: Path) -> None:
    volume = volume_of(numbered(), turn=(5.0, 10.0, 20.0))
    for number, path in enumerate(write_dicom_series(volume, tmp_path / "series", description="x")):
        file = pydicom.dcmread(path)
        row, column = np.array(file.ImageOrientationPatient, dtype=float).reshape(2, 3)
        between_rows, between_columns = map(float, file.PixelSpacing)
        place = (
            np.array(file.ImagePositionPatient, dtype=float)
            + 3 * between_rows * column
            + 4 * between_columns * row
        )

        assert np.allclose(place, volume.geometry.index_to_lps(np.array([number, 3.0, 4.0])), atol=1e-6)
        assert file.pixel_array[3, 4] == volume.array[number, 3, 4]


@pytest.mark.parametrize(("quantity", "types"), [("HU", CT_TYPES), ("a.u.", MR_TYPES)])
def test_all_that_the_standard_demands_is_there(
    quantity: str, types: tuple[set[str], ...], tmp_path: Path
) -> None:
    files = write_dicom_series(volume_of(numbered(), quantity=quantity), tmp_path / "series", description="x")
    file = pydicom.dcmread(files[2])

    for keyword in TYPE_1 | types[0]:
        assert file.get(keyword) not in (None, ""), keyword
    for keyword in TYPE_2 | types[1]:
        assert keyword in file, keyword
    assert file.ImageType[:2] == ["DERIVED", "PRIMARY"]
    assert "erived" in file.ImageComments
    assert file.DerivationDescription
    assert file.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"


def test_uids_are_valid_and_apart(tmp_path: Path) -> None:
    files = [
        pydicom.dcmread(p) for p in write_dicom_series(volume_of(numbered()), tmp_path / "a", description="x")
    ]
    other = pydicom.dcmread(write_dicom_series(volume_of(numbered() + 1), tmp_path / "b", description="x")[0])

    assert len({file.SOPInstanceUID for file in files}) == len(files)
    assert len({file.SeriesInstanceUID for file in files}) == 1
    assert other.SeriesInstanceUID != files[0].SeriesInstanceUID
    assert all(pydicom.uid.UID(file.SOPInstanceUID).is_valid for file in files)
    assert files[0].StudyInstanceUID != files[0].SeriesInstanceUID


def test_a_uid_is_a_uuid_of_its_parts() -> None:
    import uuid

    number = int(uid_from("a", "b").removeprefix("2.25."))

    assert uuid.UUID(int=number).version == 8
    assert uid_from("a", "b") != uid_from("ab", "")


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_dicom_series(volume_of(numbered()), tmp_path / name, description="x")

    for first, second in zip(
        sorted((tmp_path / "a").iterdir()), sorted((tmp_path / "b").iterdir()), strict=True
    ):
        assert filecmp.cmp(first, second, shallow=False)


@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_what_was_not_measured_is_declared_as_padding(kind: type, tmp_path: Path) -> None:
    array = numbered().astype(kind)
    array[1, 2, 3] = UNMEASURED_INT16 if kind is np.int16 else np.nan
    file = pydicom.dcmread(write_dicom_series(volume_of(array), tmp_path / "s", description="x")[1])

    assert file.PixelPaddingValue == -32768
    assert file.pixel_array[2, 3] == -32768
    assert (file.pixel_array == -32768).sum() == 1


def test_no_padding_is_declared_where_all_was_measured(tmp_path: Path) -> None:
    file = pydicom.dcmread(write_dicom_series(volume_of(numbered()), tmp_path / "s", description="x")[0])

    assert "PixelPaddingValue" not in file


@given(
    hnp.arrays(np.float32, (4, 5), elements=st.floats(-1e6, 1e6, width=32)),
    st.floats(1e-3, 1e3),
)
@settings(max_examples=60, deadline=None)
def test_float_values_come_back_within_half_a_step(values: np.ndarray, factor: float) -> None:
    values = values * np.float32(factor)
    # Down there float32 itself has lost the digits; no scanner writes such numbers.
    values[np.abs(values) < 1e-30] = 0
    stored, slope, intercept = stored_values(values)
    spread = float(values.max()) - float(values.min())

    assert (
        np.abs(stored * slope + intercept - values).max()
        <= spread / 65534 * 0.51 + 1e-6 * np.abs(values).max()
    )


def test_a_float_series_is_read_back_by_its_slopes(tmp_path: Path) -> None:
    array = (numbered() * np.array([0.01, 1.5, 30.0, 0.3, 7.7])[:, None, None]).astype(np.float32)
    files = write_dicom_series(volume_of(array, quantity="a.u."), tmp_path / "s", description="x")
    for plane, path in zip(array, files, strict=True):
        file = pydicom.dcmread(path)
        found = file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept)
        assert np.abs(found - plane).max() <= (plane.max() - plane.min()) / 65534


def test_a_flat_slice_and_an_unmeasured_one_are_stored() -> None:
    flat, slope, intercept = stored_values(np.full((2, 2), 0.25, dtype=np.float32))
    nothing, _, _ = stored_values(np.full((2, 2), np.nan, dtype=np.float32))

    assert (flat * slope + intercept == 0.25).all()
    assert (nothing == -32768).all()


def test_names_outside_ascii_say_their_character_set(tmp_path: Path) -> None:
    files = write_dicom_series(
        volume_of(numbered()), tmp_path / "s", description="Lunge", patient_name="Müller^Jürgen"
    )

    assert str(pydicom.dcmread(files[0]).PatientName) == "Müller^Jürgen"


def test_a_filled_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    with pytest.raises(CannotWrite):
        write_dicom_series(volume_of(numbered()), tmp_path, description="x")

    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_is_left_where_writing_stops_half_way(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dicom_series(volume_of(numbered()), tmp_path / "s", description="x", progress=stop)

    assert list(tmp_path.iterdir()) == []


def test_without_millimetres_there_is_no_series(tmp_path: Path) -> None:
    volume = volume_of(numbered())
    unsized = Volume(Geometry(volume.geometry.shape, volume.geometry.to_lps_mm, "px"), volume.array, "HU")

    with pytest.raises(NoMillimetres):
        write_dicom_series(unsized, tmp_path / "s", description="x")
