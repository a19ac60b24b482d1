"""What every request of one application shares: the archive, live streams, and the line for prompts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flask import Flask, current_app

from plastinate.engine.prompt_process import PromptProcess
from plastinate.engine.prompt_queue import PromptQueue
from plastinate.model.case_errors import TooManyStreams

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive

EXTENSION = "plastinate"
# A third of the server's 32 threads: each open stream holds one, and pages need the others.
STREAMS_MAX = 10
STREAM_S = 600.0
# The first answer about a scan reads it, and may fetch the network.
PROMPT_S = 120.0


@dataclass
class AppState:
    """The archive and the live streams of one application.

    Attributes:
        archive: where everything is kept.
        is_ending: set when the server stops; streams end by themselves then.
        streams_max: how many streams may be open at the same time.
        stream_s: how long a stream lasts at most, in seconds; whoever still listens opens another.
    """

    archive: Archive
    is_ending: threading.Event = field(default_factory=threading.Event)
    streams_max: int = STREAMS_MAX
    stream_s: float = STREAM_S
    _streams: int = 0
    _prompts: PromptQueue | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take_stream(self) -> None:
        """Count a stream that opens.

        Raises:
            TooManyStreams: as many as are allowed are open.
        """
        with self._lock:
            if self._streams >= self.streams_max or self.is_ending.is_set():
                raise TooManyStreams
            self._streams += 1

    def prompt_queue(self) -> PromptQueue:
        """The line before the process that answers prompts; the process starts when first asked."""
        with self._lock:
            if self._prompts is None:
                settings = self.archive.settings
                self._prompts = PromptQueue(
                    PromptProcess(memory_bytes=settings.job_memory_bytes, wall_seconds=PROMPT_S)
                )
            return self._prompts

    def end_prompts(self) -> None:
        """End the process that answers prompts, if there is one."""
        with self._lock:
            queue, self._prompts = self._prompts, None
        if queue is not None:
            queue.close()

    def leave_stream(self) -> None:
        """Count a stream that has ended."""
        with self._lock:
            self._streams -= 1


def state_of_app(app: Flask | None = None) -> AppState:
    """What the requests of this application (or of the current one) share."""
    state: AppState = (app or current_app).extensions[EXTENSION]
    return state


def archive_of_app() -> Archive:
    """The archive behind the current request."""
    return state_of_app().archive


def end_streams(app: Flask) -> None:
    """Let every open stream end within a second. Whoever runs the server calls this when it stops."""
    state = state_of_app(app)
    state.is_ending.set()
    state.end_prompts()
