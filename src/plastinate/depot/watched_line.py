"""Openers of http and https whose lines are watched from the first byte: headers may trickle as a body may.

The timeout of a socket begins anew with every byte, and a header is read until it ends; so a server that
sends a letter a minute would hold a reader for weeks.
"""

from __future__ import annotations

import http.client
import io
import urllib.request
from typing import Any

from plastinate.depot.patience import Patience


class _WatchedRaw(io.RawIOBase):
    """What comes over a line, counted whatever it is part of."""

    def __init__(self, line: Any) -> None:
        self._line = line
        self._came_bytes = 0
        self._patience: Patience | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """As the line gives it.

        Raises:
            TooSlow: too little came since the first byte, or since a while.
        """
        count: int | None = self._line.readinto(buffer)
        self._came_bytes += count or 0
        if self._patience is None:
            self._patience = Patience(done_bytes=0)
        elif count:
            self._patience.reached(self._came_bytes)
        return count

    def close(self) -> None:
        """The line with it."""
        self._line.close()
        super().close()


class _WatchedAnswer(http.client.HTTPResponse):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fp: Any = io.BufferedReader(_WatchedRaw(self.fp.detach()))


class _HttpLine(http.client.HTTPConnection):
    response_class = _WatchedAnswer


class _HttpsLine(http.client.HTTPSConnection):
    response_class = _WatchedAnswer


class WatchedHttp(urllib.request.HTTPHandler):
    """Opens http."""

    def http_open(self, req: urllib.request.Request) -> Any:
        """As its elder does, over a watched line."""
        return self.do_open(_HttpLine, req)


class WatchedHttps(urllib.request.HTTPSHandler):
    """Opens https."""

    def https_open(self, req: urllib.request.Request) -> Any:
        """As its elder does, over a watched line."""
        return self.do_open(_HttpsLine, req)
