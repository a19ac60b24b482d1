"""The name of an entry -> the address of the file it was built into, from the manifest that Vite wrote."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from flask import url_for

from plastinate.model.case_errors import PagesMissing
from plastinate.web.built_pages import MANIFEST

ENTRIES = {
    "style": "src/styles/pages.css",
    "viewer-style": "src/styles/viewer.css",
    "page": "src/pages/page.ts",
    "case": "src/pages/case.ts",
    "upload": "src/pages/upload.ts",
    "view": "src/viewer/view.ts",
}


def asset(name: str) -> str:
    """The address of a built file.

    >>> sorted(ENTRIES)
    ['case', 'page', 'style', 'upload', 'view', 'viewer-style']

    Raises:
        PagesMissing: the installation holds no built pages.
    """
    return _address(_manifest_now()[ENTRIES[name]])


def asset_imports(name: str) -> list[str]:
    """The addresses of what a built script imports, so that a page can ask for all of it at once.

    Raises:
        PagesMissing: the installation holds no built pages.
    """
    manifest = _manifest_now()
    found: list[str] = []
    waiting = [ENTRIES[name]]
    while waiting:
        for each in manifest[waiting.pop()].get("imports", []):
            if each not in found:
                found.append(each)
                waiting.append(each)
    return [_address(manifest[each]) for each in found]


def _address(entry: dict[str, Any]) -> str:
    return url_for("static", filename=f"built/{entry['file']}")


def _manifest_now() -> dict[str, Any]:
    try:
        # Looked at anew each time: a checkout may be built again under a running server.
        return _manifest(MANIFEST.stat().st_mtime_ns)
    except FileNotFoundError as error:
        raise PagesMissing from error


@lru_cache(maxsize=1)
def _manifest(written_ns: int) -> dict[str, Any]:
    del written_ns
    read: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return read
