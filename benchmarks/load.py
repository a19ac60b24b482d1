"""Fifty people read pages while two jobs run and a hundred streams are wanted: how long does a page take?

    python benchmarks/load.py [--clients 50] [--streams 100] [--jobs 2] [--seconds 60] [--pause 2]

Everything on one machine, the readers too: a real `plastinate serve` with the sample scan in it. Each
reader has a connection of their own, reads a page, pauses (between half and one and a half times --pause)
and goes on to another; with --pause 0 they read without taking breath. Who asks for a stream and is sent
away asks for the state every 2.5 s instead and for a stream once a minute, as the pages do. Fails when a
page's p95 is a second or more.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import json
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from running_server import Visitor, serving

BOUND_S = 1.0
POLL_S, TRY_STREAM_AGAIN_S = 2.5, 60.0


class Load:
    """The readers, the watchers and the jobs; every answer's time by the name of the page."""

    def __init__(self, visitor: Visitor, case_id: str, pages: dict[str, str], pause_s: float) -> None:
        self.visitor, self.case_id, self.pages, self.pause_s = visitor, case_id, pages, pause_s
        self.host = visitor.url.partition("//")[2]
        self.cookie = "; ".join(f"{each.name}={each.value}" for each in visitor.cookies)
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.counts: dict[str, int] = defaultdict(int)
        self.live = 0
        self.over = threading.Event()
        self.lock = threading.Lock()

    def ask(self, connection: http.client.HTTPConnection, path: str) -> http.client.HTTPResponse:
        """One request, as the person who signed in."""
        connection.request("GET", path, headers={"Cookie": self.cookie})
        return connection.getresponse()

    def read(self, seed: int) -> None:
        """Page after page, with pauses."""
        chance = random.Random(seed)
        connection = http.client.HTTPConnection(self.host, timeout=60)
        self.over.wait(chance.uniform(0, self.pause_s))
        while not self.over.is_set():
            name, path = chance.choice(list(self.pages.items()))
            begun = time.perf_counter()
            try:
                answer = self.ask(connection, path)
                answer.read()
            except (OSError, http.client.HTTPException):
                self.count("a connection broke")
                connection.close()
                continue
            took = time.perf_counter() - begun
            with self.lock:
                self.seconds[name].append(took)
            if answer.status != 200:
                self.count(f"{name} answered {answer.status}")
            self.over.wait(self.pause_s * chance.uniform(0.5, 1.5))

    def watch(self) -> None:
        """Follow the jobs as a page does: by a stream, or by asking."""
        connection = http.client.HTTPConnection(self.host, timeout=60)
        stream_at = 0.0
        self.over.wait(random.uniform(0, POLL_S))
        while not self.over.is_set():
            try:
                if time.monotonic() >= stream_at:
                    stream_at = time.monotonic() + TRY_STREAM_AGAIN_S
                    answer = self.ask(connection, f"/api/cases/{self.case_id}/events")
                    if answer.status == 200:
                        self.live_one(answer)
                    connection.close()
                else:
                    self.ask(connection, f"/api/cases/{self.case_id}/jobs").read()
                    self.count("times asked for the state")
            except (OSError, http.client.HTTPException):
                connection.close()
            self.over.wait(POLL_S)

    def live_one(self, answer: http.client.HTTPResponse) -> None:
        """A stream that the server granted, until it ends."""
        with self.lock:
            self.live += 1
            self.counts["streams at once"] = max(self.counts["streams at once"], self.live)
        try:
            while not self.over.is_set() and answer.readline():
                self.count("lines of streams")
        finally:
            with self.lock:
                self.live -= 1

    def keep_busy(self, jobs: int) -> None:
        """See to it that so many builds are queued or running at any time."""
        lows = itertools.count(200)
        while not self.over.is_set():
            listed = self.visitor.get(f"/api/cases/{self.case_id}/jobs").json()["jobs"]
            open_now = sum(job["state"] in ("queued", "running") for job in listed)
            self.counts["jobs done"] = sum(job["state"] == "done" for job in listed)
            for _ in range(jobs - open_now):
                wish: dict[str, Any] = {"threshold": [next(lows), None], "formats": ["glb"]}
                self.visitor.post(f"/api/cases/{self.case_id}/jobs", json=wish)
            self.over.wait(0.5)

    def count(self, what: str) -> None:
        """Count something that happened."""
        with self.lock:
            self.counts[what] += 1


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=2)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="plastinate-load-") as folder,
        serving(Path(folder), "--sample", "chest-ct") as server,
    ):
        visitor = server.first_administrator()
        load = prepared(visitor, given.pause)
        work = [threading.Thread(target=load.keep_busy, args=(given.jobs,))]
        work += [threading.Thread(target=load.watch) for _ in range(given.streams)]
        work += [threading.Thread(target=load.read, args=(number,)) for number in range(given.clients)]
        for each in work:
            each.start()
        time.sleep(given.seconds)
        load.over.set()
        for each in work:
            each.join(70)
    print("\n".join(table(load)))
    if not all(percentile(seconds, 95) < BOUND_S for seconds in load.seconds.values()):
        sys.exit("a page took too long")


def prepared(visitor: Visitor, pause_s: float) -> Load:
    """Wait until the sample's organs are built, so that every page has something to show."""
    case_id = visitor.get("/api/cases").json()["cases"][0]["id"]
    while not (builds := visitor.get(f"/api/cases/{case_id}/builds").json()["builds"]):
        time.sleep(1)
    pages = {
        "the list of cases": "/cases",
        "a case": f"/cases/{case_id}",
        "a certificate": f"/cases/{case_id}/builds/{builds[0]['id']}",
        "a new case": "/cases/new",
        "the account": "/account",
        "a thumbnail": f"/api/cases/{case_id}/thumbnail",
        "jobs as JSON": f"/api/cases/{case_id}/jobs",
    }
    for name, path in pages.items():
        assert visitor.get(path).status_code == 200, name
    return Load(visitor, case_id, pages, pause_s)


def percentile(seconds: list[float], share: float) -> float:
    """The value that so many per cent stay under."""
    return sorted(seconds)[min(len(seconds) - 1, int(len(seconds) * share / 100))]


def table(load: Load) -> list[str]:
    """One row for each page, and what else happened."""
    rows = ["| page | read | median ms | p95 ms | worst ms |", "|---|---|---|---|---|"]
    everything = list(itertools.chain.from_iterable(load.seconds.values()))
    for name, seconds in [*load.seconds.items(), ("all", everything)]:
        figures = [percentile(seconds, 50), percentile(seconds, 95), max(seconds)]
        rows.append(
            f"| {name} | {len(seconds)} | " + " | ".join(f"{1000 * each:.0f}" for each in figures) + " |"
        )
    return [*rows, "", json.dumps(dict(sorted(load.counts.items())))]


if __name__ == "__main__":
    main()
