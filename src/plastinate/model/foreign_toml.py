"""The bytes of a file that anybody may have written flow in, its TOML tables or a reason come out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

BYTES_MAX = 1 << 20


def read_bounded(path: Path, *, bytes_max: int = BYTES_MAX) -> bytes:
    """A small file, whole.

    Raises:
        OSError: it cannot be read.
        ValueError: it is larger; the reason is in words.
    """
    with path.open("rb") as file:
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise ValueError(f"it is larger than {bytes_max >> 20} MB")
    return data


def toml_tables(data: bytes) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ValueError: it is no TOML, or only a machine would have written it so; the reason is in words.

    >>> toml_tables(b"a = 1")
    {'a': 1}
    """
    try:
        return tomllib.loads(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("it is not TOML that can be read (its brackets are nested too deep)") from error
    except ValueError as error:
        # Faults of TOML and of text are ValueErrors, and so is a number of thousands of digits.
        raise ValueError(f"it is not TOML ({error})") from error
