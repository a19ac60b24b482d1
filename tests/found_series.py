"""Series as the import doctor writes them down, for pages that offer to build them."""

from __future__ import annotations

from typing import Any

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Case


def series(number: int, modality: str, description: str = "", **more: Any) -> dict[str, Any]:
    """One series that can be built; what is given more comes instead."""
    return {
        "number": number,
        "modality": modality,
        "description": description,
        "frame_count": 30,
        "shape_slice_row_column": [30, 64, 64],
        "spacing_mm_slice_row_column": [2.0, 1.0, 1.0],
        "phases": [""],
        "tags": {},
        "is_usable": True,
        "findings": [],
        **more,
    }


def let_be_found(archive: Archive, case_id: str, *found: dict[str, Any]) -> None:
    """Let a case's scan hold these series."""
    with archive.database.write() as session:
        case = session.get(Case, case_id)
        assert case
        case.inspection = {"files_looked_at": 9, "findings": [], "set_aside": [], "series": list(found)}
