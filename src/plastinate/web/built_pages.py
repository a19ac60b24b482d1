"""Where what `build_pages.py` built of the viewer lies, and whether it does: known without an application."""

from __future__ import annotations

from pathlib import Path

MANIFEST = Path(__file__).parent / "static" / "built" / "manifest.json"


def are_pages_there() -> bool:
    """Whether browsers are served; without it the server is an API only."""
    return MANIFEST.is_file()
