"""A real `plastinate serve` in a home of its own, and people and programs that talk to it over HTTP.

with serving(tmp_path) as server:
    ada = server.first_administrator();  ada.get("/api/cases")
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import coverage
import requests

ROOT = Path(__file__).parents[1]
EMAIL, PASSWORD = "ada@example.org", "correct horse battery"
START_S = 60.0
STOP_S = 10.0
ADDRESS = re.compile(r"Plastinate is at (\S+)")
LINK = re.compile(r"^\s+(\S+/welcome/\S+)$", re.MULTILINE)
CSRF_FIELD = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
CSRF_META = re.compile(r'<meta name="csrf-token" content="([^"]+)"')


def counted() -> dict[str, str]:
    """What a process needs in its environment so that its lines count too, where lines are counted."""
    if coverage.Coverage.current() is None:
        return {}
    settings = str(ROOT / "tests" / "servers.coveragerc")
    return {"COVERAGE_PROCESS_START": settings, "COVERAGE_FILE": str(ROOT / ".coverage")}


@dataclass
class RunningServer:
    """A server process; `home` outlives it, and so does the port once it is known.

    Attributes:
        home: of the archive.
        options: more words for `plastinate serve`.
        url: where it is.
        link: the one-time link, while there is nobody.
    """

    home: Path
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    url: str = ""
    link: str = ""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, on the port it had before, and wait until it says that people may come."""
        port = self.url.rpartition(":")[2] or "0"
        words = ["serve", "--home", str(self.home), "--port", port, *self.options]
        log = (self.home.parent / "server.log").open("ab")
        with log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "plastinate.cli.main", *words],
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **counted(), **self.environment},
            )
        said = self._heard(ADDRESS)
        self.url = ADDRESS.search(said)[1]  # type: ignore[index]
        if "Nobody has an account" in said:
            self.link = LINK.search(said)[1]  # type: ignore[index]

    def stop(self) -> int:
        """Ask it to stop, as a service manager does."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """As if the plug were pulled on all its processes."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def first_administrator(self) -> Visitor:
        """Someone who followed the one-time link."""
        visitor = Visitor(self.url)
        visitor.welcome(self.link, email=EMAIL, name="Ada Lovelace")
        return visitor

    def _heard(self, words: re.Pattern[str]) -> str:
        assert self.process
        assert self.process.stdout
        said, deadline = b"", time.monotonic() + START_S
        while not words.search(said.decode()):
            left = deadline - time.monotonic()
            assert left > 0, f"it did not start: {said.decode()}"
            if not select.select([self.process.stdout], [], [], left)[0]:
                continue
            block = os.read(self.process.stdout.fileno(), 65536)
            assert block, f"it ended: {said.decode()}{(self.home.parent / 'server.log').read_text()}"
            said += block
        return said.decode()


class Visitor(requests.Session):
    """A browser without a screen: cookies, and the token of its session on every unsafe request."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.csrf = ""
        # What this machine trusts and which proxy it uses is not asked: the server is here.
        self.trust_env = False

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """Ask the server; a path is one of its own."""
        assert isinstance(url, str)
        headers = {"X-CSRF-Token": self.csrf, **(options.pop("headers", None) or {})}
        options.setdefault("timeout", 30)
        whole = url if "://" in url else self.url + url
        return super().request(method, whole, *args, headers=headers, **options)

    def welcome(self, link: str, *, email: str, name: str) -> None:
        """Follow a one-time link and choose a password."""
        page = self.get(link)
        assert page.ok, page.text
        form = {
            "csrf_token": CSRF_FIELD.search(page.text)[1],  # type: ignore[index]
            "email": email,
            "name": name,
            "password": PASSWORD,
            "again": PASSWORD,
        }
        self._arrive(self.post(link, data=form))

    def sign_in(self, *, email: str = EMAIL, password: str = PASSWORD) -> None:
        """By the form of the page."""
        page = self.get("/sign-in")
        form = {
            "csrf_token": CSRF_FIELD.search(page.text)[1],  # type: ignore[index]
            "email": email,
            "password": password,
        }
        self._arrive(self.post("/sign-in", data=form))

    def _arrive(self, page: requests.Response) -> None:
        assert page.ok, page.text
        found = CSRF_META.search(page.text)
        assert found, page.text
        self.csrf = found[1]


@contextmanager
def serving(folder: Path, *options: str, **environment: str) -> Iterator[RunningServer]:
    """A running server, stopped at the end whatever happens."""
    server = RunningServer(folder / "home", options, environment)
    try:
        server.start()
        yield server
    finally:
        if server.process and server.process.poll() is None:
            server.process.terminate()
            try:
                server.process.wait(STOP_S + 5)
            except subprocess.TimeoutExpired:
                server.process.kill()
                server.process.wait()
        if server.process and server.process.stdout:
            server.process.stdout.close()
