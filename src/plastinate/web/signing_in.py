"""An application -> the same with Flask-Security's pages: sign in, sign out, change the password.

Nobody registers: people come by an invitation (`web/welcome.py`).
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NoReturn

from flask import Flask, Response, after_this_request, request, session
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from flask_login import user_logged_out
from flask_security import Security, user_authenticated
from werkzeug.exceptions import NotFound

from plastinate.services.people import note_sign_in, somebody_is_here
from plastinate.services.sign_in import IDLE, end_session
from plastinate.web.actor import LINKS_KEY, current_actor
from plastinate.web.app_state import archive_of_app
from plastinate.web.languages import LOCALES
from plastinate.web.payloads_people import PASSWORD_LENGTH_MIN
from plastinate.web.person_store import SESSION_ID, PersonStore, SignedIn
from plastinate.web.secret_key import secret_key
from plastinate.web.sign_in_form import SignInForm

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive

SIGN_IN_URL = "/sign-in"
STATIC = "/static/"
# What its forms say on our pages, in our words: they are translated in `locales/*/flask_security.po`.
SAID = {
    "GENERIC_AUTHN_FAILED": ("The address or the password is not right.", "error"),
    "UNAUTHENTICATED": ("Please sign in first.", "error"),
    "REAUTHENTICATION_REQUIRED": ("Please sign in once more for that.", "error"),
    "DISABLED_ACCOUNT": ("This account is locked. An administrator can open it again.", "error"),
    "EMAIL_NOT_PROVIDED": ("The address is missing.", "error"),
    "PASSWORD_NOT_PROVIDED": ("The password is missing.", "error"),
    "PASSWORD_INVALID_LENGTH": ("A password has 10 to 128 characters.", "error"),
    "INVALID_PASSWORD": ("This is not your present password.", "error"),
    "RETYPE_PASSWORD_MISMATCH": ("The two passwords differ.", "error"),
    "PASSWORD_IS_THE_SAME": ("The new password is the same as the old one.", "error"),
    "PASSWORD_CHANGE": ("The password is changed.", "success"),
}


class Sessions(SecureCookieSessionInterface):
    """Sessions in a signed cookie that goes with pages and answers, never with files for everybody."""

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Send the cookie along. A cache between us and many people may keep files, so they carry none."""
        if not request.path.startswith(STATIC):
            super().save_session(app, session, response)


def add_sign_in(app: Flask, archive: Archive) -> None:
    """Sessions in a signed cookie, passwords as argon2id (64 MiB, 3 passes), and the pages for both."""
    is_tls = archive.settings.is_tls
    app.config.update(
        SECRET_KEY=secret_key(archive.settings),
        SESSION_COOKIE_NAME="__Host-plastinate" if is_tls else "plastinate",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=is_tls,
        PERMANENT_SESSION_LIFETIME=IDLE,
        SECURITY_LOGIN_URL=SIGN_IN_URL,
        SECURITY_LOGOUT_URL="/sign-out",
        SECURITY_CHANGE_URL="/change-password",
        SECURITY_POST_LOGIN_VIEW="/cases",
        SECURITY_POST_LOGOUT_VIEW=SIGN_IN_URL,
        SECURITY_POST_CHANGE_VIEW="/account",
        SECURITY_CHANGEABLE=True,
        SECURITY_SEND_PASSWORD_CHANGE_EMAIL=False,
        SECURITY_PASSWORD_LENGTH_MIN=PASSWORD_LENGTH_MIN,
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        # argon2 salts each hash by itself: no second secret beside it that could be lost.
        SECURITY_PASSWORD_SINGLE_HASH={"argon2"},
        # The same sentence for an unknown address and a wrong password.
        SECURITY_RETURN_GENERIC_RESPONSES=True,
        SECURITY_EMAIL_VALIDATOR_ARGS={"check_deliverability": False, "test_environment": True},
        SECURITY_API_ENABLED_METHODS=["session"],
        SECURITY_LOGOUT_CSRF=True,
        SECURITY_STATIC_FOLDER=None,
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
        SECURITY_CSRF_HEADER=None,
        **{f"SECURITY_MSG_{name}": words for name, words in SAID.items()},
        # Its own words first, then ours for the languages it leaves incomplete.
        SECURITY_I18N_DIRNAME=["builtin", str(LOCALES)],
        SECURITY_CACHE_CONTROL=None,
    )
    app.session_interface = Sessions()
    security = Security(app, PersonStore(archive), login_form=SignInForm)
    # Flask-Security's own tokens are not used, and looking for them would read the body of every upload.
    security.login_manager.request_loader(_no_other_way)
    app.view_functions["security.verify"] = _not_used
    # Files for everybody are sent without asking the archive who asks.
    security.principal.skip_static = True
    security.login_context_processor(_at_the_door)
    user_authenticated.connect(_begin_session, app)
    user_logged_out.connect(_end_session, app)


def _at_the_door() -> dict[str, Any]:
    """What the sign-in page says to whoever cannot know it: that nobody is here yet, or that a link ended."""
    return {
        "is_nobody_here": not somebody_is_here(archive_of_app()),
        "link_ended": bool(session.get(LINKS_KEY)) and not current_actor().link_case_ids,
    }


def _no_other_way(request: object) -> None:
    """A request without a session belongs to nobody here; API tokens are read in `web/actor.py`."""
    del request


def _not_used() -> NoReturn:
    """Signing in a second time, for pages that ask for it: there are none."""
    raise NotFound


def _begin_session(sender: Flask, *, user: SignedIn, **more: Any) -> None:
    """Leave nothing of what the browser held before, except the links it opened."""
    del sender, more
    kept = {"_user_id", "_fresh", "_id", "fs_paa", "fs_cc", LINKS_KEY}
    for name in [name for name in session if name not in kept]:
        session.pop(name)
    session[SESSION_ID] = secrets.token_hex(16)
    session.permanent = True
    note_sign_in(archive_of_app(), user.id)


def _end_session(sender: Flask, **more: Any) -> None:
    """Leave nothing: not here, not in the cookie, not in the browser's memory of what was looked at."""
    del sender, more
    session_id = session.get(SESSION_ID)
    session.clear()
    if session_id:
        end_session(archive_of_app(), session_id)

    @after_this_request
    def forget(response: Response) -> Response:
        response.headers["Clear-Site-Data"] = '"cache"'
        return response
