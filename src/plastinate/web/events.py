"""The jobs of a case -> a stream of events (SSE): one whenever something of them has changed.

A stream holds a thread of the server, so there are few, and each ends after a
while; a browser opens it again by itself, or asks every few seconds instead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from flask import Response

from plastinate.model.errors import PlastinateError
from plastinate.web.app_state import AppState

MEDIA_TYPE = "text/event-stream"
LOOK_EVERY_S = 1.0
HEARTBEAT_S = 15.0
# What a browser waits before it opens an ended stream again.
RETRY_MS = 2000


def stream_jobs(state: AppState, look: Callable[[], str]) -> Response:
    """A stream of what `look` finds, one event for each change.

    Args:
        state: counts the streams, and says when the server ends.
        look: the jobs as one line of JSON; asked every second.

    Raises:
        TooManyStreams: as many as are allowed are open.
    """
    first = look()
    state.take_stream()
    response = Response(_events(state, look, first), mimetype=MEDIA_TYPE)
    # Whether the stream was read to its end, broken off or never begun: its place is free again.
    response.call_on_close(_once(state.leave_stream))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def _events(state: AppState, look: Callable[[], str], first: str) -> Iterator[str]:
    yield f"retry: {RETRY_MS}\n{_event(first)}"
    begun = spoken = time.monotonic()
    known = first
    while not state.is_ending.wait(LOOK_EVERY_S):
        moment = time.monotonic()
        if moment - begun > state.stream_s:
            return
        try:
            found = look()
        except PlastinateError:
            # The case was deleted, or is no longer shared: the page will hear it when it asks again.
            return
        if found != known:
            known, spoken = found, moment
            yield _event(found)
        elif moment - spoken > HEARTBEAT_S:
            spoken = moment
            yield ": still here\n\n"


def _event(data: str) -> str:
    return f"event: jobs\ndata: {data}\n\n"


def _once(call: Callable[[], None]) -> Callable[[], None]:
    left = [call]

    def close() -> None:
        if left:
            left.pop()()

    return close
