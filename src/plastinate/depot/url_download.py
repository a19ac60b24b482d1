"""A URL flows in, a file of the pinned size comes out: gone on with where an earlier try was cut off.

The standard library's own opener is used, so `https_proxy`, `no_proxy` and `SSL_CERT_FILE` mean what they
mean elsewhere.
"""

from __future__ import annotations

import base64
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plastinate.depot.patience import Patience, TooSlow
from plastinate.depot.watched_line import WatchedHttp, WatchedHttps
from plastinate.model.errors import DownloadFailed

BLOCK_BYTES = 1 << 18
SILENCE_SECONDS = 60
PAUSE_S = 0.5
DIGITS_MAX = 18

Told = Callable[[int, int], None]


class _NoOtherSchemes(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to https; to http only from http: what began safe stays so."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """The request to go on with.

        Raises:
            HTTPError: the server points from https to something else.
        """
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.HTTPError(newurl, code, "it points away from https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def url_download(url: str, part: Path, *, size_bytes: int, progress: Told) -> None:
    """Fetch a URL into `part`, going on behind the bytes that are there.

    Args:
        url: https:// or http://.
        part: kept when the fetch is cut off, so that the next one can go on.
        size_bytes: no more than so much is ever written; 0 where it is not known.
        progress: told (bytes so far, bytes in all).

    Raises:
        DownloadFailed: the server does not give it, or too slowly.
        OSError: the disk refuses, or is full.
    """
    patience = Patience(done_bytes=_size(part))

    def told(done: int, total: int) -> None:
        patience.reached(done)
        progress(done, total)

    while True:
        try:
            _go_on(url, part, size_bytes=size_bytes, progress=told)
            return
        except TooSlow as slow:
            raise DownloadFailed(without_password(url), str(slow)) from slow
        except (TimeoutError, http.client.HTTPException, ConnectionError) as cut:
            if not patience.try_again():
                raise DownloadFailed(without_password(url), _reason(cut)) from cut
            time.sleep(PAUSE_S)


def _go_on(url: str, part: Path, *, size_bytes: int, progress: Told) -> None:
    done = _size(part)
    if size_bytes and done >= size_bytes:
        return
    with _open(url, begin_at=done) as answer:
        # A server that knows no ranges sends all of it again.
        goes_on = answer.status == http.client.PARTIAL_CONTENT and _begins_at(answer) == done
        done = done if goes_on else 0
        total = size_bytes or done + max(0, _whole(answer.headers.get("Content-Length")))
        with part.open("ab" if goes_on else "wb") as sink:
            while block := _read(answer):
                done += len(block)
                if size_bytes and done > size_bytes:
                    raise DownloadFailed(
                        without_password(url), f"it is larger than the pinned {size_bytes:,} bytes"
                    )
                sink.write(block)
                progress(done, total)
    if size_bytes and done < size_bytes:
        raise http.client.IncompleteRead(b"", size_bytes - done)


def _open(url: str, *, begin_at: int) -> Any:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("https", "http"):
        raise DownloadFailed(without_password(url), "only https:// and http:// are fetched")
    bare = urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    request = urllib.request.Request(bare)  # noqa: S310 - its scheme has been looked at
    request.add_header("User-Agent", "plastinate")
    request.add_header("Accept-Encoding", "identity")
    if begin_at:
        request.add_header("Range", f"bytes={begin_at}-")
    if parts.username:
        # To this server only: whoever it points to gets no password.
        named = f"{urllib.parse.unquote(parts.username)}:{urllib.parse.unquote(parts.password or '')}"
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(named.encode()).decode()}")
    opener = urllib.request.build_opener(_NoOtherSchemes, WatchedHttp, WatchedHttps)
    try:
        return opener.open(request, timeout=SILENCE_SECONDS)
    except urllib.error.HTTPError as error:
        raise DownloadFailed(
            without_password(url), f"the server answers {error.code} ({error.reason})"
        ) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError | ConnectionResetError):
            raise error.reason from error
        raise DownloadFailed(without_password(url), _reason(error.reason)) from error


def _read(answer: Any) -> bytes:
    """The next bytes; a fault of the network is told apart from one of the disk."""
    try:
        block: bytes = answer.read1(BLOCK_BYTES)
    except TimeoutError:
        raise
    except OSError as error:
        raise ConnectionError(error.strerror or str(error)) from error
    return block


def _begins_at(answer: Any) -> int:
    words = (answer.headers.get("Content-Range") or "").removeprefix("bytes ").partition("-")[0]
    return _whole(words)


def _whole(words: str | None) -> int:
    """A number of bytes in a header; -1 where it is none: a superscript two is a digit as well."""
    is_number = words is not None and words.isascii() and words.isdecimal() and len(words) <= DIGITS_MAX
    return int(words) if words is not None and is_number else -1


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def without_password(url: str) -> str:
    """A URL as it may be shown: without whatever could let somebody in."""
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}{parts.path}"


def _reason(error: object) -> str:
    if isinstance(error, http.client.IncompleteRead):
        return "the connection ends before the file does"
    if isinstance(error, TimeoutError):
        return f"nothing came for {SILENCE_SECONDS} seconds"
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (words or type(error).__name__).rstrip(".")
