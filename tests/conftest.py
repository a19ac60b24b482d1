"""Fixtures that tests of every floor share."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

# A shell that runs the tests behind itself lets them ignore these, and all they start would do so as well.
for number, taken in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, taken)

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("patient", settings(), deadline=None)
settings.load_profile("patient")

# Run by another Python, which has the libraries that it imports.
collect_ignore = ["tiny_nnunet.py"]

# Floors whose tests start a server, a browser or a whole build: each takes seconds.
SLOW_FLOORS = {"browser", "contract", "faults", "golden", "journeys"}

if TYPE_CHECKING:
    from page_shelf import Shelf
    from plastinate.archive.archive import Archive
    from plastinate.services.sample_sources import Sample
    from running_server import RunningServer, Visitor


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


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A browser for a module's pages."""
    from chromium import chromium

    with chromium() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What the console of a watched page complained of."""
    return []


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    """Every page there is, served; a module that wants other cases has a shelf of its own."""
    from page_shelf import serving_pages

    with serving_pages(tmp_path_factory.mktemp("shelf")) as served:
        yield served


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A real server with nothing in it."""
    from running_server import serving

    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture(scope="module")
def ada(server: RunningServer) -> Visitor:
    """Its first administrator."""
    return server.first_administrator()


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scan of a bead."""
    from bead_scans import write_bead

    return write_bead(tmp_path_factory.mktemp("bead") / "scan")
