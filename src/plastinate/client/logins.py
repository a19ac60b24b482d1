"""Which servers this person has signed in to, and the token for each: a file that only they can read."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
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


def remember(server: Server) -> Path:
    """Keep a token, and make its server the one that commands talk to when none is named.

    Raises:
        CannotWrite: the configuration folder refuses.
    """
    _, tokens = _read()
    kept = {"last": server.url, "tokens": {**tokens, server.url: server.token}}
    return write_private(config_folder() / FILE, json.dumps(kept, indent=2))


def signed_in(url: str | None = None) -> Server:
    """The server of that address with the token kept for it; without an address the last one.

    Raises:
        SignInNeeded: nobody has signed in there.
    """
    named = url or os.environ.get(URL_VARIABLE)
    token = os.environ.get(TOKEN_VARIABLE)
    if named and token:
        return server_at(named, token)
    last, tokens = _read()
    chosen = server_at(named).url if named else last
    if not chosen:
        raise SignInNeeded("Say where first: plastinate login URL")
    if chosen not in tokens:
        raise SignInNeeded(f"There is no token for {chosen}: plastinate login {chosen}")
    return server_at(chosen, tokens[chosen])


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


def _read() -> tuple[str, dict[str, str]]:
    """The server signed in to last, and the token for each server."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((config_folder() / FILE).read_text(encoding="utf-8"))
        if isinstance(found, dict) and isinstance(found.get("tokens"), dict):
            tokens = {str(url): str(token) for url, token in found["tokens"].items()}
            return str(found.get("last", "")), tokens
    return "", {}
