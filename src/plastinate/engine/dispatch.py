"""Rows of jobs flow in, attempts flow out: the process that sees to it that every job reaches an end.

    queued, nobody at it              -> an attempt is ordered
    running, its heartbeat stands     -> given back, and ordered again
    running, and nobody of ours       -> left alone while its heart beats

It keeps nothing: whatever it knows is in the rows, so it may die at any
moment and another takes up where it was. Run as `python -m plastinate.engine.dispatch`.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plastinate.engine import pulse
from plastinate.engine.cluster import Cluster
from plastinate.engine.kinds import HOUSEKEEPING, load, place_in_queue
from plastinate.engine.outcome import note_failure
from plastinate.model.case_errors import JobLost
from plastinate.model.errors import PlastinateError
from plastinate.model.lifeline import die_with_parent
from plastinate.model.owner import is_running, machine_mark
from plastinate.settings import read_settings
from plastinate.stages.ingest.workspace import clear_abandoned

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive
    from plastinate.archive.tables import Job

POLL_S = 0.25
LONGEST_TURN_S = 1.0
HOUSEKEEPING_PERIOD_S = 600.0
STOP_PATIENCE_S = 4.0
# An order that came to nothing is repeated, ever more slowly.
LONGEST_WAIT_S = 30.0
RUNNING = "running"

log = logging.getLogger("plastinate.engine")


@dataclass
class Order:
    """An attempt that was asked for.

    Attributes:
        future: Dask's side of it.
        seen_attempt: the row's attempt at that time; the one ordered is the next.
    """

    future: Any
    seen_attempt: int


@dataclass
class Sight:
    """What was last seen of a job, by this process's own clock: hosts disagree about the time.

    Attributes:
        beat: its attempt and heartbeat.
        silent_s: for how long they have been watched without a change.
        orders: how many attempts were ordered at this number of attempts.
        next_order_at: not before then.
    """

    beat: tuple[int, Any]
    silent_s: float = 0.0
    orders: int = 0
    next_order_at: float = 0.0


@dataclass
class Dispatcher:
    """The loop's memory; all of it may be lost."""

    archive: Archive
    cluster: Cluster
    orders: dict[str, Order] = field(default_factory=dict)
    sights: dict[str, Sight] = field(default_factory=dict)
    turned_at: float = field(default_factory=time.monotonic)

    def turn(self) -> None:
        """Look at every unfinished job once.

        Raises:
            PlastinateError: the database cannot be read.
        """
        from plastinate.archive import jobs

        with self.archive.database.read() as session:
            rows = jobs.unfinished(session)
        open_ids = {row.id for row in rows}
        for gone in [job_id for job_id in self.orders if job_id not in open_ids]:
            self._drop_order(gone)
        self.sights = {job_id: sight for job_id, sight in self.sights.items() if job_id in open_ids}
        now = time.monotonic()
        # While this process itself slept, nobody watched: that is no silence of anyone else's.
        watched_s, self.turned_at = min(now - self.turned_at, LONGEST_TURN_S), now
        for row in rows:
            self._look_after(row, watched_s=watched_s)
        self.cluster.tend(silent_s=self.archive.settings.lease_seconds)

    def _look_after(self, row: Job, *, watched_s: float) -> None:
        beat = (row.attempt, row.heard_at)
        sight = self.sights.setdefault(row.id, Sight(beat))
        sight.silent_s += watched_s
        if sight.beat != beat:
            if sight.beat[0] != row.attempt:
                sight.orders, sight.next_order_at = 0, 0.0
            sight.beat, sight.silent_s = beat, 0.0
        order = self.orders.get(row.id)
        if order is not None and order.future.done():
            loss = _loss(order.future)
            self._drop_order(row.id)
            order = None
            if loss and row.state == RUNNING:
                self._give_back(row, because=loss)
                return
        if row.state == RUNNING:
            because = self._silence(row, silent_s=sight.silent_s)
            if because:
                self._drop_order(row.id)
                self._give_back(row, because=because)
        elif order is None and time.monotonic() >= sight.next_order_at:
            self._order(row, sight)

    def _silence(self, row: Job, *, silent_s: float) -> str:
        """Why a running attempt must be taken for lost, or nothing."""
        if silent_s > self.archive.settings.lease_seconds:
            return "its worker fell silent"
        machine, _, process = row.worker.rpartition(" ")[2].partition("-")
        if machine == machine_mark() and process.isdigit() and not is_running(int(process)):
            return "its worker was ended"
        return ""

    def _order(self, row: Job, sight: Sight) -> None:
        future = self.cluster.submit(
            row.id,
            seen_attempt=row.attempt,
            key=f"{row.id}-{row.attempt}-{sight.orders}-{time.time_ns():x}",
            priority=_priority(row),
            resources=row.resources,
        )
        if future is None:
            return
        if sight.orders:
            sight.next_order_at = time.monotonic() + min(LONGEST_WAIT_S, 0.5 * 2**sight.orders)
        sight.orders += 1
        self.orders[row.id] = Order(future, row.attempt)

    def _give_back(self, row: Job, *, because: str) -> None:
        from plastinate.archive import jobs

        with self.archive.database.write() as session:
            state = jobs.give_back(
                session,
                row.id,
                row.attempt,
                because=because,
                attempts_max=self.archive.settings.attempts,
            )
        if state != "stale":
            log.warning("job %s, attempt %s: %s; now %s", row.id, row.attempt, because, state)
        if state == jobs.FAILED:
            note_failure(row, JobLost.code, because=because)

    def _drop_order(self, job_id: str) -> None:
        order = self.orders.pop(job_id, None)
        if order is not None:
            order.future.cancel() if not order.future.done() else order.future.release()

    def stop(self) -> None:
        """Have this process's own attempts give their jobs back, and end the cluster."""
        pulse.stopping.set()
        deadline = time.monotonic() + STOP_PATIENCE_S
        if self.cluster.is_embedded:
            for order in list(self.orders.values()):
                while not order.future.done() and time.monotonic() < deadline:
                    time.sleep(0.05)
        self.cluster.close()


def _priority(row: Job) -> float:
    # Whole milliseconds since 1970 leave room for urgency in a double's 53 bits.
    urgency, created_at = place_in_queue(row.kind, row.created_at)
    return -urgency * 1e14 - round(created_at.timestamp() * 1000)


def _loss(future: Any) -> str:
    """Why Dask lost an attempt, or nothing: a scheduler that was restarted forgets attempts that go on."""
    if future.status != "error":
        return ""
    error = future.exception()
    log.warning("an attempt was lost: %r", error)
    return "its worker was lost" if type(error).__name__ == "KilledWorker" else f"its worker failed ({error})"


def _housekeeping(archive: Archive, stop: threading.Event) -> None:
    """Tidy up every few minutes, beside the loop."""
    while not stop.wait(HOUSEKEEPING_PERIOD_S):
        try:
            load(HOUSEKEEPING)(archive)
        except Exception:  # whatever is wrong, the jobs go on and the next round tries again
            log.exception("housekeeping failed")


def run(archive: Archive, *, stop: threading.Event) -> None:
    """Dispatch until `stop` is set."""
    clear_abandoned(archive.settings.home / "scratch")
    dispatcher = Dispatcher(archive, Cluster(archive.settings))
    threading.Thread(target=_housekeeping, args=(archive, stop), name="housekeeping", daemon=True).start()
    was_well = True
    while not stop.wait(POLL_S):
        try:
            dispatcher.turn()
            was_well = True
        except PlastinateError as error:
            # The database is away or the disk full: jobs wait, and so does this.
            if was_well:
                log.warning("jobs wait: %s", error.sentence)
            was_well = False
            stop.wait(1.0)
    dispatcher.stop()


def main(arguments: list[str] | None = None) -> int:
    """The life of the dispatcher process."""
    parser = argparse.ArgumentParser(prog="python -m plastinate.engine.dispatch")
    parser.add_argument("--parent", type=int, help="end with this process")
    parser.add_argument("--home", type=Path, help="folder of the archive")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        die_with_parent(given.parent)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s", stream=sys.stderr)
    # A person at a terminal has the server's address before their eyes, and should keep it there.
    logging.getLogger("plastinate").setLevel(logging.WARNING if sys.stderr.isatty() else logging.INFO)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    from plastinate.archive.archive import open_archive

    try:
        archive = open_archive(read_settings(home=given.home))
    except PlastinateError as error:
        log.error("%s [%s] %s", error.sentence, error.code, error.hint)
        return error.exit_status
    try:
        run(archive, stop=stop)
    finally:
        archive.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
