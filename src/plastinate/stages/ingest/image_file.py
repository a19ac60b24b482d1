"""Raw voxels and an affine map -> values on a straight grid: what NIfTI, NRRD and MetaImage share."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, TooLarge
from plastinate.model.evidence import Finding
from plastinate.model.geometry import ORTHOGONALITY_TOLERANCE, Unit, right_handed
from plastinate.model.volume import UNMEASURED_INT16
from plastinate.native.resample import resample_affine
from plastinate.stages.ingest.assemble import Allocate, Voxels, allocate

MAX_VOXELS = 1_500_000_000
# Deflate cannot pack tighter than this: a short file that claims more is refused before memory is asked for.
DEFLATE_LIMIT = 1040
# Of the volume that three axes of length 1 span: below it they lie in one plane.
FLATTEST = 0.05
# float32 holds every whole number up to here; beyond, labels would merge.
EXACT_IN_FLOAT32 = 1 << 24
# The bounds of a DICOM's pixels: from a micrometre to a decimetre; what lies beyond is a slip.
# The margin lets single-precision headers say exactly the bounds.
SMALLEST_VOXEL_MM, LARGEST_VOXEL_MM = 1e-3 * (1 - 1e-6), 100.0 * (1 + 1e-6)


class ImageFile(NamedTuple):
    """A volume from one file.

    Attributes:
        array: (S, R, C) int16 if the values are whole and fit, else float32.
        to_lps_mm: (4, 4) index -> LPS mm, orthogonal and right-handed.
        unit: "mm", or "px" where the file knows no size.
        findings: what was noticed.
    """

    array: Voxels
    to_lps_mm: npt.NDArray[np.float64]
    unit: Unit
    findings: tuple[Finding, ...] = ()


def are_sizes(lengths_mm: npt.NDArray[np.float64]) -> bool:
    """True if every length is one that a voxel can have; False for zero, negative and no number."""
    return bool(((lengths_mm >= SMALLEST_VOXEL_MM) & (lengths_mm <= LARGEST_VOXEL_MM)).all())


def no_size() -> Finding:
    """What is said of a file without a voxel size that can be believed."""
    return Finding(
        "ingest.no-pixel-spacing",
        "warning",
        "The file does not say how large a voxel is, or gives a size that none can have.",
        "The model is in voxel units: no length, area or volume in it is in millimetres.",
    )


def no_orientation(read_as: str) -> Finding:
    """What is said of a file that does not tell left from right, and the guess that was made."""
    return Finding(
        "ingest.no-orientation",
        "warning",
        "The file does not say how the patient lies in it.",
        f"Read as {read_as}; left and right may be exchanged.",
    )


def checked_shape(sizes: list[int], *, name: str, max_voxels: int) -> tuple[int, int, int]:
    """(S, R, C) from the sizes a header lists fastest first, before a voxel is read.

    Raises:
        DamagedFile: a size that no image has.
        TooLarge: more voxels than allowed.
    """
    if len(sizes) != 3 or min(sizes) < 1:
        raise DamagedFile(name, f"it claims a size of {' x '.join(map(str, sizes))}")
    count = sizes[0] * sizes[1] * sizes[2]
    if count > max_voxels:
        raise TooLarge(name, "the number of voxels", value=count, cap=max_voxels)
    return sizes[2], sizes[1], sizes[0]


def read_voxels(
    file: IO[bytes], shape: tuple[int, int, int], dtype: np.dtype[Any], *, coding: str, name: str
) -> npt.NDArray[Any]:
    """Read exactly the voxels of a shape from where the file stands.

    Args:
        file: open for reading, at the first byte of the data.
        shape: (S, R, C).
        dtype: with the file's byte order.
        coding: "raw", or "deflated" for a zlib or gzip stream; nothing beyond
            the shape is inflated.
        name: what to call the file.

    Raises:
        DamagedFile: the data end early or do not inflate.
    """
    needed = dtype.itemsize * int(np.prod(np.array(shape, dtype=np.int64)))
    is_deflated = coding == "deflated" or isinstance(file, gzip.GzipFile)
    if needed > os.fstat(file.fileno()).st_size * (DEFLATE_LIMIT if is_deflated else 1):
        raise DamagedFile(name, f"it is too short to hold the {needed:,} bytes of voxels that it claims")
    raw = np.empty(shape, dtype=dtype)
    view = memoryview(raw.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
    got = 0
    try:
        if coding == "raw":
            while got < len(view):
                count = file.readinto(view[got : got + (8 << 20)])  # type: ignore[attr-defined]
                if not count:
                    break
                got += count
        else:
            engine = zlib.decompressobj(wbits=47)  # zlib or gzip, by its own header
            while got < len(view) and not engine.eof:
                piece = engine.decompress(_next_block(engine, file), len(view) - got)
                view[got : got + len(piece)] = piece
                got += len(piece)
            # One byte more makes zlib reach the checksum, unless there are more data than voxels.
            while got == len(view) and not engine.eof and not engine.decompress(_next_block(engine, file), 1):
                pass
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedFile(name, f"its voxels cannot be read ({error})") from error
    if got < len(view):
        raise DamagedFile(name, f"it ends after {got:,} of the {len(view):,} bytes of its voxels")
    return raw


def _next_block(engine: Any, file: IO[bytes]) -> bytes:
    block: bytes = engine.unconsumed_tail or file.read(1 << 18)
    if not block:
        raise EOFError("the compressed data end early")
    return block


def open_plain_or_gzip(path: Path) -> IO[bytes]:
    """The file, unpacked on the way if its first bytes say gzip."""
    with path.open("rb") as probe:
        is_gzip = probe.read(2) == b"\x1f\x8b"
    return cast("IO[bytes]", gzip.open(path, "rb")) if is_gzip else path.open("rb")


def finish(
    raw: npt.NDArray[Any],
    index_to_lps: npt.NDArray[np.float64],
    *,
    unit: Unit,
    name: str,
    slope: float = 1.0,
    intercept: float = 0.0,
    out: Allocate | None = None,
    findings: tuple[Finding, ...] = (),
) -> ImageFile:
    """Scale, type, straighten and turn right-handed.

    Args:
        raw: (S, R, C) as stored, any byte order.
        index_to_lps: (4, 4), any handedness, sheared or not. Voxels of a size
            that none can have count as one unit each, and the unit as "px".
        unit: of the map; "px" by a caller that has said so in its findings.
        name: what to call the file.
        slope: of the stored values.
        intercept: of the stored values.
        out: allocates the final array.
        findings: so far.

    Raises:
        DamagedFile: a map that is not one, or colour voxels.
    """
    lengths = np.linalg.norm(index_to_lps[:3, :3], axis=0)
    if not np.isfinite(index_to_lps).all() or lengths.min() <= 0:
        raise DamagedFile(name, "it does not say where its voxels lie")
    axes = index_to_lps[:3, :3] / lengths
    if abs(np.linalg.det(axes)) < FLATTEST:
        raise DamagedFile(name, "its axes lie in one plane")
    if unit == "mm" and not are_sizes(lengths):
        index_to_lps = np.eye(4)
        index_to_lps[:3, :3] = axes
        unit, findings = "px", (*findings, no_size())
    turned, matrix = right_handed(raw, index_to_lps)
    is_whole, low, high = _survey(turned, slope, intercept)
    dtype = np.dtype(np.int16) if is_whole and low >= -32768 and high <= 32767 else np.dtype(np.float32)
    if is_whole and max(-low, high) > EXACT_IN_FLOAT32:
        findings += (
            Finding(
                "ingest.rounded-values",
                "warning",
                "Some values have more digits than can be kept.",
                "Rounded to 24 bits.",
            ),
        )
    shape = (int(raw.shape[0]), int(raw.shape[1]), int(raw.shape[2]))
    make = out or allocate
    is_sheared = bool(np.abs(axes.T @ axes - np.eye(3)).max() > ORTHOGONALITY_TOLERANCE)
    array = (allocate if is_sheared else make)(shape, dtype)
    holes = [_convert(source, target, slope, intercept) for source, target in zip(turned, array, strict=True)]
    findings += _no_number(holes, int(np.prod(shape)))
    if is_sheared:
        array, matrix = _straighten(array, matrix, make, name=name)
        findings += (
            Finding(
                "ingest.shear",
                "repaired",
                "The file's axes are not at right angles.",
                "Resampled to a straight grid; what lies outside is marked as never measured.",
            ),
        )
    return ImageFile(array, matrix, unit, findings)


def _values(plane: npt.NDArray[Any], slope: float, intercept: float) -> npt.NDArray[Any]:
    if slope == 1.0 and intercept == 0.0:
        return plane
    return plane.astype(np.float64) * slope + intercept


def _survey(raw: npt.NDArray[Any], slope: float, intercept: float) -> tuple[bool, float, float]:
    """Whether every value is whole, and the lowest and highest, plane by plane."""
    low, high, is_whole = np.inf, -np.inf, True
    is_integer = raw.dtype.kind in "iub" and float(slope).is_integer() and float(intercept).is_integer()
    for plane in raw:
        if is_integer:
            ends = [float(plane.min()) * slope + intercept, float(plane.max()) * slope + intercept]
            low, high = min(low, *ends), max(high, *ends)
            continue
        values = _values(plane, slope, intercept)
        known = values[np.isfinite(values)]
        if known.size:
            low, high = min(low, float(known.min())), max(high, float(known.max()))
            is_whole = is_whole and bool((known == np.rint(known)).all())
        if not is_whole:
            return False, low, high
    return (is_whole, low, high) if low <= high else (False, 0.0, 0.0)


def _convert(source: npt.NDArray[Any], target: npt.NDArray[Any], slope: float, intercept: float) -> int:
    """Fill one plane; how many of its voxels hold no number."""
    values = _values(source, slope, intercept)
    if values.dtype.kind != "f":
        target[...] = values
        return 0
    known = np.isfinite(values)
    unknown = UNMEASURED_INT16 if target.dtype == np.int16 else np.nan
    target[...] = values if known.all() else np.where(known, values, unknown)
    return int(known.size - np.count_nonzero(known))


def _no_number(holes: list[int], voxels: int) -> tuple[Finding, ...]:
    """What is said of voxels that hold no number, plane by plane counted."""
    count = sum(holes)
    if not count:
        return ()
    planes = np.flatnonzero(holes) + 1
    return (
        Finding(
            "ingest.no-number",
            "warning",
            f"{count} of {voxels} voxels ({count / voxels:.2%}) hold no number (NaN or infinite), "
            f"in slices {planes[0]} to {planes[-1]}.",
            "Marked as never measured; no window matches them.",
            {"voxels": count, "first_slice": int(planes[0]), "last_slice": int(planes[-1])},
        ),
    )


def _straighten(
    array: Voxels, to_lps_mm: npt.NDArray[np.float64], make: Callable[..., Voxels], *, name: str
) -> tuple[Voxels, npt.NDArray[np.float64]]:
    """Resample a sheared volume to the orthogonal grid that holds all of it.

    The column axis keeps its direction and the plane of the slices stays.
    """
    column = to_lps_mm[:3, 2]
    row = to_lps_mm[:3, 1] - column * (column @ to_lps_mm[:3, 1]) / (column @ column)
    normal = np.cross(row, column)
    normal /= np.linalg.norm(normal)
    grid = np.eye(4)
    grid[:3, 0] = normal * (normal @ to_lps_mm[:3, 0])
    grid[:3, 1], grid[:3, 2], grid[:3, 3] = row, column, to_lps_mm[:3, 3]
    to_grid = np.linalg.inv(grid) @ to_lps_mm
    corners = np.array([(s, r, c, 1) for s in (0, 1) for r in (0, 1) for c in (0, 1)], dtype=np.float64)
    corners[:, :3] *= np.array(array.shape) - 1
    reached = (corners @ to_grid.T)[:, :3]
    low = np.floor(reached.min(axis=0) + 1e-6)
    sizes = np.ceil(reached.max(axis=0) - 1e-6) - low + 1
    if sizes.prod() > 8.0 * array.size:
        growth = float(sizes.prod() / array.size)
        raise TooLarge(name, "the straightened volume, in times what was stored", value=growth, cap=8.0)
    grid[:3, 3] += grid[:3, :3] @ low
    shape = (int(sizes[0]), int(sizes[1]), int(sizes[2]))
    straight = make(shape, array.dtype)
    resample_affine(array, (np.linalg.inv(to_lps_mm) @ grid)[:3], shape, out=straight)
    return straight, grid
