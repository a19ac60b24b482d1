"""A response -> the same with the headers that tell browsers what it may do."""

from __future__ import annotations

from flask import Flask, Response, request

CONTENT_POLICY = "; ".join(
    (
        "default-src 'none'",
        # The decoder of compressed meshes is WebAssembly.
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "font-src 'self'",
        "manifest-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "object-src 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "xr-spatial-tracking=(self), camera=(), microphone=(), geolocation=()",
}
YEAR_S = 365 * 24 * 3600
STATIC = "/static/"
# Names of built assets carry a hash of what is in them.
BUILT = "/static/built/assets/"


def add_security_headers(app: Flask, *, is_tls: bool) -> None:
    """Send the headers with every response of the application, errors included."""

    def send(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if is_tls:
            response.headers["Strict-Transport-Security"] = f"max-age={2 * YEAR_S}"
        if request.path.startswith(BUILT) and response.status_code < 400:
            response.headers["Cache-Control"] = f"public, max-age={YEAR_S}, immutable"
        elif not request.path.startswith(STATIC):
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    app.after_request(send)
