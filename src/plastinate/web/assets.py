"""The name of an entry -> the address of the file it was built into, from the manifest that Vite wrote."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from flask import url_for

from plastinate.model.case_errors import PagesMissing

BUILT = Path(__file__).parent / "static" / "built"
ENTRIES = {
    "style": "src/styles/pages.css",
    "page": "src/pages/page.ts",
    "case": "src/pages/case.ts",
    "upload": "src/pages/upload.ts",
}


def asset(name: str) -> str:
    """The address of a built file.

    >>> sorted(ENTRIES)
    ['case', 'page', 'style', 'upload']

    Raises:
        PagesMissing: the installation holds no built pages.
    """
    return url_for("static", filename=f"built/{_manifest()[ENTRIES[name]]['file']}")


@cache
def _manifest() -> dict[str, Any]:
    try:
        read: dict[str, Any] = json.loads((BUILT / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise PagesMissing from error
    return read
