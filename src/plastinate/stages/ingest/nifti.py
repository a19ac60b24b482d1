"""A NIfTI-1 or NIfTI-2 file -> an image on a right-handed LPS grid."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Unit, lps_affine_to_ras
from plastinate.stages.ingest.assemble import Allocate
from plastinate.stages.ingest.image_file import (
    MAX_VOXELS,
    ImageFile,
    are_sizes,
    checked_shape,
    finish,
    no_orientation,
    no_size,
    open_plain_or_gzip,
    read_voxels,
)

NIFTI_TYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
# Extensions between header and voxels are notes; none needs more.
_MOST_EXTENSION_BYTES = 64 << 20
# Where qform and sform place the same voxel this far apart, the file contradicts itself.
_DISAGREEMENT_MM = 1.0


@dataclass(frozen=True)
class _Header:
    order: str
    sizes: list[int]
    datatype: int
    pixdim: tuple[float, ...]
    offset: int
    slope: float
    intercept: float
    units: int
    qform_code: int
    sform_code: int
    quaternion: tuple[float, float, float]
    qoffset: tuple[float, float, float]
    srow: tuple[float, ...]


def read_nifti(
    path: Path,
    *,
    name: str = "",
    out: Allocate | None = None,
    max_voxels: int = MAX_VOXELS,
) -> ImageFile:
    """Read a single-file NIfTI, plain or gzip.

    Args:
        path: the file.
        name: what to call it; its own name if empty.
        out: allocates the final array.
        max_voxels: refuse more, before inflating.

    Raises:
        DamagedFile: truncated or contradicting itself.
        UnsupportedFile: colour or complex voxels, several volumes, or a header without its voxels.
        TooLarge: more voxels than allowed.

    Source: nifti1.h and nifti2.h of the NIfTI Data Format Working Group (methods 1 to 3 of orientation).
    """
    name = name or path.name
    try:
        with open_plain_or_gzip(path) as file:
            header = _read_header(file, name)
            if header.datatype not in NIFTI_TYPES:
                raise UnsupportedFile(
                    name, f"its voxels are of NIfTI type {header.datatype}, not one number each"
                )
            shape = checked_shape(header.sizes, name=name, max_voxels=max_voxels)
            dtype = np.dtype(header.order + NIFTI_TYPES[header.datatype])
            raw = read_voxels(file, shape, dtype, coding="raw", name=name)
            file.read(1)  # lets gzip reach and compare its checksum
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedFile(name, f"it cannot be read ({error})") from error
    matrix, unit, findings = _placement(header, name)
    is_scaled = np.isfinite(header.slope) and header.slope != 0 and np.isfinite(header.intercept)
    return finish(
        raw,
        matrix,
        unit=unit,
        name=name,
        slope=header.slope if is_scaled else 1.0,
        intercept=header.intercept if is_scaled else 0.0,
        out=out,
        findings=findings,
    )


def _read_header(file: IO[bytes], name: str) -> _Header:
    """The fields that matter, from the header; leaves the file at the first voxel."""
    head = file.read(348)
    if len(head) < 348:
        raise DamagedFile(name, "it is shorter than a NIfTI header")
    for order in "<>":
        size = struct.unpack_from(order + "i", head)[0]
        if size == 348:
            header, magic = _nifti1(head, order, name), head[344:348]
            break
        if size == 540:
            head += file.read(540 - 348)
            if len(head) < 540:
                raise DamagedFile(name, "it is shorter than a NIfTI-2 header")
            header, magic = _nifti2(head, order, name), head[4:8]
            break
    else:
        raise DamagedFile(name, "it does not begin as a NIfTI file")
    if magic in (b"ni1\0", b"ni2\0"):
        raise UnsupportedFile(
            name, "its voxels are in another file", hint="Give it as one .nii or .nii.gz file."
        )
    if magic not in (b"n+1\0", b"n+2\0"):
        raise UnsupportedFile(name, "it is of the older Analyze kind, which does not say left from right")
    gap = header.offset - len(head)
    if gap < 0 or gap > _MOST_EXTENSION_BYTES or len(file.read(gap)) != gap:
        raise DamagedFile(name, f"its voxels are said to begin at byte {header.offset}")
    return header


def _nifti1(head: bytes, order: str, name: str) -> _Header:
    def unpack(form: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + form, head, at)

    offset, slope, intercept = unpack("3f", 108)
    q_code, s_code, *places = unpack("2h18f", 252)
    return _Header(
        order=order,
        sizes=_sizes(unpack("8h", 40), name),
        datatype=unpack("h", 70)[0],
        pixdim=unpack("8f", 76),
        offset=int(offset) if 0 <= offset < 2**31 else -1,
        slope=slope,
        intercept=intercept,
        units=head[123],
        qform_code=q_code,
        sform_code=s_code,
        quaternion=(places[0], places[1], places[2]),
        qoffset=(places[3], places[4], places[5]),
        srow=tuple(places[6:18]),
    )


def _nifti2(head: bytes, order: str, name: str) -> _Header:
    def unpack(form: str, at: int) -> tuple[Any, ...]:
        return struct.unpack_from(order + form, head, at)

    offset, slope, intercept = unpack("q2d", 168)
    q_code, s_code, *places = unpack("2i18d", 344)
    return _Header(
        order=order,
        sizes=_sizes(unpack("8q", 16), name),
        datatype=unpack("h", 12)[0],
        pixdim=unpack("8d", 104),
        offset=offset,
        slope=slope,
        intercept=intercept,
        units=unpack("i", 500)[0] & 0xFF,
        qform_code=q_code,
        sform_code=s_code,
        quaternion=(places[0], places[1], places[2]),
        qoffset=(places[3], places[4], places[5]),
        srow=tuple(places[6:18]),
    )


def _sizes(dim: tuple[Any, ...], name: str) -> list[int]:
    count = int(dim[0])
    if not 2 <= count <= 7:
        raise DamagedFile(name, f"it claims {count} dimensions")
    sizes = [int(size) for size in dim[1 : count + 1]]
    if any(size > 1 for size in sizes[3:]):
        volumes = int(np.prod(np.array(sizes[3:], dtype=np.float64)))
        raise UnsupportedFile(
            name,
            f"it holds {volumes} volumes one after another",
            hint="Save the one you want as a file of its own.",
        )
    return [*sizes, 1][:3]


def _placement(header: _Header, name: str) -> tuple[npt.NDArray[np.float64], Unit, tuple[Finding, ...]]:
    """(4, 4) index (slice, row, column) -> LPS mm, its unit, and what was odd about it."""
    findings: tuple[Finding, ...] = ()
    mm = _MM_PER_UNIT.get(header.units & 7, 1.0)
    sizes = np.array(header.pixdim[1:4], dtype=np.float64)
    has_sizes = are_sizes(sizes * mm)
    sizes = sizes if has_sizes else np.ones(3)
    by_rotation = _from_quaternion(header, sizes) if header.qform_code > 0 else None
    by_rows = np.vstack([np.array(header.srow, dtype=np.float64).reshape(3, 4), [0, 0, 0, 1]])
    has_rows = header.sform_code > 0 and bool(by_rows[:3, :3].any())
    unit: Unit = "mm"
    if has_rows:
        affine = by_rows
        if by_rotation is not None and has_sizes and np.isfinite(by_rotation).all():
            ends = np.array([[*np.array(header.sizes, dtype=np.float64) - 1, 1], [0, 0, 0, 1]]).T
            apart = float(np.abs((affine - by_rotation) @ ends).max())
            if apart > _DISAGREEMENT_MM:
                findings = (_disagreement(apart),)
    else:
        if by_rotation is None:
            affine = np.diag([*sizes, 1.0])
            findings = (no_orientation("right, anterior, superior"),)
        else:
            affine = by_rotation
            findings = (_empty_sform(),) if header.sform_code > 0 else ()
        if not has_sizes:
            unit, findings = "px", (*findings, no_size())
            affine[:3, 3] = 0.0
    if unit == "mm":
        affine[:3] *= mm
    if not np.isfinite(affine).all():
        raise DamagedFile(name, "it does not say where its voxels lie")
    return lps_affine_to_ras(affine)[:, [2, 1, 0, 3]], unit, findings


def _empty_sform() -> Finding:
    return Finding(
        "ingest.two-placements",
        "warning",
        "The file claims to place its voxels in two ways, and one of them (sform) is all zero.",
        "The other (qform) was taken.",
    )


def _disagreement(apart_mm: float) -> Finding:
    return Finding(
        "ingest.two-placements",
        "warning",
        f"The file places its voxels in two ways (qform and sform), up to {apart_mm:.0f} mm apart.",
        "The sform was taken.",
        {"apart_mm": round(apart_mm, 3)},
    )


def _from_quaternion(header: _Header, sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The qform (nifti1.h, method 2)."""
    b, c, d = (float(part) for part in header.quaternion)
    rest = 1.0 - (b * b + c * c + d * d)
    if rest < 1e-7:
        length = np.sqrt(b * b + c * c + d * d)
        a, b, c, d = 0.0, b / length, c / length, d / length
    else:
        a = np.sqrt(rest)
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ]
    )
    flip = -1.0 if header.pixdim[0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * sizes * np.array([1.0, 1.0, flip])
    affine[:3, 3] = header.qoffset
    return affine
