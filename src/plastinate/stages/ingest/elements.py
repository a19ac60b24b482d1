"""Raw DICOM elements -> plain numbers and text, whatever state they are in.

pydicom converts elements by their declared value representation and may warn,
raise or decode a name with a wrong character set. What grouping needs are a few
numbers and short codes, so they are read from the raw bytes here, and a value
that makes no sense is simply absent.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

from plastinate.stages.ingest.words import safe

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

LONGEST_VALUE_BYTES = 1 << 16


def raw_value(dataset: Dataset, tag: int) -> Any:
    """The value as bytes where it is still raw, else as pydicom converted it; None if absent."""
    element = dataset._dict.get(tag)  # type: ignore[call-overload]
    return None if element is None else element.value


def text(dataset: Dataset, tag: int) -> str:
    """The whole value as clean text, "" if absent."""
    value = raw_value(dataset, tag)
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value[:LONGEST_VALUE_BYTES].decode("latin-1").strip("\x00 \r\n\t")
    if isinstance(value, str):
        return value.strip("\x00 ")
    if isinstance(value, int | float):
        return str(value)
    try:
        return "\\".join(str(entry) for entry in value)
    except TypeError:
        return str(value)


def uid(dataset: Dataset, tag: int) -> str:
    """A unique identifier, reduced to printable characters."""
    return safe(text(dataset, tag), longest=64)


def words(dataset: Dataset, tag: int) -> tuple[str, ...]:
    """A list of coded words in capitals."""
    value = text(dataset, tag)
    return tuple(safe(part).upper() for part in value.split("\\")) if value else ()


def numbers(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """Decimal values (DS, IS, FD, FL or a converted list); () unless every one is finite."""
    value = raw_value(dataset, tag)
    if value is None:
        return ()
    try:
        if isinstance(value, bytes):
            representation = getattr(dataset._dict.get(tag), "VR", None)  # type: ignore[call-overload]
            if representation in ("FD", "FL"):
                return _packed(value, "d" if representation == "FD" else "f", dataset)
            parts = value[:LONGEST_VALUE_BYTES].strip(b"\x00 ").replace(b",", b".").split(b"\\")
            found = tuple(float(part) for part in parts)
        elif isinstance(value, int | float | str):
            found = (float(value),)
        else:
            found = tuple(float(entry) for entry in value)
    except (ValueError, TypeError):
        return ()
    return found if all(math.isfinite(entry) for entry in found) else ()


def _packed(value: bytes, form: str, dataset: Dataset) -> tuple[float, ...]:
    order = "<" if _is_little(dataset) else ">"
    size = struct.calcsize(form)
    found = struct.unpack(f"{order}{len(value) // size}{form}", value[: len(value) // size * size])
    return found if all(math.isfinite(entry) for entry in found) else ()


def number(dataset: Dataset, tag: int) -> float | None:
    """The first decimal value."""
    found = numbers(dataset, tag)
    return found[0] if found else None


def doubles(dataset: Dataset, tag: int) -> tuple[float, ...]:
    """Values that the standard defines as FD, also where the file names no representation."""
    value = raw_value(dataset, tag)
    if isinstance(value, bytes):
        representation = getattr(dataset._dict.get(tag), "VR", None)  # type: ignore[call-overload]
        return _packed(value, "f", dataset) if representation == "FL" else _packed(value, "d", dataset)
    return numbers(dataset, tag)


def short(dataset: Dataset, tag: int, *, is_signed: bool = False) -> int | None:
    """A 16-bit whole number (US, SS or US-or-SS)."""
    value = raw_value(dataset, tag)
    if isinstance(value, bytes):
        if len(value) < 2:
            return None
        digits = value[:4] if len(value) == 4 else value[:2]
        ordered = digits if _is_little(dataset) else digits[::-1]
        return int.from_bytes(ordered, "little", signed=is_signed)
    return value if isinstance(value, int) else None


def whole(dataset: Dataset, tag: int) -> int | None:
    """A whole number written as text (IS)."""
    value = number(dataset, tag)
    return None if value is None else int(value)


def _is_little(dataset: Dataset) -> bool:
    return dataset.original_encoding[1] is not False
