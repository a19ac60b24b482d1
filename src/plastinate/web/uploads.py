"""Resumable uploads (tus 1.0.0): bytes flow from the connection to the file, and nothing holds them between.

POST creates ─► PATCH appends, again and again ─► a case is made of its id
HEAD says how much is here: exactly what was acknowledged, and is on the disk
"""

from __future__ import annotations

from collections.abc import Iterator

from apiflask import APIBlueprint
from flask import Response, request, url_for
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from plastinate.model.case_errors import UploadTooLarge
from plastinate.services import uploads as service
from plastinate.web import tus_headers as tus
from plastinate.web import tus_operations as described
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app

uploads = APIBlueprint("api_uploads", __name__, url_prefix="/api/uploads", tag="Uploads")

BLOCK_BYTES = 1 << 18
# A browser that changed its network leaves a connection behind that never ends; as long as it is read, the
# upload is locked against the browser's next try.
SILENCE_S = 20


@uploads.route("", methods=["OPTIONS"], provide_automatic_options=False)
@uploads.route("/<upload_id>", methods=["OPTIONS"], provide_automatic_options=False)
@uploads.doc(hide=True)
def describe_uploads(upload_id: str = "") -> Response:
    """What of tus is spoken here."""
    del upload_id
    response = tus.say(Response(status=204))
    response.headers["Tus-Version"] = tus.VERSION
    response.headers["Tus-Extension"] = tus.EXTENSIONS
    response.headers["Tus-Max-Size"] = str(archive_of_app().settings.upload_bytes)
    return response


@uploads.post("")
@uploads.doc(responses={201: described.CREATED, 412: described.OTHER_VERSION}, extensions=described.CREATE)
def begin_upload() -> Response:
    """Begin an upload of a stated size; a first piece may come along."""
    tus.require_version(request)
    size = tus.number_in(request, "Upload-Length")
    name = tus.file_name_in(request)
    has_piece = bool(request.content_length) or "Transfer-Encoding" in request.headers
    if has_piece:
        tus.require_chunk(request)
    archive, actor = archive_of_app(), current_actor()
    state = service.begin_upload(archive, actor, name=name, size=size)
    if has_piece:
        state = service.append(archive, actor, state.id, offset=0, chunks=_piece(size))
    response = tus.say(Response(status=201), offset=state.offset, expires_at=state.expires_at)
    response.headers["Location"] = url_for("api_uploads.append_to_upload", upload_id=state.id)
    return response


@uploads.route("/<upload_id>", methods=["HEAD"])
@uploads.doc(hide=True)
def read_upload(upload_id: str) -> Response:
    """How much of an upload is here."""
    tus.require_version(request)
    state = service.upload_state(archive_of_app(), current_actor(), upload_id)
    response = Response(status=200, headers={"Cache-Control": "no-store"})
    return tus.say(response, offset=state.offset, size=state.size, expires_at=state.expires_at)


@uploads.patch("/<upload_id>")
@uploads.doc(
    responses={204: described.APPENDED, 410: described.EXPIRED, 412: described.OTHER_VERSION},
    extensions=described.APPEND,
)
def append_to_upload(upload_id: str) -> Response:
    """Append a piece where the upload ends. When this answers, the piece is on the disk."""
    tus.require_version(request)
    tus.require_chunk(request)
    offset = tus.number_in(request, "Upload-Offset")
    archive, actor = archive_of_app(), current_actor()
    known = service.upload_state(archive, actor, upload_id)
    state = service.append(
        archive, actor, upload_id, offset=offset, chunks=_piece(max(known.size - offset, 0))
    )
    return tus.say(Response(status=204), offset=state.offset, expires_at=state.expires_at)


@uploads.delete("/<upload_id>")
@uploads.doc(responses=described.END, extensions=described.VERSION_ONLY)
def end_upload(upload_id: str) -> Response:
    """Give up an upload, and let the server forget what it has of it."""
    tus.require_version(request)
    service.end_upload(archive_of_app(), current_actor(), upload_id)
    return tus.say(Response(status=204))


def _piece(room: int) -> Iterator[bytes]:
    """The body in blocks, as it arrives; refused before its first byte when it says that it is too long.

    A connection that breaks off in the middle, or falls silent, ends the piece: what has arrived is kept but
    for a part of the last block, and the client asks how much that is.
    """
    if (request.content_length or 0) > room:
        raise UploadTooLarge(request.content_length or 0, room)
    # One byte more than there is room for, so that a body of unknown length is seen to be too long.
    request.max_content_length = room + 1
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SILENCE_S)
    try:
        while block := request.stream.read(BLOCK_BYTES):
            yield block
    except RequestEntityTooLarge as error:
        raise UploadTooLarge(room + 1, room) from error
    except (ClientDisconnected, OSError):
        return
    finally:
        if connection is not None:
            connection.settimeout(None)
