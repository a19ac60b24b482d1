"""The upload operations as openapi.json has them: their headers, and the two that no decorator describes."""

from __future__ import annotations

from typing import Any

from plastinate.web.operations import header, says, sends_headers
from plastinate.web.tus_headers import CHUNK_TYPE, VERSION

PIECE = {"content": {CHUNK_TYPE: {"schema": {"type": "string", "format": "binary"}}}}
SPOKEN = header("Tus-Resumable", "The version of tus.", is_required=True, enum=[VERSION])
STATE = {"Upload_Offset": "Bytes that are safe here.", "Upload_Expires": "When it is cleared."}

CREATED: Any = {
    "description": "Begun.",
    **sends_headers(Location="The upload's address.", **STATE),
}
APPENDED: Any = {"description": "The piece is on the disk.", **sends_headers(**STATE)}
EXPIRED = says("Expired.")
OTHER_VERSION = says("Another version of tus.")
END: Any = {204: says("Given up."), 412: OTHER_VERSION}
VERSION_ONLY: dict[str, Any] = {"parameters": [SPOKEN]}
CREATE: dict[str, Any] = {
    "parameters": [
        SPOKEN,
        header("Upload-Length", "Bytes in all.", is_required=True, pattern="^[0-9]{1,16}$"),
        header("Upload-Metadata", "`filename` and the file's name in base64."),
    ],
    "requestBody": PIECE,
}
APPEND: dict[str, Any] = {
    "parameters": [
        SPOKEN,
        header("Upload-Offset", "Where the piece begins.", is_required=True, pattern="^[0-9]{1,16}$"),
    ],
    "requestBody": {"required": True, **PIECE},
}
HEAD: dict[str, Any] = {
    "tags": ["Uploads"],
    "summary": "How much of an upload is here.",
    "operationId": "read_upload",
    "parameters": [
        {"name": "upload_id", "in": "path", "required": True, "schema": {"type": "string"}},
        SPOKEN,
    ],
    "responses": {
        "200": {
            "description": "What is here.",
            **sends_headers(Upload_Length="Bytes in all.", **STATE),
        },
        "410": EXPIRED,
        "412": OTHER_VERSION,
    },
}
OPTIONS: dict[str, Any] = {
    "tags": ["Uploads"],
    "summary": "What of tus is spoken here.",
    "operationId": "describe_uploads",
    "security": [],
    "responses": {
        "204": {
            "description": "Spoken here.",
            **sends_headers(
                Tus_Version="Versions.", Tus_Extension="Extensions.", Tus_Max_Size="Bytes at most."
            ),
        }
    },
}
# What APIFlask does not describe by itself: (path, method) -> operation.
ALSO: dict[tuple[str, str], dict[str, Any]] = {
    ("/api/uploads", "options"): OPTIONS,
    ("/api/uploads/{upload_id}", "head"): HEAD,
}
