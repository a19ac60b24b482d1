"""Fixtures that tests of every floor share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.services.sample_sources import Sample


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
