"""Fixtures that tests of every floor share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive


@pytest.fixture
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive; `parametrize("archive", EVERY_STORE, indirect=True)` asks for other places."""
    from servers import archive_at

    with archive_at(getattr(request, "param", "sqlite+folder"), tmp_path / "home") as opened:
        yield opened
