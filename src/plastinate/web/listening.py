"""A host and a port -> a socket that listens, or a sentence that says why not."""

from __future__ import annotations

import ipaddress
import os
import socket
import struct

from plastinate.model.case_errors import CannotListen

BACKLOG = 512
# A client that neither sends nor takes a byte for so long gives its thread back.
STALL_S = 60


def listen(host: str, port: int) -> socket.socket:
    """Listen, before anything else is started: an address that is taken is found out at once.

    Args:
        host: name or address; the first address a name has is taken.
        port: 0 takes any that is free.

    Raises:
        CannotListen: unknown name, address of another machine, port in use or not ours to take.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CannotListen(host, port, _reason(error)) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _limit_stalls(listening)
        listening.bind(address)
        listening.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        listening.close()
        raise CannotListen(host, port, _reason(error)) from error
    return listening


def is_only_here(host: str) -> bool:
    """Whether an address can be reached from this machine alone.

    >>> [is_only_here(each) for each in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _limit_stalls(listening: socket.socket) -> None:
    # Linux hands these on to every connection that is accepted.
    limit = struct.pack("ll", STALL_S, 0)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        listening.setsockopt(socket.SOL_SOCKET, option, limit)


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return "no such host"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error)
