"""A grid of whole numbers in, a file of small compressed boxes of it out, each to be fetched by itself.

A brick of values: each row as differences to its left neighbour (they are small, and small numbers pack
well), all low bytes, then all high bytes, raw deflate. A brick of labels: its bytes, raw deflate. A brick of
one number takes no bytes at all.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.native.side_by_side import side_by_side
from plastinate.stages.export.atomic_write import writing

BRICK = 64
# Runs of one byte and Huffman's code, and no search for repetitions: of differences, it makes less than the
# search does at level 4, in the time of level 1.
DEFLATE = (1, zlib.DEFLATED, -15, 9, zlib.Z_RLE)
Grid = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Level:
    """One level of detail of a grid.

    Attributes:
        array: (S, R, C).
        geometry: where it lies.
    """

    array: Grid
    geometry: Geometry


def write_bricks(
    level: Level, path: Path, *, encode: Callable[[Grid], tuple[bytes, int, int]]
) -> tuple[dict[str, Any], str]:
    """Cut a level into bricks and write them one after the other, in C order of their grid.

    Args:
        level: of values or of labels.
        path: where to.
        encode: a brick -> its bytes, lowest and highest value.

    Returns:
        What the manifest says of the level, and the SHA-256 of the file.

    Raises:
        CannotWrite: the system refused.
    """
    counts = [-(-length // BRICK) for length in level.array.shape]
    bricks: list[list[int]] = []
    digests: list[str | None] = []
    with writing(path) as stream:
        # Layer by layer, so that only one lies in memory, compressed.
        for layer in range(counts[0]):
            places = [(layer, *rest) for rest in product(range(counts[1]), range(counts[2]))]
            tasks = [partial(_encoded, level.array, place, encode) for place in places]
            for data, low, high in side_by_side(tasks):
                bricks.append([stream.tell(), len(data), low, high])
                digests.append(sha256(data).hexdigest() if data else None)
                stream.write(data)
    described = {
        "file": f"view/{path.name}",
        "shape": list(level.array.shape),
        "index_to_lps": level.geometry.to_lps_mm.tolist(),
        "brick": BRICK,
        "grid": counts,
        "bricks": bricks,
        "sha256": digests,
    }
    return described, stream.sha256


def value_brick(brick: Grid, *, unmeasured: int) -> tuple[bytes, int, int]:
    """A brick of int16 values; what was not measured does not count for its lowest and highest."""
    low, high = int(brick.min()), int(brick.max())
    if low == high:
        return b"", low, high
    if low == unmeasured:
        low = int(brick[brick != unmeasured].min())
    steps = brick.astype("<i2", order="C", copy=True)
    # Differences wrap around at 16 bits, and so do the sums that undo them.
    steps[..., 1:] -= brick[..., :-1]
    return _deflated(_planes(steps)), low, high


def label_brick(brick: Grid) -> tuple[bytes, int, int]:
    """A brick of labels, uint8 or uint16."""
    low, high = int(brick.min()), int(brick.max())
    if low == high:
        return b"", low, high
    return _deflated(_planes(brick)), low, high


def halved_geometry(geometry: Geometry, halved: tuple[bool, bool, bool]) -> Geometry:
    """The grid whose cells are two cells of this one along the axes that are halved."""
    shape = tuple(-(-n // 2) if half else n for n, half in zip(geometry.shape, halved, strict=True))
    matrix = geometry.to_lps_mm.copy()
    # The centre of a pair lies between the two.
    matrix[:3, 3] = geometry.index_to_lps(np.array([0.5 if half else 0.0 for half in halved]))
    matrix[:3, :3] *= [2.0 if half else 1.0 for half in halved]
    return Geometry(shape, matrix, geometry.unit)  # type: ignore[arg-type]


def axes_to_halve(geometry: Geometry) -> tuple[bool, bool, bool]:
    """Those along which a cell is less than twice as long as along the shortest: so cells become cubes."""
    shortest = min(
        (step for step, n in zip(geometry.spacing, geometry.shape, strict=True) if n > 1),
        default=min(geometry.spacing),
    )
    first, second, third = (
        n > 1 and step < 2 * shortest for step, n in zip(geometry.spacing, geometry.shape, strict=True)
    )
    return first, second, third


def cells(array: Grid, halved: tuple[bool, bool, bool]) -> list[Grid]:
    """The voxels that make one cell of the next level, as views: two, four or eight; odd ends count twice."""
    padding = [(0, n % 2 if half else 0) for n, half in zip(array.shape, halved, strict=True)]
    whole = np.pad(array, padding, mode="edge") if any(end for _, end in padding) else array
    choices = [(slice(0, None, 2), slice(1, None, 2)) if half else (slice(None),) for half in halved]
    return [whole[box] for box in product(*choices)]


def _encoded(
    array: Grid, place: tuple[int, ...], encode: Callable[[Grid], tuple[bytes, int, int]]
) -> tuple[bytes, int, int]:
    return encode(array[tuple(slice(at * BRICK, (at + 1) * BRICK) for at in place)])


def _planes(brick: Grid) -> bytes:
    if brick.dtype.itemsize == 1:
        return brick.tobytes()
    both = np.ascontiguousarray(brick).view(np.uint8).reshape(-1, 2)
    return both[:, 0].tobytes() + both[:, 1].tobytes()


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(*DEFLATE)
    return packer.compress(data) + packer.flush()
