"""Which servers this person has signed in to, and the token for each: a file that only they can read."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from plastinate.client.connection import Server, server_at
from plastinate.model.case_errors import SignInNeeded
from plastinate.model.errors import CannotWrite

FILE = "servers.json"
# For scripts, where nobody signs in: both have to be there.
URL_VARIABLE, TOKEN_VARIABLE = "PLASTINATE_SERVER", "PLASTINATE_TOKEN"


def config_folder() -> Path:
    """The XDG configuration folder of Plastinate."""
    base = os.environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "plastinate"


@dataclass
class _Kept:
    """What lies in the file.

    Attributes:
        last: the server signed in to last.
        tokens: by the server's address.
        given: of which servers the token was brought by its person, and may be in use elsewhere.
    """

    last: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)

    def write(self) -> Path:
        whole = {"last": self.last, "tokens": self.tokens, "given": sorted(self.given)}
        return write_private(config_folder() / FILE, json.dumps(whole, indent=2))


def remember(server: Server, *, is_given: bool = False) -> Path:
    """Keep a token, and make its server the one that commands talk to when none is named.

    Args:
        server: with its token.
        is_given: the token was not made for this machine.

    Raises:
        CannotWrite: the configuration folder refuses.
    """
    kept = _read()
    kept.last, kept.tokens[server.url] = server.url, server.token
    (kept.given.add if is_given else kept.given.discard)(server.url)
    return kept.write()


def kept_for(url: str | None = None) -> tuple[Server, bool]:
    """The server of that address (without one, the last) with its token, and whether the token was given.

    Raises:
        SignInNeeded: nobody has signed in there.
    """
    kept = _read()
    chosen = server_at(url).url if url else kept.last
    if not chosen:
        raise _no_token("Nobody is signed in to any server from here")
    if chosen not in kept.tokens:
        raise _no_token(f"There is no token for {chosen}")
    return server_at(chosen, kept.tokens[chosen]), chosen in kept.given


def forget(url: str) -> None:
    """Keep the token of a server no longer.

    Raises:
        CannotWrite: the configuration folder refuses.
    """
    kept = _read()
    kept.tokens.pop(url, None)
    kept.given.discard(url)
    # None, rather than another: nobody should send a scan to a server that they did not mean.
    kept.last = "" if kept.last == url else kept.last
    kept.write()


def signed_in(url: str | None = None) -> Server:
    """The server of that address with the token kept for it; without an address the last one.

    Raises:
        SignInNeeded: nobody has signed in there.
    """
    named = url or os.environ.get(URL_VARIABLE)
    token = os.environ.get(TOKEN_VARIABLE)
    if named and token:
        return server_at(named, token)
    kept = _read()
    chosen = server_at(named).url if named else kept.last
    if not chosen:
        raise _no_token("No server is named, and nobody is signed in to any from here")
    if chosen not in kept.tokens:
        raise _no_token(f"There is no token for {chosen}", url=chosen)
    return server_at(chosen, kept.tokens[chosen])


def write_private(path: Path, text: str) -> Path:
    """Write a small file whole, readable by this person only.

    Raises:
        CannotWrite: the disk refuses.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise CannotWrite(str(path), (error.strerror or str(error)).lower()) from error
    return path


def _no_token(reason: str, *, url: str = "URL") -> SignInNeeded:
    error = SignInNeeded(reason)
    error.hint = f"Run `plastinate login {url}`, or set {URL_VARIABLE} and {TOKEN_VARIABLE}."
    return error


def _read() -> _Kept:
    """What is kept; nothing where the file is not there or is damaged."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((config_folder() / FILE).read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("tokens"), dict):
            tokens = {str(url): str(token) for url, token in found["tokens"].items()}
            given = found.get("given")
            return _Kept(
                str(found.get("last", "")), tokens, set(map(str, given)) if isinstance(given, list) else set()
            )
    return _Kept()
