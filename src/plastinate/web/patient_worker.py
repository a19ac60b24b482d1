"""Connections wait for their request without a thread; a thread is given to what has arrived.

    accepted ─► arriving: handshake, head, a small body ─► a thread ─► kept alive ─► arriving ...
                   └ too slow: closed        └► a transfer among many: waits its turn   └► leaving ─► closed

gunicorn gives a connection a thread with its first byte, reads and drains with that thread, and says goodbye
with the only one that accepts: fifty clients that sent a byte a second held all 32, and no page came.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import time
from collections import deque
from functools import partial
from typing import Any

from gunicorn.http import get_parser
from gunicorn.sock import ssl_wrap_socket
from gunicorn.workers.gthread import TConn, ThreadWorker

from plastinate.web.arriving import HeadTooLong, Request, request_begun, told_to_go_on

# From the first byte of a request to the last that is waited for.
ARRIVAL_S = 30.0
# A connection of a server that stops is not worth more; one that ends is kept for so long, to be heard.
LINGER_S = 2.0
# Of 32 threads; as many again may hold live streams, and pages need the others.
TRANSFERS_MAX = 14
# A body that flows into a thread brings so much in each window, or counts as broken off.
WINDOW_S, WINDOW_BYTES = 20.0, 20 << 10
# What is left of a body that nobody read: if it is not here, the connection is not used again.
DRAIN_S = 0.05
BLOCK_BYTES = 1 << 16
# Bodies that are waited for, of all connections together.
WAITING_BYTES_MAX = 64 << 20
TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
TOO_MANY = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Paced:
    """A socket whose reader gives up on a sender that is slower than any honest one."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._since, self._count = time.monotonic(), 0

    def recv(self, size: int) -> bytes:
        """Some bytes.

        Raises:
            TimeoutError: hardly any have come for a while.
        """
        block: bytes = self._sock.recv(size)
        self._count += len(block)
        moment = time.monotonic()
        if moment - self._since > WINDOW_S:
            if self._count < WINDOW_BYTES:
                raise TimeoutError("the body comes too slowly")
            self._since, self._count = moment, 0
        return block

    def begin(self) -> None:
        """Another request: its time counts from now."""
        self._since, self._count = time.monotonic(), 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class Waiting(TConn):  # type: ignore[misc]
    """A connection with what has arrived of its next request."""

    def __init__(self, cfg: Any, sock: Any, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.paced = Paced(sock)
        self.arrived = bytearray()
        self.request: Request | None = None
        self.deadline = 0.0
        self.has_shaken_hands = not cfg.is_ssl
        # gunicorn's own wait for a first byte is over before it begins.
        self.data_ready = True
        self.initialized = False

    def init(self) -> None:
        """Make the parser, once; hands were shaken while waiting."""
        if not self.initialized:
            self.initialized = True
            self.parser = get_parser(self.cfg, self.paced, self.client)

    def receive(self) -> bytes | None:
        """What has come; None where nothing has, b"" from one who left.

        Raises:
            OSError: it is broken.
        """
        try:
            if not self.has_shaken_hands:
                self.sock.do_handshake()
                self.has_shaken_hands = True
            block: bytes = self.sock.recv(BLOCK_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        return block

    def look(self) -> Request | None:
        """The request, as soon as its head is here.

        Raises:
            HeadTooLong: more than any browser sends.
        """
        if self.request is None:
            # An empty line before a request is passed over (RFC 9112, section 2.2).
            while self.arrived.startswith(b"\r\n"):
                del self.arrived[:2]
            self.request = request_begun(self.arrived)
            if self.request is not None and self.request.expects:
                with contextlib.suppress(OSError):
                    self.sock.send(GO_ON)
                self.arrived = bytearray(told_to_go_on(self.arrived))
                self.request = request_begun(self.arrived)
        return self.request


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a waiting room before its threads; it lives in the accepting one."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.arriving: dict[Waiting, None] = {}
        self.leaving: dict[Waiting, None] = {}
        self.next_transfers: deque[Waiting] = deque()
        self.transfers: set[Waiting] = set()
        self.ends_at = 0.0

    def accept(self, listener: Any) -> None:
        """Take a connection, and wait for its request."""
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        try:
            accepted.setblocking(False)
            if self.cfg.is_ssl:
                accepted = ssl_wrap_socket(accepted, self.cfg)
            connection = Waiting(self.cfg, accepted, address, listener.getsockname())
        except OSError:
            # It has gone again.
            accepted.close()
            return
        self.nr_conns += 1
        self._await(connection)

    def finish_request(self, conn: Waiting, fs: Any) -> None:
        """Wait for the connection's next request, or let it go; begin the next transfer."""
        self.transfers.discard(conn)
        while self.next_transfers and len(self.transfers) < TRANSFERS_MAX:
            self._begin(self.next_transfers.popleft())
        if fs.cancelled() or fs.exception() is not None or not fs.result():
            self._let_go(conn)
            return
        # Draining a body can read ahead into the next request.
        conn.arrived += conn.parser.unreader.take_buffered()
        conn.sock.setblocking(False)
        self._await(conn)

    def murder_pending(self) -> None:
        """Close whatever has waited too long; called every second."""
        moment = time.monotonic()
        if not self.alive:
            self.ends_at = self.ends_at or moment + LINGER_S
            while self.next_transfers:
                self._close(self.next_transfers.popleft())
        for conn in [*self.arriving, *self.leaving]:
            if min(conn.deadline, self.ends_at or conn.deadline) < moment:
                self._close(conn)
        if self.nr_conns >= self.worker_connections:
            # Whoever has waited longest makes room for those who come.
            for conn in [*self.arriving][: self.worker_connections // 10]:
                self._close(conn)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """On TERM: no new connections, and open streams end."""
        from plastinate.web.app_state import end_streams

        if self.alive and self.wsgi is not None:
            end_streams(self.wsgi)
        super().handle_exit(sig, frame)

    def _await(self, conn: Waiting) -> None:
        conn.request = None
        conn.deadline = time.monotonic() + (ARRIVAL_S if conn.arrived else self.cfg.keepalive)
        self.arriving[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_bytes, conn))
        # Some may be here already: behind the last request, or inside TLS, where no poller sees them.
        if not (conn.arrived and self._take_in(conn, b"")):
            self._on_bytes(conn, conn.sock)

    def _on_bytes(self, conn: Waiting, _: Any) -> None:
        try:
            while (block := conn.receive()) is not None:
                if not block:
                    self._close(conn)
                    return
                if self._take_in(conn, block):
                    return
        except OSError:
            self._close(conn)

    def _take_in(self, conn: Waiting, block: bytes) -> bool:
        """Add bytes to a request; True once nothing more of it is waited for here."""
        if not conn.arrived:
            conn.deadline = time.monotonic() + ARRIVAL_S
        conn.arrived += block
        try:
            request = conn.look()
        except HeadTooLong:
            return self._refuse(conn, TOO_LONG)
        if request is None:
            return False
        if len(conn.arrived) < request.whole_bytes:
            promised = sum(each.request.whole_bytes for each in self.arriving if each.request is not None)
            return promised > WAITING_BYTES_MAX and self._refuse(conn, TOO_MANY)
        self._hand_over(conn)
        return True

    def _hand_over(self, conn: Waiting) -> None:
        """Give what has arrived to the parser, and the connection to a thread or into the queue."""
        self._forget(conn)
        conn.init()
        conn.parser.unreader.unread(bytes(conn.arrived))
        conn.arrived.clear()
        is_transfer = conn.request is not None and conn.request.is_transfer
        if is_transfer and len(self.transfers) >= TRANSFERS_MAX:
            self.next_transfers.append(conn)
        else:
            self._begin(conn)

    def _begin(self, conn: Waiting) -> None:
        if conn.request is not None and conn.request.is_transfer:
            self.transfers.add(conn)
        conn.paced.begin()
        self.enqueue_req(conn)

    def _keepalive_after(self, conn: Waiting, keepalive: bool) -> bool:
        """Whether the connection can be used again; no thread waits for the rest of a body nobody wants."""
        return keepalive and bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S))

    def _refuse(self, conn: Waiting, answer: bytes) -> bool:
        self._forget(conn)
        with contextlib.suppress(OSError):
            conn.sock.send(answer)
        self._let_go(conn)
        return True

    def _let_go(self, conn: Waiting) -> None:
        """Say that nothing more comes, and wait: closed upon unread bytes, the answer would be lost."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_farewell, conn))
        except (OSError, ValueError):
            self._close(conn)
            return
        conn.deadline = time.monotonic() + LINGER_S
        self.leaving[conn] = None

    def _on_farewell(self, conn: Waiting, _: Any) -> None:
        try:
            if not conn.sock.recv(BLOCK_BYTES):
                self._close(conn)
        except BlockingIOError:
            pass
        except OSError:
            self._close(conn)

    def _forget(self, conn: Waiting) -> None:
        self.arriving.pop(conn, None)
        self.leaving.pop(conn, None)
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(conn.sock)

    def _close(self, conn: Waiting) -> None:
        self._forget(conn)
        self.nr_conns -= 1
        conn.sock.close()
