"""Zips made to do harm: bombs of every build, forged sizes, names that lead elsewhere, links and devices."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import NamedTuple

MEGABYTE = bytes(1 << 20)
DEFLATED = zipfile.ZIP_DEFLATED
UTF8_NAME = 0x0800


def zip_of(files: Mapping[str, bytes], *, method: int = DEFLATED) -> bytes:
    """A zip as any tool makes it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


def deflated_zeros(megabytes: int, *, wbits: int = -15) -> bytes:
    """Nothing, a thousandfold packed."""
    engine = zlib.compressobj(9, wbits=wbits)
    return b"".join(engine.compress(MEGABYTE) for _ in range(megabytes)) + engine.flush()


class Line(NamedTuple):
    """What a zip says of a member; none of it need be true."""

    name: bytes
    coded: bytes
    size: int
    crc: int
    method: int = DEFLATED
    flags: int = UTF8_NAME
    mode: int = 0
    offset: int = 0
    coded_size: int | None = None

    def _facts(self) -> bytes:
        coded_size = len(self.coded) if self.coded_size is None else self.coded_size
        sizes = (self.crc, coded_size, self.size, len(self.name), 0)
        return struct.pack("<HHHHHIIIHH", 20, self.flags, self.method, 0, 0x21, *sizes)

    def local(self) -> bytes:
        """The header before its bytes."""
        return b"PK\x03\x04" + self._facts() + self.name

    def central(self) -> bytes:
        """Its line in the directory."""
        rest = struct.pack("<HHHII", 0, 0, 0, self.mode << 16, self.offset)
        return b"PK\x01\x02\x14\x03" + self._facts() + rest + self.name


def raw_zip(lines: list[Line]) -> bytes:
    """A zip of members one after another, as they describe themselves."""
    body, central = b"", []
    for line in lines:
        central.append(line._replace(offset=len(body)).central())
        body += line.local() + line.coded
    return body + directory(central, len(body))


def directory(lines: list[bytes], begin: int) -> bytes:
    """A zip's directory and the record that ends it."""
    whole = b"".join(lines)
    count = min(len(lines), 0xFFFF)
    return whole + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, count, count, len(whole), begin, 0)


def crc_of_zeros(size: int, crc: int = 0) -> int:
    """The CRC-32 once so many zero bytes have followed."""
    for _ in range(size >> 20):
        crc = zlib.crc32(MEGABYTE, crc)
    return zlib.crc32(MEGABYTE[: size & 0xFFFFF], crc)


def many_bombs(count: int, megabytes: int) -> bytes:
    """Each stays below what a single file may be."""
    coded, size = deflated_zeros(megabytes), megabytes << 20
    crc = crc_of_zeros(size)
    return raw_zip([Line(b"%06d.dcm" % number, coded, size, crc) for number in range(count)])


def one_kernel(count: int, megabytes: int) -> bytes:
    """Every line of the directory points to the same bytes."""
    size = megabytes << 20
    line = Line(b"0.dcm", deflated_zeros(megabytes), size, crc_of_zeros(size))
    body = line.local() + line.coded
    return body + directory([line.central()] * count, len(body))


def quoted_overlap(count: int, megabytes: int) -> bytes:
    """Each member's bytes quote the header of the next and run on through it.

    Source: D. Fifield, "A better zip bomb" (WOOT 2019).
    """
    size = megabytes << 20
    coded, crc = deflated_zeros(megabytes), crc_of_zeros(size)
    built, lines = b"", list[Line]()
    for number in reversed(range(count)):
        line = Line(b"%06d.dcm" % number, coded, size, crc)
        lines.insert(0, line)
        head = line.local()
        built = head + coded
        # crc(A B) = crc(A 0...) ^ crc(0...) ^ crc(B), where there are as many zeros as B has bytes.
        crc ^= crc_of_zeros(size, zlib.crc32(head)) ^ crc_of_zeros(size)
        coded = b"\x00" + struct.pack("<HH", len(head), len(head) ^ 0xFFFF) + built
        size += len(head)
    at, central = 0, []
    for line in lines:
        central.append(line._replace(offset=at).central())
        at += len(line.local()) + 5
    return built + directory(central, len(built))


def nested(data: bytes, depth: int) -> bytes:
    """A zip in a zip in a zip."""
    for level in range(depth):
        data = zip_of({f"level-{level}.zip": data})
    return data


def forged(**changes: int) -> bytes:
    """300 MB of zeros whose headers say something else."""
    size = 300 << 20
    line = Line(b"forged.dcm", deflated_zeros(300), size, crc_of_zeros(size))
    return raw_zip([line._replace(**changes)])


def empty_members(count: int) -> bytes:
    """Nothing but names."""
    return raw_zip([Line(b"%06d" % number, b"", 0, 0, method=0) for number in range(count)])


def of_mode(mode: int, content: bytes, *, name: bytes = b"special", count: int = 1) -> bytes:
    """A member that is a link, a device, a pipe."""
    line = Line(name, content, len(content), zlib.crc32(content), method=0, mode=mode)
    return raw_zip([line._replace(name=name + b"%d" % number) for number in range(count)])


LINK, DEVICE, PIPE = (kind | 0o777 for kind in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO))


def escaping_names(content: bytes) -> bytes:
    """Names that a careless unpacker would write elsewhere, and ones that no system can write."""
    names = [
        b"../../../../../../tmp/escaped.dcm",
        b"/tmp/escaped.dcm",
        b"C:\\escaped.dcm",
        b"..\\..\\escaped.dcm",
        b"a/../../escaped.dcm",
        b"\\\\server\\share\\escaped.dcm",
        b"CON",
        b"nul\x00.dcm",
        b"line\r\nbreak.dcm",
        b"\xff\xfe.dcm",
        b"x" * 5000,
        "\N{RIGHT-TO-LEFT OVERRIDE}mcd.exe".encode(),
        b"<script>alert(1)</script>.dcm",
        b"{{7*7}}${7*7}%s.dcm",
        b"",
        b".",
        b"..",
    ]
    crc = zlib.crc32(content)
    return raw_zip([Line(name, content, len(content), crc, method=0) for name in names])
