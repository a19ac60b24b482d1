"""3MF bytes in, its build items out, in millimetres."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from array import array
from typing import Any
from xml.parsers import expat

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import DamagedFile, TooLarge, UnsupportedFile
from plastinate.stages.export.mesh_parts import (
    MM_PER_UNIT,
    MeshFile,
    MeshPart,
    checked_triangles,
    words_of_frame,
)

# Mesh text packs five to ten times; a bomb a thousand times.
MODEL_BYTES_MAX = 2 << 30
PACKED_RATIO_MAX = 200
DEPTH_MAX = 8
PIECES_MAX = 10_000


class _Object:
    def __init__(self, attributes: dict[str, str]) -> None:
        self.name = attributes.get("name", "")
        self.part = attributes.get("partnumber", "")
        self.property = (attributes.get("pid", ""), attributes.get("pindex", "0"))
        self.points = array("d")
        self.corners = array("q")
        self.components: list[tuple[str, npt.NDArray[np.float64]]] = []


class _Model:
    """What the XML holds, gathered as the parser walks through it."""

    def __init__(self) -> None:
        self.unit = "millimeter"
        self.objects: dict[str, _Object] = {}
        self.items: list[tuple[str, npt.NDArray[np.float64]]] = []
        self.materials: dict[str, list[tuple[str, str]]] = {}
        self.metadata: dict[str, str] = {}
        self.now = _Object({})
        self._words: list[str] | None = None
        self._entry = ""
        self._group = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        word = tag.rpartition(":")[2]
        if word == "vertex":
            self.now.points.extend((float(attributes["x"]), float(attributes["y"]), float(attributes["z"])))
        elif word == "triangle":
            self.now.corners.extend((int(attributes["v1"]), int(attributes["v2"]), int(attributes["v3"])))
        elif word == "object":
            self.now = self.objects[attributes["id"]] = _Object(attributes)
        elif word == "component":
            self.now.components.append((attributes["objectid"], _matrix(attributes)))
        elif word == "item":
            self.items.append((attributes["objectid"], _matrix(attributes)))
        elif word == "basematerials":
            self._group = attributes["id"]
        elif word == "base":
            entry = (attributes.get("name", ""), attributes.get("displaycolor", ""))
            self.materials.setdefault(self._group, []).append(entry)
        elif word == "model":
            self.unit = attributes.get("unit", "millimeter")
        elif word == "metadata":
            self._entry, self._words = attributes.get("name", ""), []

    def text(self, words: str) -> None:
        if self._words is not None:
            self._words.append(words)

    def end(self, tag: str) -> None:
        if tag.rpartition(":")[2] == "metadata" and self._words is not None:
            self.metadata[self._entry] = "".join(self._words)
            self._words = None


def read_3mf(data: bytes, path: str) -> MeshFile:
    """Read every build item of a 3MF, its components and transforms applied.

    Raises:
        DamagedFile: not a sound package, or XML that does not follow the specification.
        TooLarge: it inflates beyond the limit.
        UnsupportedFile: the meshes lie in further model files (production extension).
    """
    model = _parse(_model_bytes(data, path), path)
    found = MeshFile([], "3MF", title=model.metadata.get("Title", ""), says_unit=True)
    if model.unit not in MM_PER_UNIT:
        raise DamagedFile(path, f"it names a unit that 3MF does not have ({model.unit[:20]!r})")
    scale = MM_PER_UNIT[model.unit]
    for number, matrix in model.items:
        _place(model, number, matrix, found, path, scale=scale, depth=0)
    if model.unit != "millimeter":
        found.notes.append(f"{model.unit} were turned into millimetres")
    words_of_frame(model.metadata.get("Description", ""), found)
    return found


def _place(
    model: _Model,
    number: str,
    matrix: npt.NDArray[np.float64],
    found: MeshFile,
    path: str,
    *,
    scale: float,
    depth: int,
) -> None:
    thing = model.objects.get(number)
    if thing is None or depth > DEPTH_MAX or len(found.parts) > PIECES_MAX:
        raise DamagedFile(path, "its build list names objects that do not exist or contain themselves")
    for inner, local in thing.components:
        _place(model, inner, local @ matrix, found, path, scale=scale, depth=depth + 1)
    if not thing.corners:
        return
    points = np.array(thing.points, dtype=np.float64).reshape(-1, 3)
    # 3MF multiplies rows by its matrices (core specification, section 3.3).
    placed = (points @ matrix[:3, :3] + matrix[3, :3]) * scale
    triangles = checked_triangles(path, placed, np.array(thing.corners, dtype=np.int64).reshape(-1, 3))
    if np.linalg.det(matrix[:3, :3]) < 0:
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    part = MeshPart(thing.name, placed, triangles, facts={"id": thing.part} if thing.part else {})
    group, index = thing.property
    bases = model.materials.get(group, [])
    if index.isdigit() and int(index) < len(bases):
        colour = re.fullmatch(r"#([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?", bases[int(index)][1])
        if colour:
            red, green, blue = bytes.fromhex(colour[1])
            part.colour = (red, green, blue)
    found.parts.append(part)


def _model_bytes(data: bytes, path: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = [n for n in archive.namelist() if n.lower().endswith(".model")]
            if not names:
                raise DamagedFile(path, "it is a zip without a 3MF model in it")
            if len(names) > 1:
                raise UnsupportedFile(path, "its meshes are spread over several model files")
            cap = min(MODEL_BYTES_MAX, max(PACKED_RATIO_MAX * len(data), 1 << 20))
            with archive.open(names[0]) as part:
                text = part.read(cap + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError) as error:
        raise DamagedFile(path, f"its zip is broken ({error})") from error
    if len(text) > cap:
        raise TooLarge(path, "its inflated size in bytes", value=len(text), cap=cap)
    return text


def _parse(text: bytes, path: str) -> _Model:
    model = _Model()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = model.start
    parser.EndElementHandler = model.end
    parser.CharacterDataHandler = model.text

    def refuse(*_: Any) -> None:
        # Entities can blow up to any size, and 3MF forbids document types (section 2.3).
        raise DamagedFile(path, "its XML declares a document type")

    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, LookupError, ValueError, OverflowError) as error:
        raise DamagedFile(path, f"its XML does not follow the specification ({error})") from error
    return model


def _matrix(attributes: dict[str, str]) -> npt.NDArray[np.float64]:
    """(4, 4), for rows: the 12 numbers of a transform, or none at all."""
    matrix = np.eye(4)
    if numbers := attributes.get("transform"):
        matrix[:, :3] = np.array(numbers.split(), dtype=np.float64).reshape(4, 3)
    return matrix
