"""Debian's Chromium without a screen, driven as a person drives it; what its console complains of is kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PROGRAM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# Longer than any machine takes that does other things beside; what never comes fails all the same.
PATIENCE_MS = 90_000
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser; skips where there is none, except where everything has to run."""
    if not Path(PROGRAM).exists():
        message = f"Chromium is not installed here ({PROGRAM})"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def watched_page(browser: Any, complaints: list[str], **options: Any) -> Any:
    """A page of a fresh visitor; its console's errors, the faults of its scripts and every violation of
    the content policy are added to the complaints."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda fault: complaints.append(f"fault: {fault}"))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    return page
