"""An NRRD file -> an image on a right-handed LPS grid."""

from __future__ import annotations

import re
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Unit
from plastinate.stages.ingest.assemble import Allocate
from plastinate.stages.ingest.image_file import (
    MAX_VOXELS,
    ImageFile,
    are_sizes,
    checked_shape,
    finish,
    no_orientation,
    no_size,
    read_voxels,
)

_TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
_TYPE_OF = {word: code for code, words in _TYPES.items() for word in words}

# Signs that turn each space into left-posterior-superior.
_SPACES = {
    "left-posterior-superior": (1, 1, 1),
    "lps": (1, 1, 1),
    "right-anterior-superior": (-1, -1, 1),
    "ras": (-1, -1, 1),
    "left-anterior-superior": (1, -1, 1),
    "las": (1, -1, 1),
}
_LONGEST_HEADER = 1 << 20
_MM_PER_UNIT = {"mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}


def read_nrrd(
    path: Path,
    *,
    name: str = "",
    out: Allocate | None = None,
    max_voxels: int = MAX_VOXELS,
) -> ImageFile:
    """Read an NRRD file with its data attached, raw or gzip.

    Args:
        path: the file.
        name: what to call it; its own name if empty.
        out: allocates the final array.
        max_voxels: refuse more, before inflating.

    Raises:
        DamagedFile: truncated or contradicting itself.
        UnsupportedFile: a detached header, another encoding, vectors, or an unknown space.
        TooLarge: more voxels than allowed.

    Source: Teem, "Definition of NRRD File Format", sections 4 to 5.
    """
    name = name or path.name
    try:
        with path.open("rb") as file:
            fields = _read_fields(file, name)
            shape = checked_shape(_sizes(fields, name), name=name, max_voxels=max_voxels)
            dtype = _dtype(fields, name)
            coding = _coding(fields, name)
            _skip(file, fields, coding, dtype.itemsize * int(np.prod(np.array(shape, dtype=np.int64))), name)
            raw = read_voxels(file, shape, dtype, coding=coding, name=name)
    except OSError as error:
        raise DamagedFile(name, f"it cannot be read ({error})") from error
    matrix, unit, findings = _placement(fields, name)
    return finish(raw, matrix, unit=unit, name=name, out=out, findings=findings)


def _read_fields(file: IO[bytes], name: str) -> dict[str, str]:
    if not file.readline(64).startswith(b"NRRD000"):
        raise DamagedFile(name, "it does not begin as an NRRD file")
    fields: dict[str, str] = {}
    used = 0
    while True:
        line = file.readline(_LONGEST_HEADER)
        used += len(line)
        if used > _LONGEST_HEADER or not line.endswith(b"\n"):
            raise DamagedFile(name, "its header does not end")
        text = line.decode("utf-8", "replace").strip()
        if not text:
            return fields
        if not text.startswith("#") and ": " in text + " " and ":=" not in text:
            key, _, value = text.partition(":")
            key, value = key.strip().lower().replace(" ", ""), value.strip()
            if fields.setdefault(key, value) != value:
                raise DamagedFile(name, f"its header says {key!r:.40} twice, and differently")


def _sizes(fields: dict[str, str], name: str) -> list[int]:
    if "datafile" in fields:
        raise UnsupportedFile(
            name, "its voxels are in another file", hint="Save it as one .nrrd file with its data attached."
        )
    try:
        sizes = [int(word) for word in fields["sizes"].split()]
        dimension = int(fields["dimension"])
    except (KeyError, ValueError) as error:
        raise DamagedFile(name, "it does not say how large it is") from error
    if dimension != 3 or len(sizes) != 3:
        raise UnsupportedFile(name, f"it has {dimension} dimensions, and a volume has three")
    kinds = fields.get("kinds", "").split()
    if any(kind not in ("domain", "space", "???", "none") for kind in kinds):
        raise UnsupportedFile(name, f"its axes are {', '.join(kinds)}, not three directions of space")
    return sizes


def _dtype(fields: dict[str, str], name: str) -> np.dtype[np.generic]:
    code = _TYPE_OF.get(fields.get("type", "").lower())
    if code is None:
        raise UnsupportedFile(name, f"its voxels are of type {fields.get('type', 'unknown')!r:.40}")
    endian = fields.get("endian", "little" if code.endswith("1") else "").lower()
    if endian not in ("little", "big"):
        raise DamagedFile(name, "it does not say its byte order")
    return np.dtype(("<" if endian == "little" else ">") + code)


def _coding(fields: dict[str, str], name: str) -> str:
    encoding = fields.get("encoding", "").lower()
    if encoding == "raw":
        return "raw"
    if encoding in ("gzip", "gz"):
        return "deflated"
    raise UnsupportedFile(name, f"its voxels are encoded as {encoding or 'nothing known'!r:.40}")


def _skip(file: IO[bytes], fields: dict[str, str], coding: str, size: int, name: str) -> None:
    """Go to the first voxel (line skip, then byte skip)."""
    try:
        lines, count = int(fields.get("lineskip", "0")), int(fields.get("byteskip", "0"))
    except ValueError as error:
        raise DamagedFile(name, "it does not say where its voxels begin") from error
    if lines < 0 or lines > 1000 or count < -1 or count > 1 << 40 or (count and coding != "raw"):
        raise UnsupportedFile(name, "its voxels begin at an odd place")
    for _ in range(lines):
        file.readline(_LONGEST_HEADER)
    if count == -1:
        file.seek(0, 2)
        if file.tell() < size:
            raise DamagedFile(name, "it is shorter than its voxels")
        file.seek(-size, 2)
    else:
        file.seek(count, 1)


def _vectors(text: str, count: int, name: str) -> npt.NDArray[np.float64]:
    try:
        rows = [[float(part) for part in group.split(",")] for group in re.findall(r"\(([^()]*)\)", text)]
        found = np.array(rows, dtype=np.float64)
    except ValueError as error:
        raise DamagedFile(name, "a vector of its header is not three numbers") from error
    if found.shape != (count, 3):
        raise DamagedFile(name, "a vector of its header is not three numbers")
    return found


def _placement(
    fields: dict[str, str], name: str
) -> tuple[npt.NDArray[np.float64], Unit, tuple[Finding, ...]]:
    """(4, 4) index (slice, row, column) -> LPS mm, its unit, and what was odd about it."""
    space = fields.get("space", "").lower()
    if space and space not in _SPACES:
        raise UnsupportedFile(name, f"its space {space!r:.40} does not say left from right")
    matrix = np.eye(4)
    if space and "spacedirections" in fields:
        axes = _vectors(fields["spacedirections"], 3, name)
        matrix[:3, :3] = axes[::-1].T
        if "spaceorigin" in fields:
            matrix[:3, 3] = _vectors(fields["spaceorigin"], 1, name)[0]
        matrix[:3] *= np.array(_SPACES[space], dtype=np.float64)[:, None] * _unit_mm(fields, name)
        return matrix, "mm", ()
    unit: Unit = "px"
    try:
        spacings = [float(word) for word in fields.get("spacings", "").split()]
    except ValueError as error:
        raise DamagedFile(name, "its spacings are not numbers") from error
    odd: tuple[Finding, ...] = (no_orientation("left, posterior, superior"),)
    if len(spacings) == 3 and are_sizes(np.array(spacings)):
        matrix[:3, :3] = np.diag(spacings)[::-1].T
        unit = "mm"
    else:
        matrix[:3, :3] = np.eye(3)[::-1].T
        odd += (no_size(),)
    return matrix, unit, odd


def _unit_mm(fields: dict[str, str], name: str) -> float:
    units = {unit.lower() for unit in re.findall(r'"([^"]*)"', fields.get("spaceunits", ""))} - {""}
    if len(units) > 1 or units - set(_MM_PER_UNIT):
        raise UnsupportedFile(name, f"its unit of length is {' and '.join(sorted(units))!r:.40}")
    return _MM_PER_UNIT[units.pop()] if units else 1.0
