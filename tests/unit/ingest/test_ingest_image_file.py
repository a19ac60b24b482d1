from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plastinate.model.errors import DamagedFile, TooLarge, UnsupportedFile
from plastinate.model.geometry import Geometry
from plastinate.stages.ingest.metaimage import read_metaimage
from plastinate.stages.ingest.nifti import read_nifti
from plastinate.stages.ingest.nrrd import read_nrrd
from plastinate.stages.ingest.picture import read_picture_header

READERS = {
    ".nii": read_nifti,
    ".nii.gz": read_nifti,
    ".nrrd": read_nrrd,
    ".mha": read_metaimage,
    ".mhd": read_metaimage,
}
SHAPE = (4, 5, 6)


def rotation(a, b, c):
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


def image_of(values, *, direction=None, spacing=(0.5, 0.9, 2.5), origin=(11.0, -22.0, 33.0)):
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    image.SetDirection((np.eye(3) if direction is None else direction).ravel().tolist())
    return image


def codes(read):
    return [finding.code for finding in read.findings]


def metaimage(path, lines):
    path.write_bytes(
        ("ObjectType = Image\nNDims = 3\nDimSize = 4 3 2\nElementType = MET_UCHAR\n" + lines).encode()
        + b"ElementDataFile = LOCAL\n"
        + bytes(range(24))
    )
    return read_metaimage(path)


def judge(read, image):
    """Every voxel must lie where SimpleITK puts it, with its value."""
    values = sitk.GetArrayFromImage(image).astype(np.float64)
    geometry = Geometry(read.array.shape, read.to_lps_mm, read.unit)
    for x in range(image.GetSize()[0]):
        for y in range(image.GetSize()[1]):
            for z in range(image.GetSize()[2]):
                place = np.array(image.TransformIndexToPhysicalPoint((x, y, z)))
                index = geometry.lps_to_index(place)
                assert np.abs(index - np.rint(index)).max() < 1e-3
                s, r, c = np.rint(index).astype(int)
                assert read.array[s, r, c] == values[z, y, x]


@pytest.mark.parametrize("suffix", READERS)
@pytest.mark.parametrize("compress", [False, True])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(angles=st.tuples(*[st.floats(-3, 3)] * 3), is_mirrored=st.booleans())
def test_every_voxel_lies_where_simpleitk_puts_it(tmp_path, suffix, compress, angles, is_mirrored):
    values = np.random.default_rng(0).integers(-1000, 3000, SHAPE).astype(np.int16)
    direction = rotation(*angles) * (np.array([1, 1, -1]) if is_mirrored else 1)
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(image_of(values, direction=direction), str(path), useCompression=compress)
    read = READERS[suffix](path)
    judge(read, image_of(values, direction=direction))
    assert read.array.dtype == np.int16
    assert read.unit == "mm"


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"])
def test_every_type_is_read_and_whole_numbers_stay_whole(tmp_path, suffix, dtype):
    values = np.arange(120).reshape(SHAPE).astype(dtype)
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(image_of(values), str(path))
    read = READERS[suffix](path)
    judge(read, image_of(values))
    assert read.array.dtype == np.int16


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_labels_beyond_int16_survive_exactly(tmp_path, suffix):
    values = np.zeros(SHAPE, np.uint16)
    values[1, 2, 3], values[2, 2, 2] = 65535, 40001
    sitk.WriteImage(image_of(values), str(tmp_path / f"a{suffix}"))
    read = READERS[suffix](tmp_path / f"a{suffix}")
    assert sorted(np.unique(read.array).tolist()) == [0, 40001, 65535]


@pytest.mark.parametrize("suffix", [".nii", ".nrrd", ".mha"])
def test_fractions_and_holes_stay_float(tmp_path, suffix):
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    values[0, 0, 0] = np.nan
    sitk.WriteImage(image_of(values), str(tmp_path / f"a{suffix}"))
    read = READERS[suffix](tmp_path / f"a{suffix}")
    assert read.array.dtype == np.float32
    assert np.isnan(read.array).sum() == 1
    assert np.nanmax(read.array) == values[np.isfinite(values)].max()


@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf])
def test_voxels_that_hold_no_number_are_counted_and_placed(tmp_path, nothing):
    values = np.zeros(SHAPE, dtype=np.float32)
    sitk.WriteImage(image_of(values), str(tmp_path / "whole.nii"))
    assert "ingest.no-number" not in codes(read_nifti(tmp_path / "whole.nii"))
    values[1:3, 0, 0] = nothing
    sitk.WriteImage(image_of(values), str(tmp_path / "holed.nii"))
    read = read_nifti(tmp_path / "holed.nii")
    (finding,) = (each for each in read.findings if each.code == "ingest.no-number")
    assert finding.severity == "warning"
    assert finding.details["voxels"] == 2
    assert finding.details["last_slice"] == finding.details["first_slice"] + 1


def nifti(values, affine, *, version=1, order="<", slope=0.0, inter=0.0, sform=1, units=2, dims=None):
    """A NIfTI file from its field table, with the affine given in RAS on (i, j, k)."""
    codes = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "u2": 512}
    code, bits = codes[values.dtype.str[1:]], 8 * values.dtype.itemsize
    dims = [3, *values.shape[::-1], 1, 1, 1, 1] if dims is None else dims
    head = bytearray(352 if version == 1 else 544)
    if version == 1:
        struct.pack_into(order + "i", head, 0, 348)
        struct.pack_into(order + "8h", head, 40, *dims)
        struct.pack_into(order + "2h", head, 70, code, bits)
        struct.pack_into(order + "8f", head, 76, 1, 1, 1, 1, 0, 0, 0, 0)
        struct.pack_into(order + "3f", head, 108, 352, slope, inter)
        head[123] = units
        struct.pack_into(order + "2h", head, 252, 0, sform)
        struct.pack_into(order + "12f", head, 280, *np.asarray(affine)[:3].ravel())
        head[344:348] = b"n+1\0"
    else:
        struct.pack_into(order + "i", head, 0, 540)
        head[4:12] = b"n+2\0\r\n\x1a\n"
        struct.pack_into(order + "2h", head, 12, code, bits)
        struct.pack_into(order + "8q", head, 16, *dims)
        struct.pack_into(order + "8d", head, 104, 1, 1, 1, 1, 0, 0, 0, 0)
        struct.pack_into(order + "q2d", head, 168, 544, slope, inter)
        struct.pack_into(order + "2i", head, 344, 0, sform)
        struct.pack_into(order + "12d", head, 400, *np.asarray(affine)[:3].ravel())
        struct.pack_into(order + "i", head, 500, units)
    return bytes(head) + values.astype(values.dtype.newbyteorder(order)).tobytes()


RAS = np.array([[-0.5, 0, 0, 10], [0, 0.9, 0, 20], [0, 0, 2.0, 30], [0, 0, 0, 1]], dtype=np.float64)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_in_both_byte_orders_are_scaled_and_placed(tmp_path, version, order):
    values = np.arange(120, dtype=np.int16).reshape(SHAPE)
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(nifti(values, RAS, version=version, order=order, slope=2.0, inter=-7.0)))
    read = read_nifti(path)
    index = Geometry(read.array.shape, read.to_lps_mm).lps_to_index(
        np.array([-(10 - 0.5 * 4), -(20 + 0.9), 36.0])
    )
    s, r, c = np.rint(index).astype(int)
    assert read.array[s, r, c] == values[3, 1, 4] * 2 - 7
    assert read.array.dtype == np.int16


@pytest.mark.parametrize(("units", "factor"), [(1, 1000.0), (2, 1.0), (3, 0.001), (0, 1.0)])
def test_nifti_lengths_become_millimetres(tmp_path, units, factor):
    (tmp_path / "a").write_bytes(nifti(np.zeros(SHAPE, np.int16), RAS / factor, units=units))
    read = read_nifti(tmp_path / "a")
    assert Geometry(SHAPE, read.to_lps_mm).spacing_mm == pytest.approx((2.0, 0.9, 0.5))
    assert (read.unit, codes(read)) == ("mm", [])


def test_a_nifti_without_orientation_says_so(tmp_path):
    (tmp_path / "a").write_bytes(nifti(np.zeros(SHAPE, np.int16), RAS, sform=0))
    assert [finding.code for finding in read_nifti(tmp_path / "a").findings] == ["ingest.no-orientation"]


def test_a_sheared_file_is_straightened(tmp_path):
    affine = RAS.copy()
    affine[1, 2] = 0.7
    grid = np.indices((6, 12, 10))[::-1].reshape(3, -1)
    field = np.array([5.0, -3.0, 2.0])
    values = (field @ (affine[:3, :3] @ grid + affine[:3, 3:])).reshape(6, 12, 10)
    (tmp_path / "a").write_bytes(nifti(values.astype(np.float32), affine))
    read = read_nifti(tmp_path / "a")
    geometry = Geometry(read.array.shape, read.to_lps_mm)
    lps = geometry.index_to_lps(np.moveaxis(np.indices(read.array.shape), 0, -1))
    wanted = (lps * [-1, -1, 1]) @ field
    inner = ~np.isnan(read.array)
    inner &= np.roll(inner, 1, 1) & np.roll(inner, -1, 1)
    inner[:, [0, -1]] = False
    assert inner.mean() > 0.4
    assert np.abs(read.array - wanted)[inner].max() < 1e-2
    assert [finding.code for finding in read.findings] == ["ingest.shear"]


def test_two_placements_that_differ_are_named(tmp_path):
    data = bytearray(nifti(np.zeros(SHAPE, np.int16), RAS))
    struct.pack_into("<h", data, 252, 1)
    (tmp_path / "a").write_bytes(bytes(data))
    assert [finding.code for finding in read_nifti(tmp_path / "a").findings] == ["ingest.two-placements"]


def test_several_volumes_are_refused_in_words(tmp_path):
    data = nifti(np.zeros(SHAPE, np.int16), RAS, dims=[4, 6, 5, 2, 2, 1, 1, 1])
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(UnsupportedFile, match="2 volumes"):
        read_nifti(tmp_path / "a")


def test_a_claim_of_too_many_voxels_is_refused_before_inflating(tmp_path):
    data = nifti(np.zeros(SHAPE, np.int16), RAS, dims=[3, 32767, 32767, 32767, 1, 1, 1, 1])
    (tmp_path / "a").write_bytes(gzip.compress(data))
    with pytest.raises(TooLarge, match="voxels"):
        read_nifti(tmp_path / "a")


@pytest.mark.parametrize("suffix", READERS)
def test_a_file_cut_short_is_damage(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    values = np.random.default_rng(0).integers(0, 9999, SHAPE).astype(np.int16)
    sitk.WriteImage(image_of(values), str(path))
    victim = tmp_path / "a.raw" if suffix == ".mhd" else path
    whole = victim.read_bytes()
    for kept in (len(whole) - 1, len(whole) * 2 // 3, 20, 3, 0):
        victim.write_bytes(whole[:kept])
        with pytest.raises(DamagedFile):
            READERS[suffix](path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_a_flipped_bit_in_compressed_voxels_is_damage(tmp_path, suffix):
    values = np.random.default_rng(0).integers(0, 9999, SHAPE).astype(np.int16)
    path = tmp_path / f"a{suffix}"
    sitk.WriteImage(image_of(values), str(path), useCompression=True)
    content = bytearray(path.read_bytes())
    content[-60] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(DamagedFile):
        READERS[suffix](path)


@pytest.mark.parametrize("space", ["right-anterior-superior", "LAS", "left-posterior-superior"])
def test_nrrd_spaces_are_turned_to_lps(tmp_path, space):
    values = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    header = (
        f"NRRD0004\n# by hand\ntype: short\ndimension: 3\nspace: {space}\nsizes: 4 3 2\n"
        "space directions: (0.5,0,0) (0,0.9,0) (0,0,2)\nkinds: domain domain domain\nendian: big\n"
        "encoding: raw\nspace origin: (10,20,30)\nkey:=a value: with a colon\n\n"
    )
    (tmp_path / "a").write_bytes(header.encode() + values.tobytes())
    read = read_nrrd(tmp_path / "a")
    signs = {"r": (-1, -1, 1), "L": (1, -1, 1), "l": (1, 1, 1)}[space[0]]
    place = np.array([10 + 3 * 0.5, 20 + 0.9, 30 + 2.0]) * signs
    s, r, c = np.rint(Geometry(read.array.shape, read.to_lps_mm).lps_to_index(place)).astype(int)
    assert read.array[s, r, c] == values[1, 1, 3]


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("data file: other.raw", UnsupportedFile),
        ("encoding: bzip2", UnsupportedFile),
        ("space: scanner-xyz", UnsupportedFile),
        ("kinds: vector domain domain", UnsupportedFile),
        ("sizes: 4 3", UnsupportedFile),
        ("sizes: 4 3 -2", DamagedFile),
        ("space directions: (1,0,0) (0,1,0) none", DamagedFile),
        ("space directions: (1,0,0) (2,0,0) (0,0,1)", DamagedFile),
        ("space directions: (nan,0,0) (0,1,0) (0,0,1)", DamagedFile),
        ("type: block", UnsupportedFile),
    ],
)
def test_odd_nrrd_files_are_refused_in_words(tmp_path, line, error):
    header = (
        "NRRD0005\ntype: short\ndimension: 3\nspace: LPS\nsizes: 4 3 2\n"
        "space directions: (1,0,0) (0,1,0) (0,0,1)\nendian: little\nencoding: raw\n"
    )
    others = [other for other in header.splitlines() if other.split(":")[0] != line.split(":")[0]]
    (tmp_path / "a").write_bytes("\n".join([*others, line, "", ""]).encode() + bytes(48))
    with pytest.raises(error):
        read_nrrd(tmp_path / "a")


def test_an_nrrd_without_size_is_in_pixels(tmp_path):
    header = "NRRD0001\ntype: uchar\ndimension: 3\nsizes: 4 3 2\nencoding: raw\n\n"
    (tmp_path / "a").write_bytes(header.encode() + bytes(range(24)))
    read = read_nrrd(tmp_path / "a")
    assert read.unit == "px"
    assert codes(read) == ["ingest.no-orientation", "ingest.no-pixel-spacing"]


@pytest.mark.parametrize(
    "reference", ["../a.raw", "/etc/passwd", "LIST", "a%03d.raw 1 3 1", "sub/a.raw", ".."]
)
def test_a_metaimage_header_may_not_point_elsewhere(tmp_path, reference):
    (tmp_path / "a.mhd").write_text(
        f"NDims = 3\nDimSize = 2 2 2\nElementType = MET_SHORT\nElementDataFile = {reference}\n"
    )
    with pytest.raises(UnsupportedFile, match="beside it"):
        read_metaimage(tmp_path / "a.mhd")


def test_a_metaimage_header_may_not_point_through_a_link(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(16))
    (tmp_path / "a.raw").symlink_to(tmp_path / "secret")
    (tmp_path / "a.mhd").write_text(
        "NDims = 3\nDimSize = 2 2 2\nElementType = MET_SHORT\nElementDataFile = a.raw\n"
    )
    with pytest.raises(UnsupportedFile):
        read_metaimage(tmp_path / "a.mhd")


STRAIGHT = "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"
ABSURD = ["0", "-1", "nan", "inf", "1e9", "1e-9", "100.1"]


def test_a_metaimage_that_says_nothing_of_place_or_size_says_so(tmp_path):
    read = metaimage(tmp_path / "a.mha", "")
    assert read.unit == "px"
    assert codes(read) == ["ingest.no-orientation", "ingest.no-pixel-spacing"]


def test_metaimage_keys_count_whatever_their_capitals(tmp_path):
    read = metaimage(tmp_path / "a.mha", "transformmatrix = 0 1 0 1 0 0 0 0 1\nELEMENTSPACING = 2 3 4\n")
    assert (read.unit, codes(read)) == ("mm", [])
    assert sorted(np.abs(read.to_lps_mm[:3, :3]).max(axis=0)) == [2, 3, 4]
    assert np.abs(read.to_lps_mm[1, :3]).max() == 2


def test_a_metaimage_header_that_contradicts_itself_is_damage(tmp_path):
    with pytest.raises(DamagedFile, match="twice"):
        metaimage(tmp_path / "a.mha", "ElementSpacing = 1 1 1\nelementspacing = 2 2 2\n")


@pytest.mark.parametrize("size", ABSURD)
def test_a_metaimage_voxel_of_absurd_size_has_none(tmp_path, size):
    read = metaimage(tmp_path / "a.mha", f"{STRAIGHT}Offset = 1 2 3\nElementSpacing = {size} 1 1\n")
    assert (read.unit, codes(read)) == ("px", ["ingest.no-pixel-spacing"])
    assert np.linalg.norm(read.to_lps_mm[:3, :3], axis=0).tolist() == [1, 1, 1]


@pytest.mark.parametrize("size", ["1e9", "1e-9", "100.1"])
@pytest.mark.parametrize(
    "lines", ["space: LPS\nspace directions: ({},0,0) (0,1,0) (0,0,1)", "spacings: {} 1 1"]
)
def test_an_nrrd_voxel_of_absurd_size_has_none(tmp_path, size, lines):
    header = f"NRRD0005\ntype: uchar\ndimension: 3\nsizes: 4 3 2\nencoding: raw\n{lines.format(size)}\n\n"
    (tmp_path / "a").write_bytes(header.encode() + bytes(24))
    read = read_nrrd(tmp_path / "a")
    assert (read.unit, codes(read)[-1]) == ("px", "ingest.no-pixel-spacing")
    assert np.linalg.norm(read.to_lps_mm[:3, :3], axis=0).tolist() == [1, 1, 1]


def placed_nifti(path, *, pixdim, qform=0, sform=0, affine=RAS):
    data = bytearray(nifti(np.zeros(SHAPE, np.int16), affine, sform=sform))
    struct.pack_into("<4f", data, 76, 1, *pixdim)
    struct.pack_into("<h", data, 252, qform)
    path.write_bytes(bytes(data))
    return read_nifti(path)


@pytest.mark.parametrize("size", ABSURD)
@pytest.mark.parametrize("qform", [0, 1])
def test_a_nifti_voxel_of_absurd_size_has_none(tmp_path, size, qform):
    read = placed_nifti(tmp_path / "a", pixdim=(1, float(size), 1), qform=qform)
    assert read.unit == "px"
    assert codes(read) == [*["ingest.no-orientation"][qform:], "ingest.no-pixel-spacing"]


def test_a_nifti_whose_sform_is_of_absurd_size_has_none(tmp_path):
    read = placed_nifti(tmp_path / "a", pixdim=(1, 1, 1), sform=1, affine=RAS * 1e7)
    assert (read.unit, codes(read)) == ("px", ["ingest.no-pixel-spacing"])


def test_an_empty_sform_gives_way_to_the_qform(tmp_path):
    read = placed_nifti(tmp_path / "a", pixdim=(2, 3, 4), qform=1, sform=1, affine=RAS * 0)
    assert (read.unit, codes(read)) == ("mm", ["ingest.two-placements"])
    assert Geometry(SHAPE, read.to_lps_mm).spacing_mm == pytest.approx((4, 3, 2))


def test_an_nrrd_that_contradicts_itself_is_damage(tmp_path):
    header = "NRRD0005\ntype: uchar\ndimension: 3\nspace: {}\nsizes: 4 3 2\nencoding: raw\nspace: LPS\n\n"
    (tmp_path / "a").write_bytes(header.format("RAS").encode() + bytes(24))
    with pytest.raises(DamagedFile, match="twice"):
        read_nrrd(tmp_path / "a")
    (tmp_path / "a").write_bytes(header.format("LPS").encode() + bytes(24))
    assert codes(read_nrrd(tmp_path / "a")) == ["ingest.no-orientation", "ingest.no-pixel-spacing"]


PLACES = {
    "nowhere": [[np.nan] * 4] * 3,
    "one axis twice": [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]],
    "an axis without length": [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0]],
    "nearly in one plane": [[1, 0.9999, 0, 0], [0, 0.01, 0, 0], [0, 0, 1, 0]],
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("place", PLACES)
def test_a_nifti_that_cannot_be_placed_is_not_listed_as_one_that_can_be_built(tmp_path, place, version):
    path = tmp_path / "a.nii"
    affine = np.array([*PLACES[place], [0, 0, 0, 1]], dtype=np.float64)
    path.write_bytes(nifti(np.arange(60, dtype=np.int16).reshape(3, 4, 5), affine, version=version))
    with pytest.raises(DamagedFile, match=r"voxels lie|one plane"):
        read_nifti(path)
    with pytest.raises(DamagedFile, match="header makes no sense"):
        read_picture_header(path, kind="nifti", name="a.nii")
    whole = np.array([[0.8, 0, 0.6, 0], [0, 1, 0, 0], [-0.6, 0, 0.8, 0], [0, 0, 0, 1]])
    path.write_bytes(nifti(np.arange(60, dtype=np.int16).reshape(3, 4, 5), whole, version=version))
    listed = read_picture_header(path, kind="nifti", name="a.nii")
    assert sorted(listed.shape) == sorted(read_nifti(path).array.shape) == [3, 4, 5]
