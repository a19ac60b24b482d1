"""The bytes of a DICOM header -> its raw elements, and where the pixel data begins.

A walker of its own, because a general parser does too much with untrusted
bytes before the first question is asked: it inflates, recurses, decodes
character sets and converts values. This one keeps the few elements it is asked
for as bytes, steps over the rest without reading them, and never recurses into
what it does not want. It reads 400 headers in a fifth of the time.

Source: DICOM PS3.5, section 7.1 (elements), 7.5 (sequences), annex A (transfer syntaxes).
"""

from __future__ import annotations

import struct
from collections.abc import Container
from dataclasses import dataclass, field
from typing import BinaryIO

from plastinate.stages.ingest.filemeta import LONG_FORM
from plastinate.stages.ingest.sniff import VALUE_REPRESENTATIONS

FIRST_PIXEL_TAG = 0x7FE00008  # float pixel data, double float pixel data, pixel data
UNDEFINED_LENGTH = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

WINDOW_BYTES = 1 << 14
# The longest value anybody asks for is a lookup table of 65536 entries.
LONGEST_VALUE_BYTES = 1 << 18
# Functional groups hold sequences two deep; wanted ones nested further are an attack.
DEEPEST = 8
SHORT_FORM = VALUE_REPRESENTATIONS - LONG_FORM


@dataclass(slots=True)
class RawDataset:
    """Elements as they were stored: tag -> (value representation or b"", bytes or items)."""

    is_little_endian: bool = True
    elements: dict[int, tuple[bytes, bytes | list[RawDataset]]] = field(default_factory=dict)

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements


@dataclass(slots=True)
class ParsedHeader:
    """A header, how it was really written, and where its pixels are.

    Attributes:
        dataset: the wanted elements.
        is_implicit, is_little_endian: as found, whatever was declared.
        pixel_tag: 0 if the file ends before any pixel data.
        value_offset, value_length: of the pixel data in the file.
    """

    dataset: RawDataset
    is_implicit: bool
    is_little_endian: bool
    pixel_tag: int = 0
    value_offset: int = 0
    value_length: int = 0


def parse_header(
    file: BinaryIO,
    *,
    start: int,
    size: int,
    is_implicit: bool,
    is_little_endian: bool,
    wanted: Container[int],
) -> ParsedHeader:
    """Walk a dataset up to its pixel data.

    Args:
        file: open for reading.
        start: where the dataset begins.
        size: of the file in bytes: no element may reach beyond it.
        is_implicit, is_little_endian: as declared; the first element may prove it wrong.
        wanted: tags to keep, at any depth.

    Raises:
        ValueError: an element reaches beyond the file, or sequences do not close.
    """
    walker = _Walker(file, size, wanted)
    is_little_endian = walker.find_byte_order(start, is_little_endian)
    is_implicit = walker.find_form(start, is_implicit)
    dataset = RawDataset(is_little_endian)
    end, tag, length = walker.walk(dataset, start, size, is_implicit=is_implicit, depth=0)
    return ParsedHeader(dataset, is_implicit, is_little_endian, tag, end, length)


class _Walker:
    """A window that slides over the file, and the byte order it is read in."""

    __slots__ = ("_buffer", "_explicit", "_file", "_size", "_start", "_wanted", "_whole", "is_little_endian")

    def __init__(self, file: BinaryIO, size: int, wanted: Container[int]) -> None:
        self._file = file
        self._size = size
        self._wanted = wanted
        self._buffer = b""
        self._start = 0
        self.is_little_endian = True
        self._set_order()

    def _set_order(self) -> None:
        order = "<" if self.is_little_endian else ">"
        self._explicit = struct.Struct(order + "HH2sH").unpack_from
        self._whole = struct.Struct(order + "I").unpack_from

    def _at(self, position: int, count: int) -> int:
        """Make `count` bytes at `position` available (fewer at the end); their index in the buffer."""
        index = position - self._start
        if index < 0 or index + count > len(self._buffer):
            self._file.seek(position)
            self._buffer = self._file.read(max(count, WINDOW_BYTES))
            self._start, index = position, 0
        return index

    def find_byte_order(self, start: int, is_little_endian: bool) -> bool:
        """Trust the declared byte order unless the first group number makes sense only in the other."""
        index = self._at(start, 8)
        first = self._buffer[index : index + 2]
        if len(first) == 2:
            little, big = int.from_bytes(first, "little"), int.from_bytes(first, "big")
            declared, other = (little, big) if is_little_endian else (big, little)
            if declared > 0xFF >= other > 0:
                is_little_endian = not is_little_endian
        self.is_little_endian = is_little_endian
        self._set_order()
        return is_little_endian

    def find_form(self, start: int, is_implicit: bool) -> bool:
        """Trust the declared form unless the first element shows, or lacks, a value representation."""
        index = self._at(start, 8)
        letters = self._buffer[index + 4 : index + 6]
        if is_implicit:
            return letters not in VALUE_REPRESENTATIONS
        return not (letters.isalpha() and letters.isupper()) if len(letters) == 2 else is_implicit

    def head(self, position: int, is_implicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, value representation, length and value position of the element there; tag 0 at the end."""
        index = self._at(position, 12)
        buffer = self._buffer
        if index + 8 > len(buffer):
            return 0, b"", 0, position
        group, element, form, length = self._explicit(buffer, index)
        tag = group << 16 | element
        if not is_implicit and group != 0xFFFE:
            if form in SHORT_FORM:
                return tag, form, length, position + 8
            if form in LONG_FORM:
                if index + 12 > len(buffer):
                    return 0, b"", 0, position
                return tag, form, self._whole(buffer, index + 8)[0], position + 12
            if form.isalpha() and form.isupper():
                return tag, form, length, position + 8
            # Neither known nor letters: some writers fall back to implicit form inside sequences.
        return tag, b"", self._whole(buffer, index + 4)[0], position + 8

    def walk(
        self, into: RawDataset, position: int, end: int, *, is_implicit: bool, depth: int
    ) -> tuple[int, int, int]:
        """Keep the wanted elements from here to `end`, a delimiter or the pixel data.

        Returns:
            Where it stopped (past a delimiter; at the value of pixel data), the tag it
            stopped at (0 at the end), and that element's length.
        """
        elements, wanted = into.elements, self._wanted
        while position < end:
            tag, form, length, value = self.head(position, is_implicit)
            if tag == 0 and value == position:
                return position, 0, 0
            if tag in (ITEM_END, SEQUENCE_END):
                return value, tag, length
            if tag >= FIRST_PIXEL_TAG and depth == 0 and tag < ITEM:
                return value, tag, length
            if length == UNDEFINED_LENGTH:
                # PS3.5, 6.2.2: unknown content of undefined length is an implicit sequence.
                inner = is_implicit or form == b"UN"
                if tag in wanted and depth < DEEPEST:
                    items, position = self._items(value, end, is_implicit=inner, depth=depth)
                    elements[tag] = (form, items)
                else:
                    position = self._skip(value, end, is_implicit=inner)
                continue
            position = value + length
            if position > self._size:
                raise ValueError("an element reaches beyond the end of the file")
            if tag in wanted:
                if form == b"SQ" or self._is_item(value, length):
                    if depth < DEEPEST:
                        elements[tag] = (
                            form,
                            self._items(value, position, is_implicit=is_implicit, depth=depth)[0],
                        )
                elif length <= LONGEST_VALUE_BYTES:
                    index = self._at(value, length)
                    elements[tag] = (form, self._buffer[index : index + length])
        return position, 0, 0

    def _is_item(self, value: int, length: int) -> bool:
        """Whether a value of unsaid representation is a sequence: it begins with an item."""
        if length < 8:
            return False
        index = self._at(value, 8)
        return self._buffer[index : index + 4] in (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")

    def _items(
        self, position: int, end: int, *, is_implicit: bool, depth: int
    ) -> tuple[list[RawDataset], int]:
        """The items of a wanted sequence, and where it ends."""
        items: list[RawDataset] = []
        while position < end:
            tag, _, length, value = self.head(position, is_implicit)
            if tag == SEQUENCE_END:
                return items, value
            if tag != ITEM:
                raise ValueError("a sequence holds something that is no item")
            item = RawDataset(self.is_little_endian)
            items.append(item)
            last = end if length == UNDEFINED_LENGTH else value + length
            if last > self._size:
                raise ValueError("an item reaches beyond the end of the file")
            stopped, _, _ = self.walk(item, value, last, is_implicit=is_implicit, depth=depth + 1)
            position = stopped if length == UNDEFINED_LENGTH else last
        return items, position

    def _skip(self, position: int, end: int, *, is_implicit: bool) -> int:
        """Past a sequence of undefined length, counting openings and closings instead of recursing."""
        opened = 1
        while position < end:
            tag, _, length, value = self.head(position, is_implicit)
            if tag == 0 and value == position:
                break
            position = value
            if tag in (ITEM_END, SEQUENCE_END):
                opened -= 1
                if opened == 0:
                    return position
            elif length == UNDEFINED_LENGTH:
                opened += 1
            else:
                position += length
                if position > self._size:
                    raise ValueError("an element reaches beyond the end of the file")
        raise ValueError("a sequence does not end")
