"""Pieces of the API's description that several routes share: downloads, ETags, headers, open doors."""

from __future__ import annotations

from typing import Any

from plastinate.web.downloads import MEDIA_TYPES, OTHER

# For `@blueprint.doc(extensions=...)`, whose values go into the operation as they are.
FOR_EVERYBODY: dict[str, Any] = {"security": []}


def header(name: str, description: str, *, is_required: bool = False, **schema: Any) -> dict[str, Any]:
    """A header of a request, as the description has it."""
    return {
        "name": name,
        "in": "header",
        "required": is_required,
        "description": description,
        "schema": {"type": "string", **schema},
    }


def says(description: str) -> Any:
    """An answer without a body of its own, for `@blueprint.doc(responses=...)`."""
    return {"description": description}


def sends(*media_types: str) -> Any:
    """An answer of bytes, for `@blueprint.doc(responses=...)`."""
    schema = {"type": "string", "format": "binary"}
    return {"description": "The bytes.", "content": {each: {"schema": schema} for each in media_types}}


def sends_events(media_type: str) -> Any:
    """An answer of server-sent events with JSON in them, for `@blueprint.doc(responses=...)`."""
    event = {
        "type": "object",
        "properties": {
            "event": {"type": "string"},
            "data": {"type": "string", "contentMediaType": "application/json"},
        },
    }
    return {"description": "A stream of events.", "content": {media_type: {"schema": event}}}


def sends_headers(**headers: str) -> Any:
    """The headers of an answer with what they tell, for `@blueprint.doc(responses=...)`."""
    return {
        "headers": {
            name.replace("_", "-"): {"description": description, "schema": {"type": "string"}}
            for name, description in headers.items()
        }
    }


VERSIONED: Any = {200: sends_headers(ETag="The version of the case; send it in If-Match.")}
VERSIONED_MEASUREMENTS: Any = {
    200: sends_headers(ETag="The version of the measurements; send it in If-Match.")
}
REPLACED_MEASUREMENTS: Any = {**VERSIONED_MEASUREMENTS, 428: says("If-Match is missing.")}
IF_MATCH = {
    "parameters": [header("If-Match", "The ETag of the version that the change is meant for.")],
}
IF_MATCH_NEEDED = {
    "parameters": [
        header(
            "If-Match",
            "The ETag of the version that is replaced; `*` replaces any. It may be left out while there is "
            "nothing to lose.",
        )
    ],
}
STORED: Any = {
    200: sends(*sorted({*MEDIA_TYPES.values(), OTHER})),
    206: sends(*sorted({*MEDIA_TYPES.values(), OTHER})),
    304: says("Not modified."),
    416: says("Range not satisfiable."),
}
RANGE = {
    "parameters": [
        header("Range", "The part that is wanted, as `bytes=0-1023`."),
        header("If-None-Match", "The ETag of what you have."),
    ],
}
