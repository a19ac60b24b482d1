"""The scans of phantoms must be sound themselves: read here by pydicom and SimpleITK, and summed up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from phantom_codecs import SYNTAXES
from phantom_grid import Scan, place_grid
from phantom_series import write_series
from phantoms import ALL, CENTRE, INSIDE, letters, sphere


@pytest.mark.slow
@pytest.mark.parametrize("shape", [name for name in ALL if name not in ("nested-shells", "letters")])
@pytest.mark.parametrize("blur", [0.0, 0.5])
def test_the_grey_adds_up_to_the_volume_and_the_centre(shape: str, blur: float, tmp_path: Path) -> None:
    phantom = ALL[shape]()
    scan = Scan(plane="double-oblique", reverse=True, blur_voxel=blur, slopes="below-one", bits_stored=16)
    write_series(phantom, tmp_path, scan)

    total, moment = 0.0, np.zeros(3)
    for path in tmp_path.iterdir():
        file = pydicom.dcmread(path)
        grey = (file.pixel_array * file.RescaleSlope + file.RescaleIntercept) / INSIDE
        row, column = np.array(file.ImageOrientationPatient, dtype=float).reshape(2, 3)
        r, c = np.indices(grey.shape)
        place = np.array(file.ImagePositionPatient, dtype=float) + r[..., None] * column + c[..., None] * row
        total += float(grey.sum())
        moment += (grey[..., None] * place).sum(axis=(0, 1))

    assert total == pytest.approx(phantom.volume_mm3, rel=5e-4)
    assert np.linalg.norm(moment / total - phantom.centre_lps_mm) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "syntax", [name for name in SYNTAXES if name not in ("explicit", "jpeg-baseline", "htj2k")]
)
@pytest.mark.parametrize("signed", [False, True])
def test_every_lossless_syntax_holds_the_same_pixels(syntax: str, signed: bool, tmp_path: Path) -> None:
    write_series(sphere(), tmp_path / "plain", Scan(signed=signed))
    write_series(sphere(), tmp_path / "packed", Scan(signed=signed, transfer_syntax=syntax))

    name = "IM0020.dcm"
    plain = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "plain" / name)))
    packed = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(tmp_path / "packed" / name)))
    assert pydicom.dcmread(tmp_path / "packed" / name).file_meta.TransferSyntaxUID == SYNTAXES[syntax]
    assert np.array_equal(plain, packed)


@pytest.mark.parametrize(("tilt", "plane"), [((20.0, 0.0), "axial"), ((-30.0, 12.0), "coronal")])
def test_a_leaning_stack_leans_by_that_angle(tilt: tuple[float, float], plane: str) -> None:
    grid = place_grid(sphere(), Scan(plane=plane, tilt_degrees=tilt))
    step = grid.positions[1] - grid.positions[0]
    normal = np.cross(grid.row_direction, grid.column_direction)

    assert step @ normal == pytest.approx(1.0)
    assert np.degrees(np.arctan2(step @ grid.column_direction, step @ normal)) == pytest.approx(tilt[0])
    assert np.degrees(np.arctan2(step @ grid.row_direction, step @ normal)) == pytest.approx(tilt[1])


@pytest.mark.slow
def test_oddities_are_really_there(tmp_path: Path) -> None:
    counts = {}
    for name, scan in {
        "plain": Scan(),
        "missing": Scan(missing=(10, 11)),
        "duplicates": Scan(duplicates=3),
        "phases": Scan(phases=2),
        "localiser": Scan(localiser=True),
        "enhanced": Scan(enhanced=True),
    }.items():
        write_series(sphere(), tmp_path / name, scan)
        counts[name] = len(list((tmp_path / name).iterdir()))

    slices = counts["plain"]
    assert counts == {
        "plain": slices,
        "missing": slices - 2,
        "duplicates": slices + 3,
        "phases": 2 * slices,
        "localiser": slices + 3,
        "enhanced": 1,
    }
    assert pydicom.dcmread(next((tmp_path / "enhanced").iterdir())).NumberOfFrames == slices


def test_each_letter_reads_rightly_for_someone_who_looks_at_its_side() -> None:
    """Seen from the patient's Left the face looks to the left: the L's foot points to the back."""
    distance = letters().signed_distance
    cell, depth = 4.2, 19.2 + 2.0
    back_foot, front_foot = (CENTRE + np.array([[depth, y * cell, -3.0 * cell]]) for y in (2.0, -2.0))
    back_top, front_top = (CENTRE + np.array([[depth, y * cell, 3.0 * cell]]) for y in (2.0, -2.0))

    assert distance(back_foot)[0] < 0
    assert distance(front_foot)[0] < 0
    assert distance(front_top)[0] < 0
    assert distance(back_top)[0] > 0
