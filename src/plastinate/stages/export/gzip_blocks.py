"""Bytes in, one gzip stream out, packed on every core and the same on any number of them."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from plastinate.native.load import thread_count

# Label maps are long runs of one number: level 1 already packs them to a thousandth.
LEVEL = 1
# No name, no date, and "unknown" for the system: nothing that changes from run to run.
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


def gzip_blocks(blocks: Iterable[bytes | memoryview]) -> Iterator[bytes]:
    """Pack blocks into one gzip member.

    Each block is deflated apart, from an empty dictionary, and ends on a whole
    byte (a sync flush), so that blocks can be packed at the same time and simply
    follow one another. One member and not several: some readers stop at the end
    of the first.

    Args:
        blocks: of some megabytes each; where they are cut decides the bytes that
            come out, the number of threads does not.

    Source: RFC 1951, RFC 1952; the same arrangement as in Mark Adler's pigz.
    """
    yield GZIP_HEAD
    checksum, length = 0, 0
    threads = thread_count()
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for block in blocks:
            waiting.append(pool.submit(_deflated, block))
            checksum = zlib.crc32(block, checksum)
            length += len(memoryview(block).cast("B"))
            while len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    yield zlib.compressobj(LEVEL, zlib.DEFLATED, -15).flush(zlib.Z_FINISH)
    yield struct.pack("<II", checksum, length & 0xFFFFFFFF)


def _deflated(block: bytes | memoryview) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, -15)
    return packer.compress(block) + packer.flush(zlib.Z_SYNC_FLUSH)
