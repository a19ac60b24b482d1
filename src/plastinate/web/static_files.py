"""What is the same for everybody: scripts, styles, fonts and pictures; gzipped where it lies there so."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from flask import Flask, Response, request, send_from_directory


def send_static_gzipped(app: Flask) -> None:
    """Answer with NAME.gz where it lies beside NAME and the browser takes gzip (RFC 9110, 12.5.3 and 8.4).

    Nothing is packed while somebody waits, and nothing that holds a secret is packed at all.
    """

    def send(filename: str) -> Response:
        folder = Path(app.static_folder or "")
        packed = f"{filename}.gz"
        has_packed = not filename.endswith(".gz") and (folder / packed).is_file()
        if not has_packed:
            return app.send_static_file(filename)
        if request.accept_encodings.quality("gzip") <= 0:
            answer = app.send_static_file(filename)
        else:
            kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
            answer = send_from_directory(folder, packed, mimetype=kind)
            answer.content_encoding = "gzip"
        answer.vary.add("Accept-Encoding")
        return answer

    app.view_functions["static"] = send
