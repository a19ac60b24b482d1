"""What an anatomical structure is called, coded and coloured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Code:
    """A coded concept (DICOM PS3.3, section 8.8): value, scheme, meaning."""

    value: str
    scheme: str
    meaning: str


@dataclass(frozen=True)
class Structure:
    """One organ or region, as `recipes/structures.toml` states it.

    Attributes:
        id: lower-case with hyphens, "lung-left".
        name: for people, "Left lung".
        code: SNOMED CT concept; None only for a surface that names no anatomy.
        laterality: "left", "right" or "".
        colour: sRGB, 0 to 255.
        opacity: 0 to 1, how it is first shown.
        parent: structure id of the group it hangs under, "" at the top.
        category: the coded category for DICOM SEG, None for "Anatomical Structure".
    """

    id: str
    name: str
    code: Code | None
    colour: tuple[int, int, int]
    laterality: str = ""
    opacity: float = 1.0
    parent: str = ""
    category: Code | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "id": self.id,
            "name": self.name,
            "laterality": self.laterality,
            "colour_srgb": list(self.colour),
            "code": None
            if self.code is None
            else {"value": self.code.value, "scheme": self.code.scheme, "meaning": self.code.meaning},
        }
