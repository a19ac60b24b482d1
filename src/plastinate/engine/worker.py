"""A process that joins a Dask scheduler and does its jobs, for as long as nobody ends it.

A scheduler that goes away takes nothing with it: attempts that run go on,
for their rows are in the database and not in the scheduler, and the worker
joins again when the scheduler is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import Any

from plastinate.engine.cluster import ANY_PORT_OF_OURS, load_dask
from plastinate.engine.pulse import stopping
from plastinate.settings import Settings

LONGEST_PAUSE_S = 5.0
STOP_PATIENCE_S = 4.0
JOIN_TIMEOUT_S = 10.0
CHECK_PERIOD_S = 0.25

log = logging.getLogger("plastinate.engine")


class LastingThreads(Executor):
    """Threads that outlive the Dask worker that uses them: its `shutdown` does nothing to them.

    Each connection to a scheduler is a Dask worker of its own. All of them share
    these threads, so that no more jobs run at a time than there are threads,
    those of an earlier connection included.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="attempt")
        self._open: set[Future[Any]] = set()

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a function when a thread is free."""
        future = self._pool.submit(function, *args, **kwargs)
        self._open.add(future)
        future.add_done_callback(self._open.discard)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing: a Dask worker that goes must not wait for jobs, nor end them."""

    @property
    def busy(self) -> int:
        """How many attempts run or wait here."""
        return len(self._open)

    def settle(self, *, patience_s: float) -> None:
        """Wait for what runs, and begin nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        wait(list(self._open), timeout=patience_s)


def run_worker(
    settings: Settings,
    *,
    name: str | None = None,
    resources: Mapping[str, float] | None = None,
    say: Callable[[str], None] = log.info,
) -> None:
    """Do jobs until SIGTERM or SIGINT; call it from the main thread.

    The process's environment must say where the archive is: the scheduler does not tell.

    Args:
        settings: the scheduler's address, and how many jobs at a time.
        name: for the scheduler's lists.
        resources: what this machine has, for jobs that need it ("GPU": 1).
        say: gets a line when the worker joins or loses its scheduler.
    """
    threads = LastingThreads(settings.workers)
    asyncio.run(_join_again_and_again(settings, threads, name=name, resources=resources or {}, say=say))
    threads.settle(patience_s=STOP_PATIENCE_S)


async def _join_again_and_again(
    settings: Settings,
    threads: LastingThreads,
    *,
    name: str | None,
    resources: Mapping[str, float],
    say: Callable[[str], None],
) -> None:
    stop = _stop_event()
    (settings.home / "scratch").mkdir(parents=True, exist_ok=True, mode=0o700)
    pause, is_told = 0.5, False
    while not stop.is_set():
        # What still runs of an earlier connection takes its thread: no new job may wait behind it.
        free = settings.workers - threads.busy
        if free < 1:
            await _paused(stop, CHECK_PERIOD_S)
            continue
        try:
            worker = await _joined(settings, threads, free=free, name=name, resources=resources)
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            # ValueError and RuntimeError: its name is still held by its own earlier connection.
            if not is_told:
                say(f"The scheduler at {settings.scheduler} cannot be joined yet ({type(error).__name__}).")
            is_told = True
            await _paused(stop, pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)
            continue
        say(f"Joined {settings.scheduler}: {free} jobs at a time.")
        pause, is_told = 0.5, False
        gone = asyncio.ensure_future(worker.finished())
        whole = [] if free == settings.workers else [_idle(threads)]
        await _until_either(gone, stop.wait(), *whole)
        if stop.is_set():
            await asyncio.to_thread(threads.settle, patience_s=STOP_PATIENCE_S)
        elif gone.done():
            say("The scheduler is gone; what runs goes on.")
        with contextlib.suppress(Exception):  # it may be in any state, and nothing is kept in it
            await asyncio.wait_for(worker.close(timeout=1), 2)


def _stop_event() -> asyncio.Event:
    """An event that a polite signal sets; attempts see it within a moment and give their jobs back."""
    stop = asyncio.Event()

    def end() -> None:
        stopping.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end)
    return stop


async def _joined(
    settings: Settings,
    threads: LastingThreads,
    *,
    free: int,
    name: str | None,
    resources: Mapping[str, float],
) -> Any:
    """A Dask worker that the scheduler knows."""
    worker = load_dask("critical").Worker(
        settings.scheduler,
        nthreads=free,
        executor=threads,
        name=name,
        resources=dict(resources) or None,
        memory_limit=0,
        local_directory=str(settings.home / "scratch"),
        dashboard_address=ANY_PORT_OF_OURS,
        death_timeout=JOIN_TIMEOUT_S,
    )
    await asyncio.wait_for(_started(worker), JOIN_TIMEOUT_S)
    return worker


async def _started(worker: Any) -> None:
    await worker


async def _idle(threads: LastingThreads) -> None:
    """Wait for a moment without any attempt: then it can join with all its threads again."""
    while threads.busy:
        await asyncio.sleep(CHECK_PERIOD_S)


async def _paused(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _until_either(*waits: Any) -> None:
    tasks = [asyncio.ensure_future(each) for each in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def take_environment(settings: Settings) -> None:
    """Let attempts of this process find the same settings: they read the environment."""
    os.environ.update(settings.environment())
