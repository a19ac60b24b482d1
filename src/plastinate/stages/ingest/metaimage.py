"""A MetaImage (.mha, or .mhd with its data beside it) -> an image on a right-handed LPS grid."""

from __future__ import annotations

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
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_LONGEST_HEADER = 1 << 20


def read_metaimage(
    path: Path,
    *,
    name: str = "",
    out: Allocate | None = None,
    max_voxels: int = MAX_VOXELS,
) -> ImageFile:
    """Read a MetaImage, plain or compressed; its world is LPS, as ITK writes it.

    An .mhd may name one data file, by its bare name, in its own folder: a
    header must not be able to point anywhere else.

    Args:
        path: the file.
        name: what to call it; its own name if empty.
        out: allocates the final array.
        max_voxels: refuse more, before inflating.

    Raises:
        DamagedFile: truncated or contradicting itself.
        UnsupportedFile: vectors, text data, several data files or one elsewhere.
        TooLarge: more voxels than allowed.
    """
    name = name or path.name
    try:
        with path.open("rb") as file:
            fields = _read_fields(file, name)
            shape = checked_shape(_sizes(fields, name), name=name, max_voxels=max_voxels)
            dtype = _dtype(fields, name)
            coding = "deflated" if _is_true(fields, "compresseddata") else "raw"
            if fields["elementdatafile"].upper() == "LOCAL":
                raw = read_voxels(file, shape, dtype, coding=coding, name=name)
            else:
                with _data_file(path, fields["elementdatafile"], name).open("rb") as data:
                    size = dtype.itemsize * int(np.prod(np.array(shape, dtype=np.int64)))
                    _skip(data, fields, size, name)
                    raw = read_voxels(data, shape, dtype, coding=coding, name=name)
    except OSError as error:
        raise DamagedFile(name, f"it cannot be read ({error})") from error
    matrix, unit, findings = _placement(fields, name)
    return finish(raw, matrix, unit=unit, name=name, out=out, findings=findings)


def _read_fields(file: IO[bytes], name: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    used = 0
    while "elementdatafile" not in fields:
        line = file.readline(4096)
        used += len(line)
        if not line or used > _LONGEST_HEADER or b"=" not in line:
            raise DamagedFile(name, "its header does not end")
        key, _, value = line.decode("utf-8", "replace").partition("=")
        # Writers differ in capitals, and a placement must not be lost over one.
        key, value = key.strip().lower(), value.strip()
        if fields.setdefault(key, value) != value:
            raise DamagedFile(name, f"its header says {key!r:.40} twice, and differently")
    return fields


def _is_true(fields: dict[str, str], key: str) -> bool:
    return fields.get(key, "False").lower() in ("true", "1", "t")


def _sizes(fields: dict[str, str], name: str) -> list[int]:
    try:
        sizes = [int(word) for word in fields["dimsize"].split()]
        channels = int(fields.get("elementnumberofchannels", "1"))
    except (KeyError, ValueError) as error:
        raise DamagedFile(name, "it does not say how large it is") from error
    if len(sizes) != 3:
        raise UnsupportedFile(name, f"it has {len(sizes)} dimensions, and a volume has three")
    if channels != 1:
        raise UnsupportedFile(name, f"its voxels hold {channels} numbers each")
    if fields.get("binarydata", "True").lower() in ("false", "0", "f"):
        raise UnsupportedFile(name, "its voxels are written as text")
    return sizes


def _dtype(fields: dict[str, str], name: str) -> np.dtype[np.generic]:
    code = _TYPES.get(fields.get("elementtype", ""))
    if code is None:
        raise UnsupportedFile(name, f"its voxels are of type {fields.get('elementtype', 'unknown')!r:.40}")
    is_big = _is_true(fields, "binarydatabyteordermsb") or _is_true(fields, "elementbyteordermsb")
    return np.dtype((">" if is_big else "<") + code)


def _data_file(path: Path, reference: str, name: str) -> Path:
    """The data file, which must lie beside its header under a bare name."""
    is_bare = reference not in ("", ".", "..") and not set("/\\%\0 ") & set(reference)
    data = path.parent / reference
    if not is_bare or reference.upper().startswith("LIST") or data.is_symlink():
        raise UnsupportedFile(name, f"its voxels are in {reference!r:.60}, not in one file beside it")
    if not data.is_file():
        raise DamagedFile(name, f"the file of its voxels, {reference:.60}, is not beside it")
    return data


def _skip(file: IO[bytes], fields: dict[str, str], size: int, name: str) -> None:
    try:
        header = int(fields.get("headersize", "0"))
    except ValueError as error:
        raise DamagedFile(name, "it does not say where its voxels begin") from error
    if header == -1:
        file.seek(0, 2)
        header = max(0, file.tell() - size)
    file.seek(max(0, header))


def _numbers(
    fields: dict[str, str], keys: tuple[str, ...], count: int, name: str
) -> npt.NDArray[np.float64] | None:
    """The first of the keys that is there, None if none is."""
    key = next((key for key in keys if key.lower() in fields), None)
    if key is None:
        return None
    try:
        found = np.array([float(word) for word in fields[key.lower()].split()], dtype=np.float64)
    except ValueError as error:
        raise DamagedFile(name, f"its {key} is not a list of numbers") from error
    if found.size != count:
        raise DamagedFile(name, f"its {key} has {found.size} numbers")
    return found


def _placement(
    fields: dict[str, str], name: str
) -> tuple[npt.NDArray[np.float64], Unit, tuple[Finding, ...]]:
    """(4, 4) index (slice, row, column) -> LPS mm, its unit, and what was odd about it."""
    axes = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"), 9, name)
    spacing = _numbers(fields, ("ElementSpacing", "ElementSize"), 3, name)
    origin = _numbers(fields, ("Offset", "Position", "Origin"), 3, name)
    unit: Unit = "mm"
    findings: tuple[Finding, ...] = ()
    if axes is None:
        axes = np.eye(3).ravel()
        findings += (no_orientation("left, posterior, superior"),)
    if spacing is None or not are_sizes(spacing):
        # Nor is an origin in mm worth anything where the voxels are not.
        spacing, origin, unit = np.ones(3), None, "px"
        findings += (no_size(),)
    matrix = np.eye(4)
    # Each three numbers of TransformMatrix are the direction of one axis, fastest first.
    matrix[:3, :3] = (axes.reshape(3, 3) * spacing[:, None])[::-1].T
    if origin is not None:
        matrix[:3, 3] = origin
    return matrix, unit, findings
