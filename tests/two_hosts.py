"""This machine as two: a network namespace with a host name of its own, joined by a cable that can be pulled.

here  10.213.N.1   database, file store, scheduler, dispatcher, a worker
there 10.213.N.2   a worker that has only the network
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from servers import S3_ENVIRONMENT, free_port, new_bucket, new_postgres_database, s3


@dataclass(frozen=True)
class TwoHosts:
    """Both ends and the cable.

    Attributes:
        number: of the network.
        settings: database and store, at addresses that both hosts reach.
        environment: how the store is reached.
    """

    number: int
    settings: dict[str, str]
    environment: dict[str, str]

    @property
    def here(self) -> str:
        return f"10.213.{self.number}.1"

    @property
    def there(self) -> list[str]:
        """Words to put before a command, so that it runs on the other host."""
        named = f'hostname host-two-{self.number}; exec "$@"'
        return ["ip", "netns", "exec", _name(self.number), "unshare", "--uts", "sh", "-c", named, "there"]

    def pull_the_cable(self) -> None:
        _ip("link", "set", f"pl{self.number}a", "down")

    def plug_it_in(self) -> None:
        _ip("link", "set", f"pl{self.number}a", "up")


@contextmanager
def two_hosts() -> Iterator[TwoHosts]:
    """Two hosts with a database and a file store on the first; skips where this may not be done."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("unshare") is None:
        pytest.skip("network namespaces need root and the ip command")
    # The store's own server says each request aloud.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with ExitStack() as stack:
        number = _new_namespace()
        stack.callback(_ip, "netns", "delete", _name(number))
        near, far = f"pl{number}a", f"pl{number}b"
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", _name(number))
        _ip("address", "add", f"10.213.{number}.1/24", "dev", near)
        _ip("link", "set", near, "up")
        for words in (["address", "add", f"10.213.{number}.2/24", "dev", far], ["link", "set", far, "up"]):
            _ip("-n", _name(number), *words)
        _ip("-n", _name(number), "link", "set", "lo", "up")
        here = f"10.213.{number}.1"
        database, bucket = urlsplit(new_postgres_database()), new_bucket()
        at_database = stack.enter_context(_relay(here, database.port or 0))
        at_store = stack.enter_context(_relay(here, urlsplit(s3()).port or 0))
        yield TwoHosts(
            number,
            {
                "database": f"postgresql://postgres@{here}:{at_database}{database.path}",
                "store": bucket,
                "scheduler": f"tcp://{here}:{free_port()}",
            },
            {**S3_ENVIRONMENT, "AWS_ENDPOINT": f"http://{here}:{at_store}"},
        )


def _new_namespace() -> int:
    """The number of a network that nobody has, also where tests run beside these or were killed before."""
    first = os.getpid() % 250
    for number in [*range(first, 250), *range(first)]:
        with suppress(subprocess.CalledProcessError):
            _ip("netns", "add", _name(number))
            return number
    pytest.skip("this machine makes no network namespaces")


def _name(number: int) -> str:
    return f"plastinate-{number}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def _relay(host: str, port: int) -> Iterator[int]:
    """A port at an address that leads to one of the loopback's, where the throwaway servers listen."""
    with socket.create_server((host, 0), backlog=64) as listening:
        threading.Thread(target=_accept, args=(listening, port), daemon=True).start()
        yield int(listening.getsockname()[1])


def _accept(listening: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            outer, _ = listening.accept()
            inner = socket.create_connection(("127.0.0.1", port))
            for source, sink in ((outer, inner), (inner, outer)):
                threading.Thread(target=_carry, args=(source, sink), daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(1 << 16):
            sink.sendall(block)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
