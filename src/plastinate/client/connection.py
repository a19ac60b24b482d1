"""A question for a server flows in, its answer comes out, or the server's own words about why not.

The standard library only. Redirects are not followed: a token is for one server.
"""

from __future__ import annotations

import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from plastinate import __version__
from plastinate.client.answers import NOT_OURS, said
from plastinate.model.case_errors import RequestFlaw, ServerRefused, ServerUnreachable, UnsafeAddress

TIMEOUT_S = 60.0
# An answer in JSON is read whole; a server that sends more than this is not one of ours.
LONGEST_ANSWER_BYTES = 64 << 20


@dataclass(frozen=True)
class Answer:
    """What came back: status, headers by lower-case name, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        """The body as JSON; None where there is none."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Server:
    """A server and the right to speak to it.

    Attributes:
        url: without a slash at the end.
        token: an API token; "" before there is one.
    """

    url: str
    token: str = ""

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON (or nothing) and take JSON (or nothing).

        Raises:
            ServerRefused: the server said no, and why.
            ServerUnreachable: it does not answer, or what answers is not Plastinate.
        """
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        answer = self.send(method, path, data, headers=headers)
        try:
            return answer.data
        except (ValueError, RecursionError) as error:
            raise ServerUnreachable(self.url, NOT_OURS) from error

    def send(
        self, method: str, path: str, data: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send bytes and take an answer whole. Raises as `ask` does."""
        with self.open(method, path, data, headers=headers) as response:
            body = response.read(LONGEST_ANSWER_BYTES + 1)
            if len(body) > LONGEST_ANSWER_BYTES:
                raise ServerUnreachable(self.url, "its answer does not end")
            names = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, names, body)

    @contextmanager
    def open(
        self, method: str, path: str, data: bytes | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send bytes and read the answer as it comes. Raises as `ask` does, while it is read too."""
        if not (path.startswith("/") and path.isascii()):
            # Anything else could end the host's name elsewhere: the token is for this server alone.
            raise ServerUnreachable(self.url, NOT_OURS)
        wanted = {"User-Agent": f"plastinate/{__version__}", **(headers or {})}
        if self.token:
            wanted["Authorization"] = f"Bearer {self.token}"
        request = urllib.request.Request(  # noqa: S310 (the scheme is checked where a server is named)
            self.url + path, data=data, method=method, headers=wanted
        )
        try:
            with _opener().open(request, timeout=TIMEOUT_S) as response:
                yield response
        except urllib.error.HTTPError as refusal:
            raise _refused(refusal) from refusal
        except (OSError, http.client.HTTPException) as error:
            raise ServerUnreachable(self.url, _reason(error)) from error


def server_at(url: str, token: str = "") -> Server:
    """The server at an address as people write it.

    >>> server_at("localhost:8000/cases/").url
    'http://localhost:8000'

    Raises:
        RequestFlaw: that is not the address of a server.
        UnsafeAddress: the token and the scans would cross a network in the clear.
    """
    whole = url.strip() if "://" in url else f"{'http' if _is_here(url) else 'https'}://{url.strip()}"
    try:
        parts = urllib.parse.urlsplit(whole)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RequestFlaw(f"{url} is not an address: {error}", where="url") from error
    if parts.scheme not in ("http", "https") or not host:
        raise RequestFlaw(f"{url} is not the address of a server", where="url")
    if parts.scheme == "http" and not _is_here(host):
        raise UnsafeAddress(f"{whole} is not https", hint="Use the server's https address.")
    shown = f"[{host}]" if ":" in host else host
    return Server(f"{parts.scheme}://{shown}{f':{port}' if port else ''}", token)


def _is_here(host: str) -> bool:
    name = host.split("/")[0]
    return name.split(":")[0] in ("localhost", "127.0.0.1") or name.startswith(("[::1]", "::1"))


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirect)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *about: Any) -> None:
        del about


def _refused(refusal: urllib.error.HTTPError) -> ServerRefused:
    try:
        told = json.loads(refusal.read(1 << 20))
        detail, code, hint = (told[name] for name in ("detail", "code", "hint"))
        if not all(isinstance(each, str) for each in (detail, code, hint)):
            raise TypeError
        return ServerRefused(said(detail), code=said(code), hint=said(hint), status=refusal.code)
    except (ValueError, KeyError, TypeError, RecursionError, OSError, http.client.HTTPException):
        return ServerRefused(
            f"The server answers {refusal.code} {said(refusal.reason)}.".replace(" .", "."),
            status=refusal.code,
        )


def _reason(error: Exception) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({cause.verify_message})"
    if isinstance(cause, TimeoutError):
        return "it takes too long"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return str(cause) or type(cause).__name__
