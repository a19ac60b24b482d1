"""Settings and an address flow in; a whole server runs on one machine until a signal stops it."""

from __future__ import annotations

import fcntl
import os
import socket
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from plastinate.model.case_errors import HomeTaken, SettingFlaw, UnsafeAddress
from plastinate.settings import Settings, home_flaw
from plastinate.web.listening import is_only_here, listen
from plastinate.web.supervisor import Part, supervise

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive

# Readable by this person only: the database, the key that signs sessions and the scans lie there.
PRIVATE = 0o700
PEM = "Give the certificate with its chain and its key as PEM files that the server may read."


@dataclass(frozen=True)
class Address:
    """Where the server listens, and with which certificate.

    Attributes:
        host: name or address; port: 0 for any that is free.
        is_public: others may reach it; then it wants TLS, its own or a proxy's.
        certificate, key: PEM files of its own TLS.
    """

    host: str
    port: int
    is_public: bool = False
    certificate: Path | None = None
    key: Path | None = None


def require_safe(address: Address, settings: Settings) -> None:
    """Refuse to send passwords and scans over a network in the clear.

    Raises:
        UnsafeAddress: others could reach the server, and nobody takes care of TLS.
        SettingFlaw: the certificate and the key do not make a pair that can be used.
    """
    if address.certificate or address.key:
        _require_pair(address)
    if not address.is_public:
        if not is_only_here(address.host):
            raise UnsafeAddress(f"--host {address.host} can be reached by others, and --public is not given")
        return
    if address.certificate:
        return
    if not settings.proxies:
        raise UnsafeAddress("it has no certificate, and no reverse proxy is stated")
    if not settings.is_tls:
        raise UnsafeAddress("a reverse proxy is stated, and the address people use does not begin with https")


def run_server(
    settings: Settings,
    address: Address,
    *,
    prepare: Callable[[Archive], None],
    on_ready: Callable[[str, str | None], None],
) -> None:
    """Serve until a signal raises in here.

    Args:
        settings: of the archive, the engine and the web.
        address: where to listen.
        prepare: called with the archive, before anyone can come.
        on_ready: called with the address people use, and with the one-time link while there is nobody.

    Raises:
        UnsafeAddress: see `require_safe`.
        CannotListen: the address cannot be had.
        SettingFlaw: the home cannot be had.
        HomeTaken: another server runs on this archive.
        ServerEnded: a process of the server does not stay alive.
    """
    require_safe(address, settings)
    # Where the home was there before, and open to others: what is made in it is for its owner only.
    os.umask(0o077)
    with _holding(settings.home), closing(listen(address.host, address.port)) as listening:
        settings = replace(settings, public_url=_public_url(settings, address, listening))
        url = settings.public_url or _url("http", address.host, listening)
        link = _first_steps(settings, url, prepare)
        ready, tells = os.pipe()
        try:
            supervise(
                [_web(address, listening, tells), _dispatcher()],
                environment={**os.environ, **settings.environment()},
                ready=ready,
                on_ready=lambda: on_ready(url, link),
            )
        finally:
            os.close(ready)
            os.close(tells)


def _web(address: Address, listening: socket.socket, tells: int) -> Part:
    command = _module("plastinate.web.server")
    command += ["--socket", str(listening.fileno()), "--ready", str(tells), "--parent", str(os.getpid())]
    if address.certificate and address.key:
        command += ["--certificate", str(address.certificate), "--key", str(address.key)]
    return Part("web server", command, keep=(listening.fileno(), tells))


def _dispatcher() -> Part:
    return Part("dispatcher", [*_module("plastinate.engine.dispatch"), "--parent", str(os.getpid())])


def _module(name: str) -> list[str]:
    # -P: what lies in the folder where someone happens to stand is not imported.
    return [sys.executable, "-P", "-m", name]


def _first_steps(settings: Settings, url: str, prepare: Callable[[Archive], None]) -> str | None:
    from plastinate.archive.archive import open_archive
    from plastinate.services.people import first_invitation

    archive = open_archive(settings)
    try:
        prepare(archive)
        token = first_invitation(archive)
    finally:
        archive.close()
    return None if token is None else f"{url}/welcome/{token}"


def _public_url(settings: Settings, address: Address, listening: socket.socket) -> str:
    """The address people use; it also decides whether cookies are kept to TLS."""
    if settings.public_url or not address.certificate:
        return settings.public_url.rstrip("/")
    host = address.host if is_only_here(address.host) else socket.getfqdn()
    return _url("https", host, listening)


def _url(scheme: str, host: str, listening: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{listening.getsockname()[1]}"


def _require_pair(address: Address) -> None:
    if not (address.certificate and address.key):
        raise SettingFlaw("--certificate and --key", "one is of no use without the other", hint=PEM)
    for option, path in (("--certificate", address.certificate), ("--key", address.key)):
        try:
            path.open("rb").close()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise SettingFlaw(f"{option} {path}", f"it cannot be read ({reason})", hint=PEM) from error
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(address.certificate, address.key)
    except (OSError, ValueError) as error:
        named = f"--certificate {address.certificate} and --key {address.key}"
        flaw = str(getattr(error, "reason", None) or error).lower().replace("_", " ")
        raise SettingFlaw(named, f"they are no pair that can be used ({flaw})", hint=PEM) from error


@contextmanager
def _holding(home: Path) -> Iterator[None]:
    """One server for one archive: two would do all work twice and throw half of it away."""
    try:
        home.mkdir(mode=PRIVATE, parents=True, exist_ok=True)
        holding = (home / "server.lock").open("w")
    except OSError as error:
        raise home_flaw(home, error) from error
    with holding as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HomeTaken(str(home)) from error
        yield
