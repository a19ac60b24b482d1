"""Where attempts run: in this process, or on the workers of a Dask scheduler when one machine is too small.

Both are a Dask client, and what is submitted to it is the same. The embedded
cluster listens to nobody: its scheduler and its worker are threads of this
process, and each attempt watches a child process anyway.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plastinate.engine.attempt import run_attempt

if TYPE_CHECKING:
    from plastinate.settings import Settings

LONGEST_PAUSE_S = 8.0
CONNECT_TIMEOUT_S = 5
LOOK_PERIOD_S = 2.0
# The embedded cluster serves no page and no API over HTTP, on the loopback either, and does not watch
# itself: its profiler and its clock would use 3 % of a core while nothing happens.
QUIET = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "1h",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.scheduler.allowed-failures": 0,
    # A computer that wakes from sleep has not lost the worker that slept with it.
    "distributed.scheduler.worker-ttl": None,
    # What waits stays with the scheduler, in order, and not with a worker that is busy.
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.admin.log-length": 0,
}
ANY_PORT_OF_OURS = "127.0.0.1:0"

log = logging.getLogger("plastinate.engine")


class Cluster:
    """A Dask client that is opened when it is first needed, and again when it was lost."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Any = None
        self._local: Any = None
        self._next_try_at = 0.0
        self._pause = 0.5
        self._looked_at = 0.0
        self._seen: dict[str, tuple[float, float]] = {}

    @property
    def is_embedded(self) -> bool:
        """Whether attempts run in this process."""
        return not self._settings.scheduler

    def submit(
        self, job_id: str, *, seen_attempt: int, key: str, priority: float, resources: Mapping[str, Any]
    ) -> Any:
        """Order an attempt; None while the scheduler cannot be reached. A higher priority comes first."""
        client = self._open()
        if client is None:
            return None
        embedded = self.is_embedded
        return client.submit(
            run_attempt,
            job_id,
            seen_attempt,
            # Elsewhere the worker's own environment says where the archive is, and holds its secrets.
            self._settings.environment() if embedded else None,
            key=key,
            priority=priority,
            # What is submitted within this time Dask takes for one batch, and does in no order of ours.
            fifo_timeout=0,
            pure=False,
            retries=0,
            # This machine does everything itself, whatever it has.
            resources=None if embedded else dict(resources) or None,
        )

    def tend(self, *, silent_s: float) -> None:
        """Begin the embedded cluster anew if it has no worker; elsewhere, let silent workers go.

        A scheduler's own patience is five minutes (worker-ttl), in which new work would queue
        up behind a worker that sleeps. One that wakes up joins again.

        Args:
            silent_s: how long a worker may be silent.
        """
        client, now = self._client, time.monotonic()
        if self._local is not None and not self._local.scheduler.workers:
            log.warning("the embedded worker is gone and is started again")
            self.close()
        if client is None or self.is_embedded or now - self._looked_at < LOOK_PERIOD_S:
            return
        self._looked_at = now
        try:
            workers = client.scheduler_info(n_workers=-1)["workers"]
            for address, facts in workers.items():
                last, since = self._seen.get(address, (0.0, now))
                if facts["last_seen"] != last:
                    since = now
                self._seen[address] = (facts["last_seen"], since)
                if now - since > silent_s:
                    log.warning("worker %s is silent and is let go", facts.get("name", address))
                    client.sync(client.scheduler.unregister, address=address, stimulus_id=f"silent-{now}")
            self._seen = {address: seen for address, seen in self._seen.items() if address in workers}
        except (OSError, TimeoutError) as error:
            log.warning("the scheduler did not say how its workers are: %s", error)

    def close(self) -> None:
        """Let go of the scheduler, and end the embedded one."""
        for each in (self._client, self._local):
            if each is not None:
                with contextlib.suppress(Exception):  # it may be in any state, and nothing is kept in it
                    each.close(timeout=2)
        self._client = self._local = None

    def _open(self) -> Any:
        if self._client is not None and self._client.status not in ("closed", "closing"):
            return self._client if self._client.status == "running" else None
        if time.monotonic() < self._next_try_at:
            return None
        self.close()
        try:
            self._client = self._connected()
        except (OSError, TimeoutError) as error:
            log.warning("no scheduler at %s: %s", self._settings.scheduler, error)
            self._next_try_at = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, LONGEST_PAUSE_S)
            return None
        self._pause = 0.5
        return self._client

    def _connected(self) -> Any:
        distributed = load_dask("error")
        if not self.is_embedded:
            return distributed.Client(
                self._settings.scheduler, timeout=CONNECT_TIMEOUT_S, set_as_default=False
            )
        self._local = distributed.LocalCluster(
            processes=False,
            n_workers=1,
            threads_per_worker=self._settings.workers,
            memory_limit=0,
            dashboard_address=ANY_PORT_OF_OURS,
            worker_dashboard_address=ANY_PORT_OF_OURS,
            local_directory=str(self._settings.home / "scratch"),
        )
        return distributed.Client(self._local, set_as_default=False)


def load_dask(level: str) -> Any:
    """Dask, imported when it is first needed: it takes its settings while it is. As text: it has no types.

    Args:
        level: below which its log is kept quiet.
    """
    import dask

    dask.config.set({**QUIET, "logging.distributed": level})
    return importlib.import_module("distributed")
