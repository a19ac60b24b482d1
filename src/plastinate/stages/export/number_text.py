"""Rows of numbers in, blocks of text out, fast and without losing a digit."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from plastinate.native.load import integers, library, pointer

ROWS_AT_ONCE = 1 << 16
# The longest float32 is -1.17549435e-38, the longest integer here has 20 digits.
LONGEST_NUMBER = 24


def number_rows(
    values: npt.NDArray[np.float32] | npt.NDArray[np.uint32], pieces: tuple[str, ...], *, added: int = 0
) -> Iterator[bytes]:
    r"""Write each row as text, in blocks of some megabytes.

    Floats get the fewest digits that read back as the same float32.

    Args:
        values: (N, columns) float32 or uint32.
        pieces: columns + 1 texts: before, between and after the numbers of a row.
        added: to every integer: OBJ counts from 1, and on through all meshes of a file.

    >>> b"".join(number_rows(np.float32([[0.1, -2.5]]), ("v ", " ", "\n")))
    b'v 0.1 -2.5\n'
    >>> b"".join(number_rows(np.uint32([[0, 7]]), ("l ", " ", "\n"), added=1))
    b'l 1 8\n'
    """
    columns = values.shape[1]
    if len(pieces) != columns + 1:
        raise ValueError("one text more than there are columns")
    texts = [piece.encode("ascii") for piece in pieces]
    ends = integers(*np.cumsum([len(text) for text in texts]).tolist())
    whole = b"".join(texts)
    is_float = values.dtype == np.float32
    buffer = np.empty(
        min(len(values), ROWS_AT_ONCE) * (len(whole) + columns * LONGEST_NUMBER), dtype=np.uint8
    )
    kernel = library("number_text")
    function = kernel.plastinate_float_rows if is_float else kernel.plastinate_integer_rows
    function.restype = ctypes.c_int64
    for start in range(0, len(values), ROWS_AT_ONCE):
        part = np.ascontiguousarray(values[start : start + ROWS_AT_ONCE])
        written = function(
            pointer(part),
            ctypes.c_int64(len(part)),
            ctypes.c_int(columns),
            whole,
            pointer(ends),
            *(() if is_float else (ctypes.c_uint64(added),)),
            pointer(buffer),
            ctypes.c_int64(len(buffer)),
        )
        if written < 0:
            raise ValueError("a number was longer than any should be")
        yield buffer[:written].tobytes()
