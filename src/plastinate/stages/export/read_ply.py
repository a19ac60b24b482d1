"""PLY bytes in, its pieces out: text or binary of either byte order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, UnsupportedFile
from plastinate.stages.export.mesh_parts import MeshFile, MeshPart, checked_triangles, fans, words_of_frame

TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4",
    "float": "f4", "double": "f8", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
    "int32": "i4", "uint32": "u4", "float32": "f4", "float64": "f8",
}  # fmt: skip


@dataclass
class Element:
    """One table of the file: columns of numbers, or lists (count type, item type)."""

    name: str
    count: int
    columns: list[tuple[str, str]] = field(default_factory=list)
    lists: dict[str, tuple[str, str]] = field(default_factory=dict)


def read_ply(data: bytes, path: str) -> MeshFile:
    """Read positions, colours, faces and the organ numbers that Plastinate writes.

    Raises:
        DamagedFile: a header without sense, or fewer bytes than it announces.
        UnsupportedFile: lists where only numbers are expected.
    """
    elements, order, comments, start = _header(data, path)
    tables = _read_text(data[start:], elements, path) if order == "" else None
    columns: dict[str, dict[str, npt.NDArray[Any]]] = {}
    for element in elements:
        if tables is not None:
            columns[element.name] = tables[element.name]
        else:
            columns[element.name], start = _read_binary(data, start, element, order, path)
    vertex, face = columns.get("vertex", {}), columns.get("face", {})
    if not {"x", "y", "z"} <= set(vertex):
        raise DamagedFile(path, "it has no positions")
    vertices = np.stack([vertex[axis].astype(np.float64) for axis in "xyz"], axis=1)
    corners = face.get("vertex_indices", face.get("vertex_index"))
    counts = face.get("vertex_indices#", face.get("vertex_index#"))
    if corners is None or counts is None:
        raise UnsupportedFile(path, "it holds points without triangles")
    triangles = checked_triangles(path, vertices, fans(counts, corners.astype(np.int64)))
    owner = face.get("structure")
    found = MeshFile([], "PLY")
    if len(triangles) != len(counts):
        found.notes.append("polygons were cut into triangles")
        owner = None
    found.parts = _parts(vertices, triangles, owner, vertex, comments)
    words_of_frame(" ".join(comments), found)
    return found


def _parts(
    vertices: npt.NDArray[np.float64],
    triangles: npt.NDArray[np.uint32],
    owner: npt.NDArray[Any] | None,
    vertex: dict[str, npt.NDArray[Any]],
    comments: list[str],
) -> list[MeshPart]:
    named = [comment.split(maxsplit=3) for comment in comments if comment.startswith("structure ")]
    names = {int(words[1]): words[2:] for words in named if len(words) > 2 and words[1].isdigit()}
    numbers = [0] if owner is None else np.unique(owner).tolist()
    parts = []
    for number in numbers:
        chosen = triangles if owner is None else triangles[owner == number]
        used, local = np.unique(chosen, return_inverse=True)
        words = names.get(number, [])
        part = MeshPart(words[-1] if words else "", vertices[used], local.reshape(-1, 3))
        if len(words) == 2:
            part.facts = {"id": words[0]}
        if used.size and {"red", "green", "blue"} <= set(vertex):
            shade = [vertex[channel][used[0]] for channel in ("red", "green", "blue")]
            if all(channel.dtype == np.uint8 for channel in shade):
                part.colour = (int(shade[0]), int(shade[1]), int(shade[2]))
        parts.append(part)
    return parts


def _header(data: bytes, path: str) -> tuple[list[Element], str, list[str], int]:
    end = data.find(b"end_header")
    stop = data.find(b"\n", end)
    if end < 0 or stop < 0 or end > 1 << 20:
        raise DamagedFile(path, "its header has no end")
    elements: list[Element] = []
    comments: list[str] = []
    order: str | None = None
    try:
        for line in data[:end].decode("latin-1").splitlines()[1:]:
            words = line.split()
            if line.startswith("comment"):
                comments.append(line[8:])
            elif words[:1] == ["format"]:
                order = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}[words[1]]
            elif words[:1] == ["element"]:
                elements.append(Element(words[1], int(words[2])))
            elif words[:2] == ["property", "list"]:
                elements[-1].lists[words[4]] = (TYPES[words[2]], TYPES[words[3]])
                elements[-1].columns.append((words[4], "list"))
            elif words[:1] == ["property"]:
                elements[-1].columns.append((words[2], TYPES[words[1]]))
    except (KeyError, IndexError, ValueError) as error:
        raise DamagedFile(path, "its header makes no sense") from error
    if order is None or any(not 0 <= element.count <= len(data) for element in elements):
        raise DamagedFile(path, "its header announces more than the file holds")
    return elements, order, comments, stop + 1


def _read_binary(
    data: bytes, start: int, element: Element, order: str, path: str
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    if len(element.lists) > 1:
        raise UnsupportedFile(path, "it has more than one list in a table")
    widths = _same_length(data, start, element, order, path)
    fields: list[Any] = []
    for name, kind in element.columns:
        if kind == "list":
            counted, item = element.lists[name]
            fields += [(name + "#", order + counted), (name, order + item, widths)]
        else:
            fields.append((name, order + kind))
    row = np.dtype(fields)
    if start + row.itemsize * element.count > len(data):
        raise DamagedFile(path, "it ends before its last number")
    table = np.frombuffer(data, dtype=row, count=element.count, offset=start)
    for name in element.lists:
        if (table[name + "#"] != widths).any():
            raise UnsupportedFile(path, "its polygons have different numbers of corners")
    found = {name: table[name].ravel() if name in element.lists else table[name] for name in row.names or ()}
    return found, start + row.itemsize * element.count


def _same_length(data: bytes, start: int, element: Element, order: str, path: str) -> int:
    """Items in the first list: binary rows are read at once, so every list must be as long."""
    before = 0
    for name, kind in element.columns:
        if kind == "list":
            counted = np.dtype(order + element.lists[name][0])
            if element.count == 0:
                return 3
            if start + before + counted.itemsize > len(data):
                raise DamagedFile(path, "it ends before its last number")
            return int(np.frombuffer(data, dtype=counted, count=1, offset=start + before)[0])
        before += np.dtype(kind).itemsize
    return 0


def _read_text(data: bytes, elements: list[Element], path: str) -> dict[str, dict[str, npt.NDArray[Any]]]:
    lines = data.split(b"\n")
    at = 0
    found: dict[str, dict[str, npt.NDArray[Any]]] = {}
    try:
        for element in elements:
            rows = [line.split() for line in lines[at : at + element.count]]
            at += element.count
            if len(rows) < element.count:
                raise DamagedFile(path, "it ends before its last number")
            if element.lists:
                found[element.name] = _text_lists(rows, element)
            else:
                table = np.array(rows, dtype="S").astype(np.float64).reshape(element.count, -1)
                found[element.name] = {
                    name: table[:, i].astype(kind) for i, (name, kind) in enumerate(element.columns)
                }
    except (ValueError, IndexError, OverflowError) as error:
        raise DamagedFile(path, "a line is not the numbers it should be") from error
    return found


def _text_lists(rows: list[list[bytes]], element: Element) -> dict[str, npt.NDArray[Any]]:
    """Only a leading list is taken: what follows it on the line is left out."""
    name, kind = element.columns[0]
    if kind != "list":
        raise ValueError("the list does not come first")
    counts = np.array([int(row[0]) for row in rows], dtype=np.int64)
    if any(len(row) <= count for row, count in zip(rows, counts, strict=True)):
        raise ValueError("a list is shorter than it says")
    items = [item for row, count in zip(rows, counts, strict=True) for item in row[1 : count + 1]]
    return {name: np.array(items, dtype="S").astype(np.int64), name + "#": counts}
