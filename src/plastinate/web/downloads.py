"""A stored file -> a response: whole or a range, under its own name, never run on our origin."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response, request
from werkzeug.datastructures import ContentRange
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import is_resource_modified, parse_range_header

from plastinate.services.zip_stream import ZipEntry, stream_zip, zip_length

if TYPE_CHECKING:
    from plastinate.archive.files import FileStore

MEDIA_TYPES = {
    ".glb": "model/gltf-binary",
    ".stl": "model/stl",
    ".obj": "model/obj",
    ".mtl": "model/mtl",
    ".3mf": "model/3mf",
    # Without it no phone opens one in the room.
    ".usdz": "model/vnd.usdz+zip",
    ".jpg": "image/jpeg",
    ".dcm": "application/dicom",
    ".json": "application/json",
    ".gz": "application/gzip",
    ".png": "image/png",
}
OTHER = "application/octet-stream"
# Whatever a file contains: opened by itself it runs nothing and loads nothing.
SANDBOX = "default-src 'none'; sandbox"
# RFC 8187: what may stand unescaped in an extended value.
ATTR_CHARS = "!#$&+-.^_`|~"
# Control letters, what parts folders, and marks that turn the text after them round.
MISLEADING = re.compile(r"[\x00-\x1f\x7f/\\\u200e\u200f\u202a-\u202e\u2066-\u2069]")
FALLBACK = re.compile(r"[^A-Za-z0-9 !#$&+.^_`{}~()\[\]@,=-]")


def content_disposition(name: str, *, is_inline: bool = False) -> str:
    r"""The header for a file name (RFC 6266): plain ASCII for old readers, the true name for the others.

    No letter of the name can end the header: what is not plain is replaced or percent-encoded. What would
    lead into another folder, or show the name turned round, is replaced in both.

    >>> content_disposition('lung-left.stl')
    'attachment; filename="lung-left.stl"'
    >>> content_disposition('ü".stl')
    'attachment; filename="__.stl"; filename*=UTF-8\'\'%C3%BC%22.stl'
    """
    kind = "inline" if is_inline else "attachment"
    name = MISLEADING.sub("_", name)
    plain = FALLBACK.sub("_", name)
    header = f'{kind}; filename="{plain}"'
    if plain != name:
        encoded = quote(name.encode("utf-8", "replace"), safe=ATTR_CHARS)
        header += f"; filename*=UTF-8''{encoded}"
    return header


def send_stored(files: FileStore, sha256: str, *, size: int, name: str, is_inline: bool = False) -> Response:
    """A stored file, or the range of it that is asked for. Its content is its ETag.

    Args:
        files: where it lies.
        sha256: which one.
        size: bytes.
        name: relative name with forward slashes; the last part is offered to the person.
        is_inline: shown in place; only for pictures that we made ourselves.
    """
    headers = {
        "Content-Disposition": content_disposition(PurePosixPath(name).name, is_inline=is_inline),
        "Accept-Ranges": "bytes",
        # Kept by the browser, and asked for again each time: whoever sits there next may not see it.
        "Cache-Control": "private, no-cache",
        "Content-Security-Policy": SANDBOX,
    }
    media_type = MEDIA_TYPES.get(PurePosixPath(name).suffix.lower(), OTHER)
    if not is_resource_modified(request.environ, etag=sha256):
        response = Response(status=304, headers=headers)
        response.set_etag(sha256)
        return response
    asked = _range_asked(size, sha256)
    start, end = asked or (0, size)
    body: Iterable[bytes] = () if request.method == "HEAD" else files.open_range(sha256, start, end)
    response = Response(body, mimetype=media_type, headers=headers)
    response.content_length = end - start
    response.set_etag(sha256)
    if asked is not None:
        response.status_code = 206
        response.content_range = ContentRange("bytes", start, end, size)
    return response


def send_zip(entries: Sequence[ZipEntry], *, name: str) -> Response:
    """Several files as one zip that is made while it is sent; its length is known all the same."""
    body: Iterable[bytes] = () if request.method == "HEAD" else stream_zip(entries)
    response = Response(body, mimetype="application/zip")
    response.content_length = zip_length(entries)
    response.headers["Content-Disposition"] = content_disposition(name)
    response.headers["Content-Security-Policy"] = SANDBOX
    return response


def _range_asked(size: int, sha256: str) -> tuple[int, int] | None:
    """Start and end (exclusive). Several ranges, other units and an outdated If-Range mean all of it."""
    condition = request.headers.get("If-Range")
    if condition is not None and condition.strip().strip('"') != sha256:
        return None
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    first, _ = asked.ranges[0]
    if size and first < -size:  # the last N bytes of fewer than N: all of them (RFC 9110, 14.1.2)
        return 0, size
    found = asked.range_for_length(size)
    if found is None:
        raise RequestedRangeNotSatisfiable(length=size)
    return found
