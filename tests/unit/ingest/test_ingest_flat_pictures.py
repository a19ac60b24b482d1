"""A picture comes in upright, in sRGB, with its lens and nothing else; a bad one is told apart in words."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image, ImageCms
from pydicom.dataset import FileDataset, FileMetaDataset

from drawn_pictures import coloured, encoded, png_of_size
from plastinate.model.errors import (
    DamagedFile,
    ParameterError,
    PathNotFound,
    PlastinateError,
    TooLarge,
    UnsupportedFile,
)
from plastinate.model.picture import field_of_focal
from plastinate.stages.ingest.flat_decode import LONGEST_SIDE, decode_flat
from plastinate.stages.ingest.flat_kinds import flat_kind_of
from plastinate.stages.ingest.flat_read import find_pictures, read_flat_picture
from plastinate.stages.ingest.limits import Limits

LIMITS = Limits()


def written(folder: Path, data: bytes, name: str = "picture") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def decoded(folder: Path, data: bytes) -> Any:
    kind = flat_kind_of(data)
    return decode_flat(written(folder, data), kind=kind, name="picture", limits=LIMITS)


def with_exif(rgb: Any, **tags: Any) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = tags.get("orientation", 1)
    exif[0x010F] = "a camera with a serial number"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0)})
    if "focal_35mm" in tags:
        exif.get_ifd(0x8769)[0xA405] = tags["focal_35mm"]
    return encoded(rgb, "JPEG", quality=95, exif=exif)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_a_picture_of_every_kind_is_read_in_a_child_of_its_own(tmp_path: Path, kind: str):
    more = {"lossless": True} if kind == "WEBP" else {"quality": 98} if kind == "JPEG" else {}
    read = read_flat_picture(written(tmp_path, encoded(coloured(), kind, **more), "no suffix at all"))
    assert read.picture.shape == (48, 64)
    assert np.abs(read.picture.rgb.astype(int) - coloured()).mean() < (4 if kind == "JPEG" else 0.01)
    assert read.inputs["format"] == kind.lower()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_upright(tmp_path: Path, orientation: int):
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: np.rot90(a, 2).transpose(1, 0, 2),
        8: lambda a: np.rot90(a, 3),
    }
    stored = np.ascontiguousarray(turns[orientation](coloured()))
    found = decoded(tmp_path, with_exif(stored, orientation=orientation))
    assert found.rgba.shape == (48, 64, 4)
    assert found.rgba[2:6, 2:6, :3].min() > 230, "the white corner is at the upper left"


@pytest.mark.slow
def test_the_lens_is_kept_and_place_and_camera_are_not(tmp_path: Path):
    read = read_flat_picture(written(tmp_path, with_exif(coloured(), focal_35mm=50)))
    assert read.picture.focal_source == "file"
    assert read.picture.focal_px == pytest.approx(50 / np.hypot(36, 24) * np.hypot(48, 64))
    assert [finding.code for finding in read.findings] == ["ingest.picture-place"]
    assert "camera" not in repr(read.inputs)
    assert set(read.inputs) == {"sha256", "files", "format"}


@pytest.mark.slow
def test_a_lens_that_nobody_states_is_sixty_degrees_and_is_told(tmp_path: Path):
    read = read_flat_picture(written(tmp_path, encoded(coloured())))
    assert field_of_focal(read.picture.shape, read.picture.focal_px) == pytest.approx(60)
    assert [finding.code for finding in read.findings] == ["ingest.no-focal-length"]


@pytest.mark.slow
def test_a_person_knows_the_lens_better_than_the_file(tmp_path: Path):
    path = written(tmp_path, with_exif(coloured(), focal_35mm=50))
    assert read_flat_picture(path, focal_35mm=100).picture.focal_source == "person"
    for nonsense in (0.0, -3.0, float("nan"), 1e9):
        with pytest.raises(ParameterError):
            read_flat_picture(path, focal_35mm=nonsense)


def test_sixteen_bits_of_grey_stay_sixteen(tmp_path: Path):
    ramp = np.linspace(100, 4000, 64 * 48).reshape(48, 64).astype(np.uint16)
    for kind in ("TIFF", "PNG"):
        found = decoded(tmp_path, encoded(ramp, kind))
        assert np.array_equal(found.grey, ramp)
        assert found.rgba[..., 0].min() == 0
        assert found.rgba[..., 0].max() == 255


def test_floating_numbers_with_holes_are_spread_over_their_range(tmp_path: Path):
    values = np.linspace(-2, 5, 64 * 48, dtype=np.float32).reshape(48, 64)
    values[0, 0] = np.nan
    found = decoded(tmp_path, encoded(values, "TIFF"))
    assert (found.grey.min(), found.grey.max()) == (0, 65535)


def test_a_colour_profile_is_brought_to_srgb(tmp_path: Path):
    # Of a profile whose red and blue are exchanged nothing is known here; linear light is known.
    linear = ImageCms.createProfile("LAB")
    profile = ImageCms.ImageCmsProfile(linear).tobytes()
    found = decoded(tmp_path, encoded(coloured(), "PNG", icc_profile=profile))
    assert [finding.code for finding in found.findings] == ["ingest.colour-profile"]
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    found = decoded(tmp_path, encoded(coloured(), "PNG", icc_profile=plain))
    assert not found.findings
    assert np.abs(found.rgba[..., :3].astype(int) - coloured()).max() <= 2


@pytest.mark.slow
def test_what_is_transparent_is_kept_as_nothing(tmp_path: Path):
    rgba = np.concatenate([coloured(), np.full((48, 64, 1), 255, dtype=np.uint8)], axis=2)
    rgba[:, :20, 3] = 0
    read = read_flat_picture(written(tmp_path, encoded(rgba)))
    assert read.picture.has_holes
    assert read.picture.opacity is not None
    assert read.picture.opacity[:, :20].max() == 0


def test_printing_colours_are_turned_and_told(tmp_path: Path):
    stream = io.BytesIO()
    Image.fromarray(coloured()).convert("CMYK").save(stream, "JPEG", quality=95)
    found = decoded(tmp_path, stream.getvalue())
    assert [finding.code for finding in found.findings] == ["ingest.printing-colours"]
    assert np.abs(found.rgba[..., :3].astype(int) - coloured()).mean() < 12


def test_of_an_animation_the_first_picture_is_taken(tmp_path: Path):
    stream = io.BytesIO()
    pictures = [Image.fromarray(coloured()), Image.fromarray(coloured()[::-1])]
    pictures[0].save(stream, "PNG", save_all=True, append_images=pictures[1:])
    found = decoded(tmp_path, stream.getvalue())
    assert [finding.code for finding in found.findings] == ["ingest.first-picture"]
    assert np.array_equal(found.rgba[..., :3], coloured())


@pytest.mark.slow
def test_a_picture_larger_than_any_texture_is_shrunk_with_its_lens(tmp_path: Path):
    wide = np.zeros((64, LONGEST_SIDE + 904, 3), dtype=np.uint8)
    read = read_flat_picture(written(tmp_path, with_exif(wide, focal_35mm=36)))
    assert max(read.picture.shape) == LONGEST_SIDE
    assert read.picture.shrunk == pytest.approx(LONGEST_SIDE / 5000)
    assert field_of_focal(read.picture.shape, read.picture.focal_px) == pytest.approx(
        field_of_focal((64, 5000), 36 / np.hypot(36, 24) * np.hypot(64, 5000)), abs=0.5
    )


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "I;16"])
def test_a_large_picture_is_turned_and_shrunk_whatever_its_pixels_are(tmp_path: Path, mode: str):
    # The left third is bright; turned by a quarter to the right it is the upper third.
    rows, columns = 300, LONGEST_SIDE + 104
    bright = np.zeros((rows, columns), dtype=np.uint8)
    bright[:, : columns // 3] = 240
    image = Image.fromarray(bright.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(bright)
    image = image if mode == "I;16" else image.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    image.save(stream, "PNG", exif=exif)
    found = decoded(tmp_path, stream.getvalue())
    assert found.rgba.shape[:2] == (LONGEST_SIDE, round(rows * LONGEST_SIDE / columns))
    assert [finding.code for finding in found.findings] == ["ingest.picture-shrunk"]
    upper, lower = found.rgba[: LONGEST_SIDE // 4, :, 0], found.rgba[LONGEST_SIDE // 2 :, :, 0]
    assert upper.min() >= 240
    assert lower.max() == 0
    assert int(found.grey[0, 0]) > 60_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (encoded(coloured(200, 200), "JPEG")[:900], DamagedFile, "cut short"),
        (encoded(coloured())[:60], DamagedFile, ""),
        (encoded(coloured(), "WEBP")[:40], DamagedFile, ""),
        (encoded(coloured(), "TIFF")[:50], DamagedFile, ""),
        (png_of_size(100_000, 100_000), TooLarge, "100,000"),
        (png_of_size(1, 1), UnsupportedFile, "1 x 1 pixels"),
        (b"Not a picture, whatever it is called.", UnsupportedFile, "no picture"),
        (b"", UnsupportedFile, "no picture"),
        (encoded(coloured(), "GIF"), UnsupportedFile, "GIF"),
        (b"\0\0\0\x18ftypheic" + bytes(64), UnsupportedFile, "HEIC"),
        (b"\xff\xd8\xff" + bytes(500), DamagedFile, ""),
    ],
    ids=[
        *("cut-jpeg", "cut-png", "cut-webp", "cut-tiff", "bomb", "one-pixel"),
        *("text", "no", "gif", "heic", "zeros"),
    ],
)
def test_a_bad_file_is_refused_in_a_sentence_with_a_code(
    tmp_path: Path, data: bytes, error: type[PlastinateError], words: str
):
    with pytest.raises(error) as caught:
        read_flat_picture(written(tmp_path, data, "picture.png"))
    assert words in caught.value.sentence
    assert "picture.png" in caught.value.sentence
    assert caught.value.code
    assert caught.value.hint


@pytest.mark.slow
def test_nothing_and_a_folder_are_no_picture(tmp_path: Path):
    with pytest.raises(PathNotFound):
        read_flat_picture(tmp_path / "nowhere.jpg")
    with pytest.raises(UnsupportedFile, match="no picture lies in it"):
        read_flat_picture(tmp_path)


def test_a_picture_is_known_by_its_content_and_a_scan_is_none(tmp_path: Path):
    (found,) = find_pictures(written(tmp_path, encoded(coloured()), "scan.dcm"))
    assert (found.name, found.format, found.shows) == ("scan.dcm", "png", "photo")
    assert find_pictures(written(tmp_path, b"NRRD0004\n", "photo.jpg")) == ()
    assert find_pictures(tmp_path / "nowhere") == ()


def xray(folder: Path, *, photometric: str = "MONOCHROME2", modality: str = "DX") -> Path:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    ds = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    ds.SOPClassUID, ds.SOPInstanceUID = meta.MediaStorageSOPClassUID, "1.2.3.4"
    ds.Modality, ds.PatientName = modality, "Nobody^Known"
    is_colour = photometric == "RGB"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 48, 64, 3 if is_colour else 1
    ds.PhotometricInterpretation, ds.PixelRepresentation = photometric, 0
    ds.BitsAllocated = 8 if is_colour else 16
    ds.BitsStored, ds.HighBit = (8, 7) if is_colour else (12, 11)
    if is_colour:
        ds.PlanarConfiguration = 0
        ds.PixelData = coloured().tobytes()
    else:
        ramp = np.tile(np.linspace(0, 4095, 64).astype(np.uint16), (48, 1))
        ds.PixelData = ramp.tobytes()
    path = folder / "xray.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_an_xray_is_bright_where_its_makers_meant_bright(tmp_path: Path, photometric: str):
    read = read_flat_picture(xray(tmp_path, photometric=photometric))
    first, last = float(read.picture.grey[:, 0].mean()), float(read.picture.grey[:, -1].mean())
    assert (first > last) == (photometric == "MONOCHROME1")
    assert max(first, last) == 65535
    assert read.picture.kind == "x-ray"
    assert "Nobody" not in repr(read)


@pytest.mark.slow
def test_a_colour_ultrasound_picture_is_read_in_its_colours(tmp_path: Path):
    read = read_flat_picture(xray(tmp_path, photometric="RGB", modality="US"))
    assert read.picture.kind == "ultrasound"
    assert np.array_equal(read.picture.rgb, coloured())


def test_bytes_gone_wrong_are_damage_and_never_a_surprise(tmp_path: Path):
    rng = np.random.default_rng(4)
    kinds = [encoded(coloured(), kind) for kind in ("JPEG", "PNG", "WEBP", "TIFF")]
    kinds += [with_exif(coloured(), orientation=6, focal_35mm=35)]
    kinds += [encoded(coloured(), "TIFF", compression="tiff_lzw")]
    outcomes = set()
    for number in range(180):
        data = bytearray(kinds[number % len(kinds)])
        for place in rng.integers(3, min(len(data), 300), rng.integers(1, 8)):
            data[place] = rng.integers(0, 256)
        if flat_kind_of(bytes(data)) not in ("jpeg", "png", "webp", "tiff"):
            continue
        try:
            decoded(tmp_path, bytes(data))
            outcomes.add("read")
        except PlastinateError as error:
            outcomes.add(error.code)
    assert {"read", "input.damaged-file"} <= outcomes
