"""A listening socket and the settings flow in; gunicorn serves the application on it until told to stop.

Started by `supervisor.py` as `python -m plastinate.web.server`. One process of 32 threads: what takes
long runs elsewhere, the numbers of live streams and of sign-in attempts are counted in one place, and
SQLite has one writer.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import os
import resource
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import TConn, ThreadWorker

from plastinate.model.lifeline import die_with_parent

THREADS = 32
CONNECTIONS = 2000
# A connection that ends is heard out for so long.
LINGER_S = 2.0
# What a stop waits for requests under way; live streams end by themselves within a second.
GRACE_S = 5


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker; the silent get no thread of it, and streams hear that it stops."""

    def accept(self, listener: Any) -> None:
        """Take a connection, and give it a thread when its request begins to come.

        gunicorn gives it one at once, for up to five seconds: with 500 silent connections, which any
        browser that thinks ahead adds to, a page took over a minute.
        """
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                raise
            return
        self.nr_conns += 1
        connection = TConn(self.cfg, accepted, address, listener.getsockname())
        connection.set_timeout()
        self.pending_conns.append(connection)
        self.poller.register(
            accepted, selectors.EVENT_READ, partial(self.on_pending_socket_readable, connection)
        )

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Keep a connection for its next request, or hear it out and end it.

        gunicorn waits for the other side to hang up, two seconds, in the one thread that accepts: with 400
        clients that do not, pages took minutes.
        """
        if not fs.cancelled() and fs.exception() is None and fs.result():
            super().finish_request(conn, fs)
            return
        try:
            # Closed upon unread bytes, the connection would throw the answer away.
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._hear_out, conn))
        except (OSError, ValueError):
            self.nr_conns -= 1
            conn.close()
            return
        conn.timeout = time.monotonic() + LINGER_S
        # With those that have waited longest, which are looked at first.
        self.pending_conns.appendleft(conn)

    def _hear_out(self, conn: Any, client: Any) -> None:
        try:
            if client.recv(1 << 16):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        self.nr_conns -= 1
        conn.close()

    def handle_exit(self, sig: int, frame: Any) -> None:
        """On TERM: no new connections, and open streams end."""
        from plastinate.web.app_state import end_streams

        # A signal may come before there is an application.
        application = getattr(self, "wsgi", None)
        if self.alive and application is not None:
            end_streams(application)
        super().handle_exit(sig, frame)


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings and none from the environment or the command line."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's own defaults."""
        wanted = {
            "bind": [f"fd://{self._given.socket}"],
            "workers": 1,
            "threads": THREADS,
            "worker_class": PatientWorker,
            "worker_connections": CONNECTIONS,
            # Heartbeats come from the accepting thread, so a long upload does not look like a dead worker.
            "timeout": 60,
            "graceful_timeout": GRACE_S,
            "keepalive": 15,
            # What a proxy forwards is believed in one place (web/hosts.py), and only if one is stated.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "loglevel": "warning",
            "certfile": self._given.certificate,
            "keyfile": self._given.key,
            "post_fork": _bind_life,
            "pre_request": _let_end,
            # A choice of files to download stands in the address.
            "limit_request_line": 8190,
            "post_worker_init": self._tell_ready,
            # gunicorn 25 and later would open a control socket in the home folder.
            "control_socket_disable": True,
        }
        for name, value in wanted.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Any:
        """The application, made in the worker: threads and database connections do not survive a fork."""
        from plastinate.archive.archive import open_archive
        from plastinate.settings import read_settings
        from plastinate.web.app import create_app

        return create_app(open_archive(read_settings()))

    def _tell_ready(self, worker: Any) -> None:
        del worker
        with contextlib.suppress(OSError):
            os.write(self._given.ready, b"+")


def _bind_life(arbiter: Any, worker: Any) -> None:
    del worker
    die_with_parent(arbiter.pid)


def _let_end(worker: Any, request: Any) -> None:
    """Let the application say that a connection ends with this answer."""
    del worker
    request.body.end_connection = request.force_close


def _allow_descriptors(wanted: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))


def main() -> None:
    """Serve until a signal says to stop."""
    parser = argparse.ArgumentParser(prog="plastinate.web.server")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--ready", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    given = parser.parse_args()
    die_with_parent(given.parent)
    _allow_descriptors(2 * CONNECTIONS)
    # run() leaves the process; gunicorn reads no command line through this class.
    Server(given).run()


if __name__ == "__main__":
    main()
