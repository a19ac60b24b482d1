"""A packet flows to a server by tus 1.0, piece by piece, and goes on where it stopped, whatever the cause."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import time
import urllib.parse
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from plastinate.client.answers import NOT_OURS
from plastinate.client.connection import Answer, Server
from plastinate.client.logins import write_private
from plastinate.client.stored_zip import Packet
from plastinate.model.case_errors import ServerRefused, ServerUnreachable
from plastinate.model.errors import CannotWrite

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK_BYTES = 8 << 20
# A server that is being restarted is back within a minute; one that is mended, within ten.
PATIENCE_S = 600.0
LONGEST_PAUSE_S = 5.0
# Another writer, too many requests, a store that is full for the moment, a proxy whose server is away.
COME_BACK = frozenset({423, 429, 500, 502, 503, 504})
VANISHED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})

Progress = Callable[[int, int, str], None]


def upload(server: Server, packet: Packet, *, progress: Progress | None = None) -> str:
    """Send a packet whole, and say under which id the server has it.

    An upload that this person began earlier, with the same bytes for the same server, is gone on with.

    Args:
        server: with a token.
        packet: what to send.
        progress: called with bytes sent, bytes in all, and what is waited for.

    Raises:
        ServerRefused: it is too large, the disk is full, the token is not valid ...
        ServerUnreachable: the server stayed away for ten minutes.
        DamagedFile: a file changed while it was sent.
    """
    tell = progress or _silent
    state = _Begun(f"{server.url} {packet.sha256}")
    path = state.path or _begin(server, packet)
    state.keep(path)
    patience = _Patience()
    offset: int | None = None
    while offset is None or offset < packet.size:
        try:
            offset = _offset(server, path) if offset is None else _send(server, path, packet, offset)
            tell(offset, packet.size, "sending")
            patience.renew()
        except (ServerRefused, ServerUnreachable) as error:
            offset = None
            if isinstance(error, ServerRefused):
                if error.status in VANISHED and state.was_kept:
                    # It has expired since; the bytes are still here.
                    state.forget()
                    path = _begin(server, packet)
                    state.keep(path)
                    continue
                if error.status not in COME_BACK and error.status != HTTPStatus.CONFLICT:
                    raise
            tell(0, 0, f"waiting for the server: {error.sentence}")
            patience.spend(error)
    state.forget()
    return path.rstrip("/").rpartition("/")[2]


class _Patience:
    """How long a server that does not answer is waited for, and how often it is asked."""

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self._until, self._pause_s = time.monotonic() + PATIENCE_S, 0.25

    def spend(self, error: ServerRefused | ServerUnreachable) -> None:
        if time.monotonic() > self._until:
            raise error
        time.sleep(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)


class _Begun:
    """The address of an upload under way, kept so that another run of the command can go on with it."""

    def __init__(self, key: str) -> None:
        base = os.environ.get("XDG_STATE_HOME")
        folder = Path(base) if base else Path.home() / ".local" / "state"
        self._file, self._key = folder / "plastinate" / "uploads.json", key
        self.path = self._all().get(key, "")
        self.was_kept = bool(self.path)

    def keep(self, path: str) -> None:
        self._write({**self._all(), self._key: path})

    def forget(self) -> None:
        self.was_kept = False
        self._write({key: path for key, path in self._all().items() if key != self._key})

    def _all(self) -> dict[str, str]:
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(self._file.read_text(encoding="utf-8"))
            if isinstance(found, dict):
                return {str(key): str(path) for key, path in found.items()}
        return {}

    def _write(self, kept: dict[str, str]) -> None:
        # Without it an interrupted upload begins anew: a pity, and no reason not to send.
        with contextlib.suppress(CannotWrite):
            write_private(self._file, json.dumps(kept, indent=2))


def _begin(server: Server, packet: Packet) -> str:
    name = base64.b64encode(packet.name.encode("utf-8", "replace")).decode()
    headers = {**TUS, "Upload-Length": str(packet.size), "Upload-Metadata": f"filename {name}"}
    answer = server.send("POST", "/api/uploads", b"", headers=headers)
    # Of the address only the path: the token goes to the server that was signed in to, and to no other.
    path = urllib.parse.urlsplit(answer.headers.get("location", "")).path
    if not path.startswith("/api/uploads/"):
        raise ServerUnreachable(server.url, NOT_OURS)
    return path


def _offset(server: Server, path: str) -> int:
    return _offset_in(server, server.send("HEAD", path, headers=TUS))


def _send(server: Server, path: str, packet: Packet, offset: int) -> int:
    data = packet.read(offset, CHUNK_BYTES)
    headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    answer = server.send("PATCH", path, data, headers=headers)
    return _offset_in(server, answer)


def _offset_in(server: Server, answer: Answer) -> int:
    text = answer.headers.get("upload-offset", "")
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ServerUnreachable(server.url, NOT_OURS)
    return int(text)


def _silent(done: int, total: int, doing: str) -> None:
    del done, total, doing
