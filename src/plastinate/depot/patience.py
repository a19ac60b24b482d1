"""How far a fetch has come flows in, whether it is worth another try comes out: a server may lie for ever.

Only what reaches beyond the furthest byte so far counts. A server that sends the same beginning again and
again, or a byte a minute, would otherwise keep a fetch going, and everybody who waits for it.
"""

from __future__ import annotations

import time

# Tries after the first, each going on where the one before was cut off; begun anew while bytes come.
TRIES_MORE = 3
TRIES_IN_ALL = 100
# Less than a modem brought: a model of 100 MB would take more than a day.
SLOW_BYTES_PER_S = 1000
SLOW_SECONDS = 60.0


class TooSlow(Exception):
    """What comes, comes too slowly to go on."""


class Patience:
    """What is left of the patience with one fetch.

    Args:
        done_bytes: what is there already.
    """

    def __init__(self, *, done_bytes: int) -> None:
        self._furthest = done_bytes
        self._furthest_at_try = done_bytes
        self._tries_left = TRIES_MORE
        self._tries_in_all = TRIES_IN_ALL
        self._window_from_s = time.monotonic()
        self._window_from_bytes = done_bytes

    def reached(self, done_bytes: int) -> None:
        """Bytes came, up to here.

        Raises:
            TooSlow: too few of them are new since a while.
        """
        self._furthest = max(self._furthest, done_bytes)
        now_s = time.monotonic()
        passed_s = now_s - self._window_from_s
        if passed_s < SLOW_SECONDS:
            return
        if self._furthest - self._window_from_bytes < SLOW_BYTES_PER_S * passed_s:
            raise TooSlow(
                f"less than {SLOW_BYTES_PER_S / 1000:g} KB of it came in a second, for {passed_s:.0f} seconds"
            )
        self._window_from_s, self._window_from_bytes = now_s, self._furthest

    def try_again(self) -> bool:
        """A try was cut off: whether there is to be another."""
        came_further = self._furthest > self._furthest_at_try
        self._furthest_at_try = self._furthest
        self._tries_left = TRIES_MORE if came_further else self._tries_left - 1
        self._tries_in_all -= 1
        return self._tries_left > 0 and self._tries_in_all > 0
