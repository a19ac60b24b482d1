"""The headers of tus 1.0.0 -> what they say; what they say -> headers (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime

from flask import Request, Response
from werkzeug.exceptions import BadRequest, PreconditionFailed, UnsupportedMediaType
from werkzeug.http import http_date

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
CHUNK_TYPE = "application/offset+octet-stream"
NAME_LENGTH_MAX = 1000
METADATA_LENGTH_MAX = 16_000
# Larger numbers are not sizes; Python would take minutes to read a million digits.
DIGITS_MAX = 16


def require_version(request: Request) -> None:
    """Refuse a client that speaks another version, or none.

    Raises:
        PreconditionFailed: as the protocol wants it, with the version spoken here.
    """
    if request.headers.get("Tus-Resumable") != VERSION:
        raise PreconditionFailed(f"Send Tus-Resumable: {VERSION}.")


def require_chunk(request: Request) -> None:
    """Refuse bytes that do not come as a chunk of an upload.

    Raises:
        UnsupportedMediaType: they come as something else.
    """
    if request.mimetype != CHUNK_TYPE:
        raise UnsupportedMediaType(f"Send chunks as {CHUNK_TYPE}.")


def number_in(request: Request, name: str) -> int:
    """A header that must be a whole number from 0.

    Raises:
        BadRequest: it is missing, or is something else.
    """
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS_MAX):
        raise BadRequest(f"{name} must be a whole number.")
    return int(text)


def file_name_in(request: Request) -> str:
    """The file name in Upload-Metadata, as the person's machine had it; "" where there is none.

    Raises:
        BadRequest: it is not keys with values in base64.
    """
    header = request.headers.get("Upload-Metadata", "")
    if len(header) > METADATA_LENGTH_MAX:
        raise BadRequest("Upload-Metadata is too long.")
    values: dict[str, str] = {}
    for pair in header.split(","):
        key, _, coded = pair.strip().partition(" ")
        try:
            values[key] = base64.b64decode(coded.strip(), validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError) as error:
            raise BadRequest("Upload-Metadata must hold values in base64.") from error
    name = values.get("filename") or values.get("name") or ""
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")[:NAME_LENGTH_MAX]


def say(
    response: Response,
    *,
    offset: int | None = None,
    size: int | None = None,
    expires_at: datetime | None = None,
) -> Response:
    """Write the state of an upload into the headers of a response."""
    response.headers["Tus-Resumable"] = VERSION
    if offset is not None:
        response.headers["Upload-Offset"] = str(offset)
    if size is not None:
        response.headers["Upload-Length"] = str(size)
    if expires_at is not None:
        response.headers["Upload-Expires"] = http_date(expires_at)
    return response
