"""The Host of a request -> let through or refused: a name that is not ours may be another site's."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix

from plastinate.settings import Settings

# Whoever watches over the server asks it by whatever address they have.
ASKED_BY_WATCHERS = "/api/health"


def accept_own_hosts_only(app: Flask, settings: Settings) -> None:
    """Refuse names that are not this server's, and believe forwarded headers of stated proxies only.

    With a public address that is its name. Without one, the server serves its own machine or network:
    any literal address, `localhost` and the machine's name. A page of another site that had its name
    point here (DNS rebinding) is refused, because it sends its own name.
    """
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count, x_prefix=0
        )
    if settings.public_url:
        names = frozenset({(urlsplit(settings.public_url).hostname or "").lower()})
    else:
        names = frozenset({"localhost", socket.gethostname().lower(), socket.getfqdn().lower()})

    def check() -> None:
        if request.path == ASKED_BY_WATCHERS:
            return
        name = _name(request.host)
        if name not in names and (settings.public_url or not _is_address(name)):
            raise BadRequest("The Host of the request is not this server's.")

    app.before_request(check)


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower().rstrip(".")
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
