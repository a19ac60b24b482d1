"""What every file says about its frame and its unit, in one wording."""

from __future__ import annotations

import re
import unicodedata

from plastinate.model.geometry import Unit

VOXEL_BANNER = "voxel units, NOT millimetres"


def frame_note(unit: Unit) -> str:
    """One line for people and programs: axes and unit.

    >>> frame_note("mm")
    'LPS mm: +x to the patient Left, +y Posterior, +z Superior; unit millimetre'
    >>> frame_note("px")
    'LPS axes: +x to the patient Left, +y Posterior, +z Superior; voxel units, NOT millimetres'
    """
    axes = "+x to the patient Left, +y Posterior, +z Superior"
    return f"LPS mm: {axes}; unit millimetre" if unit == "mm" else f"LPS axes: {axes}; {VOXEL_BANNER}"


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
