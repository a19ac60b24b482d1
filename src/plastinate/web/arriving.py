"""The first bytes of a connection -> how much of its request has to be here before it is given a thread.

A request line, headers and a body of a form's size are waited for. A larger body flows into a thread, and a
large file out of one: those are transfers, of which only so many go on at a time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from plastinate.web.bodies import BODY_BYTES_MAX

# Every server's own limits are below: 100 lines of 8 KiB are no browser's.
HEAD_BYTES_MAX = 1 << 16
HEAD_END = b"\r\n\r\n"
# Bodies that go to the disk as they come; files that are as large as a scan.
TRANSFER = re.compile(rb"(?:POST|PATCH) /api/uploads|GET /api/(?:builds|cases)/[^/? ]+/(?:files/|archive)")
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,16})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """What the head of a request says of what follows.

    Attributes:
        whole_bytes: of it, head and body, that are waited for.
        is_transfer: whether it takes long by its nature.
        expects: whether its sender waits to be told to go on.
    """

    whole_bytes: int
    is_transfer: bool
    expects: bool


class HeadTooLong(Exception):
    """Headers without end."""


def request_begun(arrived: bytes | bytearray) -> Request | None:
    r"""What is known of a request; None while its head is not here.

    >>> request_begun(b"GET / HTTP/1.1\r\nHost: a")
    >>> request_begun(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").whole_bytes
    27

    Raises:
        HeadTooLong: more than any browser sends.
    """
    end = arrived.find(HEAD_END, 0, HEAD_BYTES_MAX)
    if end < 0:
        if len(arrived) >= HEAD_BYTES_MAX:
            raise HeadTooLong
        return None
    head = bytes(arrived[: end + len(HEAD_END)])
    length = LENGTH.search(head)
    body = int(length[1]) if length else 0
    is_chunked = CHUNKED.search(head) is not None
    has_body = is_chunked or body > 0
    is_transfer = is_chunked or (TRANSFER.match(head) is not None and (has_body or head.startswith(b"GET")))
    # What is larger than it may be is refused without its body.
    waited_for = 0 if is_transfer or body > BODY_BYTES_MAX else body
    return Request(len(head) + waited_for, is_transfer, EXPECTS.search(head) is not None and waited_for > 0)


def told_to_go_on(arrived: bytes | bytearray) -> bytes:
    """The same request from a sender who need not be told again."""
    return EXPECTS.sub(b"", bytes(arrived), count=1)
