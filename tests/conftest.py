"""Fixtures that tests of every floor share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Floors whose tests start a server, a browser or a whole build: each takes seconds.
SLOW_FLOORS = {"browser", "contract", "faults", "golden", "journeys"}

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.services.sample_sources import Sample


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of a slow floor, and what goes to a server of another kind, as slow."""
    tests = Path(__file__).parent
    for item in items:
        floor = item.path.relative_to(tests).parts[0] if item.path.is_relative_to(tests) else ""
        if floor in SLOW_FLOORS or re.search(r"\[.*(postgres|s3)", item.name):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive; `parametrize("archive", EVERY_STORE, indirect=True)` asks for other places."""
    from servers import archive_at

    with archive_at(getattr(request, "param", "sqlite+folder"), tmp_path / "home") as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """A sample scan that pip fetches from a folder of this test's own."""
    from sample_shop import open_shop

    return open_shop(tmp_path, monkeypatch)
