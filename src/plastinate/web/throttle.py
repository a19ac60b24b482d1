"""Failed sign-ins -> counted by account and by address, and refused beyond what a person would need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, request
from flask_limiter import Limiter, RequestLimit
from flask_limiter.util import get_remote_address

from plastinate.model.case_errors import TooManyRequests

if TYPE_CHECKING:
    from plastinate.settings import Settings

# Ten wrong passwords are a person who tries to remember; an address may be a whole school behind one router.
BY_ACCOUNT = "10 per 10 minutes"
BY_ADDRESS = "60 per 10 minutes"
GUARDED = (
    "security.login",
    "security.change_password",
    "api_tokens.sign_in",
    "api_tokens.accept_invitation",
    "welcome.accept",
)


def throttle_sign_in(app: Flask, settings: Settings) -> None:
    """Guard every view that takes a password. To be called when they are all registered."""

    def refuse(limit: RequestLimit) -> Response:
        del limit
        raise TooManyRequests

    limiter = Limiter(
        get_remote_address, app=app, storage_uri=settings.limiter, on_breach=refuse, headers_enabled=False
    )
    guards = [
        limiter.shared_limit(limit, scope=scope, key_func=key, methods=["POST"], deduct_when=_has_failed)
        for limit, scope, key in (
            (BY_ACCOUNT, "account", _account),
            (BY_ADDRESS, "address", get_remote_address),
        )
    ]
    for endpoint in GUARDED:
        view: Any = app.view_functions[endpoint]
        for guard in guards:
            view = guard(view)
        app.view_functions[endpoint] = view


def _account() -> str:
    """The account that a password was tried for, whatever its case; the address where none is named."""
    body: Any = request.get_json(silent=True) if request.is_json else request.form
    email = body.get("email") if isinstance(body, Mapping) else None
    return str(email or get_remote_address()).strip().lower()[:254]


def _has_failed(response: Response) -> bool:
    return response.status_code not in (201, 302, 303)
