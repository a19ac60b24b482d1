"""The application's routes -> openapi.json: what every operation may answer, and who may ask.

    python -m plastinate.web.openapi        writes the file anew

The file is kept with the sources, so that clients can be generated and a change
is seen; a test compares it with the routes.
"""

from __future__ import annotations

import copy
import json
import re
import tempfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask import Blueprint, Response

from plastinate.web.payloads_about import Problem
from plastinate.web.problems import MEDIA_TYPE
from plastinate.web.tus_operations import ALSO

FILE = Path(__file__).parent / "openapi.json"
# Whatever stands before a route can answer with these.
ALWAYS = (400, 401, 403, 404, 409, 413, 415, 422, 423, 429, 500, 503, 507)
SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": "plastinate"},
    "token": {"type": "http", "scheme": "bearer"},
}
DESCRIPTION = (
    "Everything the pages do, for scripts. Send `Authorization: Bearer pl_...` with a token of your account. "
    "A browser's session works too, and then unsafe methods need the page's token in X-CSRF-Token. "
    "Every error is a problem document (RFC 9457). Ids of other people's cases answer 404."
)
described = Blueprint("openapi_file", __name__)


@described.get("/openapi.json")
def openapi_file() -> Response:
    """The description of the API, as it is kept with the sources."""
    return Response(FILE.read_bytes(), mimetype="application/json")


METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


def openapi_of(app: APIFlask) -> dict[str, Any]:
    """The description of an application, OpenAPI 3.1."""
    with app.app_context():
        spec: dict[str, Any] = _with_short_names(json.dumps(app._get_spec("json", force_update=True)))
    spec["info"]["description"] = DESCRIPTION
    spec["servers"] = [{"url": "/"}]
    spec["security"] = [{"session": []}, {"token": []}]
    parts = spec.setdefault("components", {})
    parts["securitySchemes"] = SCHEMES
    parts["schemas"] = dict(sorted({**parts["schemas"], "Problem": Problem.model_json_schema()}.items()))
    paths: dict[str, Any] = spec["paths"]
    for (path, method), operation in ALSO.items():
        paths.setdefault(path, {})[method] = copy.deepcopy(operation)
    statuses: set[int] = set()
    for operations in paths.values():
        for method in METHODS:
            if method in operations:
                statuses |= _complete(operations[method])
    parts["responses"] = {f"Problem{status}": _problem(status) for status in sorted(statuses)}
    spec["paths"] = dict(sorted(paths.items()))
    return spec


def text_of(spec: dict[str, Any]) -> str:
    """The file's text: the same for the same routes."""
    return json.dumps(spec, indent=1, ensure_ascii=False) + "\n"


def write_openapi() -> None:
    """Write the file anew, from an application over an empty archive."""
    from plastinate.archive.archive import open_archive
    from plastinate.settings import Settings
    from plastinate.web.app import create_app

    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(Settings(home=Path(folder), store="memory:///"))
        try:
            FILE.write_text(text_of(openapi_of(create_app(archive))), encoding="utf-8")
        finally:
            archive.close()


def _with_short_names(text: str) -> Any:
    """Shapes inside shapes come as "Builds.Build"; every shape has one name, so "Build" will do."""
    spec = json.loads(re.sub(r'"#/components/schemas/\w+\.(\w+)"', r'"#/components/schemas/\1"', text))
    schemas = spec["components"]["schemas"]
    for name in [name for name in schemas if "." in name]:
        schemas[name.rpartition(".")[2]] = schemas.pop(name)
    for schema in schemas.values():
        schema.pop("$defs", None)
    return spec


def _complete(operation: dict[str, Any]) -> set[int]:
    """Add the answers that stand before every route; the statuses of all its problems."""
    responses = operation["responses"]
    problems = {*ALWAYS, *(int(status) for status in responses if int(status) >= HTTPStatus.BAD_REQUEST)}
    for status in problems:
        responses[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    operation["responses"] = dict(sorted(responses.items()))
    # "get_api_cases_read_case": the method and the blueprint say nothing that the function does not.
    operation["operationId"] = re.sub(r"^[a-z]+_api_[a-z]+_", "", operation["operationId"])
    if "application/json" in operation.get("requestBody", {}).get("content", {}):
        operation["requestBody"]["required"] = True
    return problems


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


if __name__ == "__main__":
    write_openapi()
