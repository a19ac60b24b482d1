"""NIfTI, NRRD or MetaImage header -> matrix and spacing, for the listing; no voxels are read."""

from __future__ import annotations

import math
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from plastinate.model.errors import DamagedFile, TooLarge
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.image_file import DEFLATE_LIMIT, FLATTEST
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.nifti import NIFTI_TYPES
from plastinate.stages.ingest.sniff import Kind

HEAD_BYTES = 1 << 16
# A text header may hold as much before it says where its voxels are.
HEADER_BYTES_MAX = 1 << 22
# nifti1.h: NIFTI_INTENT_LABEL, "the value at each voxel is an index into some set of labels".
NIFTI_INTENT_LABEL = 1002
FORMAT_NAMES = {"nifti": "NIfTI", "nrrd": "NRRD", "metaimage": "MetaImage"}


@dataclass(frozen=True)
class PictureHeader:
    """Matrix in file order (fastest axis first), its spacing; whether it holds labels, and is packed.

    `has_plain_numbers` is False where a voxel is a colour, a complex number or another group of values.
    """

    sizes: tuple[int, ...]
    spacing_mm: tuple[float, ...] | None
    is_label_map: bool = False
    is_packed: bool = False
    has_plain_numbers: bool = True

    @property
    def shape(self) -> tuple[int, int, int]:
        """(slice, row, column) as stored; missing axes are 1."""
        padded = (*self.sizes, 1, 1, 1)
        return padded[2], padded[1], padded[0]

    @property
    def volume_count(self) -> int:
        """Volumes in the file: the product of every axis past the third."""
        count = 1
        for size in self.sizes[3:]:
            count *= size
        return count


def read_picture_header(path: Path, *, kind: Kind, name: str) -> PictureHeader:
    """Matrix and spacing of a picture file.

    Raises:
        DamagedFile: the header does not say.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if kind == "nifti":
            return _nifti(head)
        return _nrrd(head) if kind == "nrrd" else _metaimage(head)
    except OSError as error:
        raise DamagedFile(name, error.strerror or "it cannot be read") from error
    except (ValueError, LookupError, struct.error, zlib.error, ArithmeticError) as error:
        raise DamagedFile(name, f"its {FORMAT_NAMES[kind]} header makes no sense") from error


def require_plausible(header: PictureHeader, *, file_bytes: int, name: str, limits: Limits) -> None:
    """Refuse a picture that claims more voxels than its file can hold, or than anyone may read.

    Args:
        header: as it claims.
        file_bytes: of the file, and of the one beside it that may hold its voxels.
        name: what to call it.
        limits: the most voxels.

    Raises:
        DamagedFile: too short, even if it were packed as tightly as can be, in bytes of one voxel each.
        TooLarge: more voxels than allowed.
    """
    slices, rows, columns = header.shape
    voxels = slices * rows * columns
    if voxels > limits.voxels:
        raise TooLarge(name, "the number of voxels", value=voxels, cap=limits.voxels)
    claimed = voxels * header.volume_count
    if claimed > file_bytes * (DEFLATE_LIMIT if header.is_packed else 1):
        raise DamagedFile(name, f"it is too short to hold the {claimed:,} voxels that it claims")


def files_of(picture: Candidate) -> list[Path]:
    """The file of a picture, and the data file beside it that a MetaImage header may name."""
    if picture.kind == "metaimage":
        with picture.path.open("rb") as file:
            named = re.search(
                rb"^\s*ElementDataFile\s*=\s*(.+?)\s*$",
                file.read(HEADER_BYTES_MAX),
                re.MULTILINE | re.IGNORECASE,
            )
        beside = picture.path.parent / Path(named[1].decode(errors="replace")).name if named else picture.path
        if beside != picture.path and beside.is_file():
            return [picture.path, beside]
    return [picture.path]


def _nifti(head: bytes) -> PictureHeader:
    """NIfTI-1 and -2: dim and pixdim (nifti1.h; nifti2.h)."""
    is_packed = head[:2] == b"\x1f\x8b"
    if is_packed:
        head = zlib.decompressobj(wbits=31).decompress(head, 1024)
    is_second = head[4:7] in (b"n+2", b"ni2")
    order = "<" if struct.unpack_from("<i", head)[0] in (348, 540) else ">"
    dim = struct.unpack_from(order + ("8q" if is_second else "8h"), head, 16 if is_second else 40)
    (datatype,) = struct.unpack_from(order + "h", head, 12 if is_second else 70)
    (intent,) = struct.unpack_from(order + ("i" if is_second else "h"), head, 504 if is_second else 68)
    pixdim = struct.unpack_from(order + ("8d" if is_second else "8f"), head, 104 if is_second else 76)
    rank = dim[0]
    if not 1 <= rank <= 7 or min(dim[1 : rank + 1]) < 1:
        raise ValueError("dim")
    sizes = tuple(int(n) for n in dim[1 : rank + 1])
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    spacing = _spacing(tuple(abs(value) for value in pixdim[1:4]))
    (by_rows,) = struct.unpack_from(order + ("i" if is_second else "h"), head, 348 if is_second else 254)
    rows = struct.unpack_from(order + ("12d" if is_second else "12f"), head, 400 if is_second else 280)
    if by_rows > 0 and min((*sizes, 1)[:3]) > 1 and not _spans(rows):
        raise ValueError("srow")
    is_plain = datatype in NIFTI_TYPES
    return PictureHeader(sizes, spacing, intent == NIFTI_INTENT_LABEL, is_packed, is_plain)


def _spans(rows: tuple[float, ...]) -> bool:
    """Whether three rows of four say where voxels lie, as reading will ask: axes that are not in one plane.

    Rows of nothing but zeros say nothing, which is no contradiction.
    """
    if not all(map(math.isfinite, rows)):
        return False
    axes = [[rows[4 * row + column] for row in range(3)] for column in range(3)]
    lengths = [math.hypot(*axis) for axis in axes]
    if not any(lengths):
        return True
    if not all(lengths):
        return False
    (a, b, c), (d, e, f), (g, h, i) = (
        [value / length for value in axis] for axis, length in zip(axes, lengths, strict=True)
    )
    return abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) >= FLATTEST


def _nrrd(head: bytes) -> PictureHeader:
    """NRRD 4 and 5: sizes, and spacings or space directions."""
    text = head.split(b"\n\n")[0].split(b"\r\n\r\n")[0].decode("latin-1")
    fields = dict(re.findall(r"^([a-zA-Z ]+):=?\s*(.*?)\s*$", text, flags=re.MULTILINE))
    sizes = tuple(int(part) for part in fields["sizes"].split())
    if min(sizes) < 1:
        raise ValueError("sizes")
    # The keys by which 3D Slicer knows a segmentation.
    is_label_map = re.search(r"^Segment(ation_|0_)\w+:=", text, flags=re.MULTILINE) is not None
    is_packed = fields.get("encoding", "raw").lower() != "raw"
    vectors = re.findall(r"\(([^)]*)\)", fields.get("space directions", ""))
    if vectors:
        lengths = [sum(float(part) ** 2 for part in vector.split(",")) ** 0.5 for vector in vectors]
        spacing = _spacing(tuple(lengths))
        return PictureHeader(_spatial_first(sizes, fields), spacing, is_label_map, is_packed)
    if "spacings" in fields:
        spacing = _spacing(tuple(float(part) for part in fields["spacings"].split()[:3]))
        return PictureHeader(sizes, spacing, is_packed=is_packed)
    return PictureHeader(sizes, None, is_packed=is_packed)


def _spatial_first(sizes: tuple[int, ...], fields: dict[str, str]) -> tuple[int, ...]:
    """Sizes with the axes that have no direction ("none") moved to the end."""
    directions = re.findall(r"none|\([^)]*\)", fields.get("space directions", ""))
    if len(directions) != len(sizes):
        return sizes
    spatial = [size for size, direction in zip(sizes, directions, strict=True) if direction != "none"]
    other = [size for size, direction in zip(sizes, directions, strict=True) if direction == "none"]
    return (*spatial, *other)


def _metaimage(head: bytes) -> PictureHeader:
    """MetaImage: DimSize and ElementSpacing."""
    text = re.split(rb"(?i)ElementDataFile", head)[0].decode("latin-1")
    pairs = re.findall(r"^\s*(\w+)\s*=\s*(.*?)\s*$", text, flags=re.MULTILINE)
    fields = {key.lower(): value for key, value in pairs}
    sizes = tuple(int(part) for part in fields["dimsize"].split())
    if min(sizes) < 1:
        raise ValueError("DimSize")
    spacing = fields.get("elementspacing") or fields.get("elementsize")
    return PictureHeader(
        sizes,
        _spacing(tuple(float(part) for part in spacing.split()[:3])) if spacing else None,
        is_packed=fields.get("compresseddata", "").lower() in ("true", "1", "t"),
        has_plain_numbers=int(fields.get("elementnumberofchannels", "1")) == 1,
    )


def _spacing(values: tuple[float, ...]) -> tuple[float, ...] | None:
    padded = (*values, 1.0, 1.0, 1.0)[:3]
    return padded if all(0 < value < 1e4 for value in padded) else None
