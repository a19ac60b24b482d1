"""What every file says about its frame and its unit, in one wording."""

from __future__ import annotations

import re
import unicodedata

from plastinate.model.geometry import Unit
from plastinate.model.scene import Scene

VOXEL_BANNER = "voxel units, NOT millimetres"
# What stands in the name and in the words of every file whose shape was estimated and not measured.
ESTIMATED = "ESTIMATED"


def frame_note(unit: Unit) -> str:
    """One line for people and programs: axes and unit.

    >>> frame_note("mm")
    'LPS mm: +x to the patient Left, +y Posterior, +z Superior; unit millimetre'
    >>> frame_note("px")
    'LPS axes: +x to the patient Left, +y Posterior, +z Superior; voxel units, NOT millimetres'
    """
    axes = "+x to the patient Left, +y Posterior, +z Superior"
    return f"LPS mm: {axes}; unit millimetre" if unit == "mm" else f"LPS axes: {axes}; {VOXEL_BANNER}"


def scene_note(scene: Scene) -> str:
    """The same for a scene; one made of a picture has no patient, and says that it is an estimate."""
    if not scene.is_estimated:
        return frame_note(scene.geometry.unit)
    unit = "unit millimetre" if scene.geometry.unit == "mm" else "unit pixel, NOT millimetres"
    axes = "axes stored as LPS: +x right in the picture, +y away from the viewer, +z up"
    pictures = "two pictures" if scene.evidence.inputs["estimate"].get("pictures") == 2 else "one picture"
    return f"{ESTIMATED} from {pictures}, not measured; {axes}; {unit}"


def marked_stem(stem: str, scene: Scene) -> str:
    """The name of a file, which says so where a shape was estimated."""
    return f"{stem}-{ESTIMATED}" if scene.is_estimated else stem


def ascii_text(text: str) -> str:
    r"""Printable ASCII on one line: accents are dropped, the rest becomes '?'.

    >>> ascii_text("Nièvre\nå")
    'Nievre a'
    """
    folded = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return re.sub(r"[^\x20-\x7e]", "?", " ".join(folded.split()))


def one_line(text: str) -> str:
    r"""Any letters, on one line, without control characters.

    >>> one_line("left\r\nlung\x00")
    'left lung'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def file_stem(structure: str) -> str:
    """A structure id as a file name that every system can hold.

    >>> file_stem("lung-left"), file_stem("../a b"), file_stem("")
    ('lung-left', 'a-b', 'surface')
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_text(structure)).strip("-")[:100]
    return stem or "surface"


def token(text: str) -> str:
    """A name without blanks, as OBJ and PLY need it; letters of any script are kept.

    >>> token("Left lung #1")
    'Left_lung_1'
    """
    return re.sub(r"[^\w.-]+", "_", one_line(text)).strip("_") or "surface"
