"""The heartbeat of an attempt: progress goes to the job's row, and back comes whether to go on."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Literal

from plastinate.engine.early_look import Look
from plastinate.model.errors import SystemFault

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive

Verdict = Literal["go on", "cancel", "stale", "out of touch", "stopping"]
CHECK_PERIOD_S = 0.25
REPORT_PERIOD_S = 0.5
# Nothing new to say: often enough that a cancel is heard in time and no lease runs out.
SILENCE_MAX_S = 1.0
# A mark of when it was passed is kept for every so much of the work.
MARK_SHARE = 0.02

# Set when this process has been asked to end: its attempts give their jobs back.
stopping = threading.Event()


class Interrupted(Exception):
    """The attempt must not go on; the verdict says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict)
        self.verdict = verdict


class Pulse:
    """Reports for one attempt, from a thread of its own.

    A database out of reach may hold a report for half a minute. That must not
    hold the attempt: whoever asks `require` gets an answer at once, and "out of
    touch" when no report has come through for as long as a lease lasts.
    """

    def __init__(self, archive: Archive, *, job_id: str, attempt: int) -> None:
        self._archive = archive
        self._job_id = job_id
        self._attempt = attempt
        self._share, self._doing = 0.0, ""
        self._begun_at = time.monotonic()
        self._marks: list[tuple[float, float]] = []
        self._look: Look | None = None
        self._silence_s = min(SILENCE_MAX_S, archive.settings.lease_seconds / 5)
        self._verdict: Verdict = "go on"
        self._heard_at = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"pulse-{job_id}", daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        # Where the database does not answer, the thread may be a while; it does no harm.
        self._thread.join(timeout=1.0)

    def tell(self, share_done: float, doing: str) -> None:
        """Say where the attempt is; goes out with the next report."""
        self._share, self._doing = share_done, doing
        passed = self._marks[-1][0] if self._marks else 0.0
        if share_done - passed >= MARK_SHARE or share_done == 1.0 > passed:
            self._marks.append((round(share_done, 3), round(time.monotonic() - self._begun_at, 2)))

    def show(self, look: Look) -> None:
        """Let people see what was found so far; goes out with the next report."""
        self._look = look

    def require(self) -> None:
        """Return if the attempt may go on.

        Raises:
            Interrupted: it may not.
        """
        verdict = self._verdict
        if verdict == "go on" and stopping.is_set():
            verdict = "stopping"
        if verdict == "go on" and time.monotonic() - self._heard_at > self._archive.settings.lease_seconds:
            verdict = "out of touch"
        if verdict != "go on":
            raise Interrupted(verdict)

    def _beat(self) -> None:
        said: tuple[float, str, Look | None] | None = None
        said_at, said_marks = 0.0, 0
        while not self._ended.wait(CHECK_PERIOD_S) and self._verdict == "go on":
            waited, news = time.monotonic() - said_at, (self._share, self._doing, self._look)
            if waited < (REPORT_PERIOD_S if news != said else self._silence_s):
                continue
            begun = time.monotonic()
            marks = self._marks[:]
            with contextlib.suppress(SystemFault):
                look = None if said is not None and said[2] is news[2] else news[2]
                pace = None if len(marks) == said_marks else marks
                self._verdict = self._report(news[0], news[1], pace, look)
                said_marks = len(marks)
                # From before the report was sent: that is the latest moment the row can bear.
                said, self._heard_at = news, begun
            said_at = time.monotonic()

    def _report(
        self, share_done: float, doing: str, pace: list[tuple[float, float]] | None, look: Look | None
    ) -> Verdict:
        from plastinate.archive import jobs

        with self._archive.database.write() as session:
            return jobs.report(
                session,
                self._job_id,
                self._attempt,
                share_done=share_done,
                doing=doing,
                pace=pace,
                look=None if look is None else (look.found, look.png),
            )
