"""The archive -> the web application: guards around every request, then the API's and the pages' routes.

request ─► host ─► body ─► CSRF ─► who asks ─► route ─► service
│
response ◄─ security headers ◄─ problem or answer ┘
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from apiflask import APIFlask

from plastinate import __version__
from plastinate.web.app_state import EXTENSION, AppState
from plastinate.web.bodies import accept_fitting_bodies_only
from plastinate.web.csrf import protect_from_other_sites
from plastinate.web.hosts import accept_own_hosts_only
from plastinate.web.problems import answer_with_problems
from plastinate.web.security_headers import add_security_headers
from plastinate.web.signing_in import add_sign_in
from plastinate.web.static_files import send_static_gzipped
from plastinate.web.throttle import throttle_sign_in

if TYPE_CHECKING:
    from plastinate.archive.archive import Archive

# Every blueprint: "module:name". A line here is the only registration.
ROUTES = (
    "plastinate.web.api_about:about",
    "plastinate.web.api_cases:cases",
    "plastinate.web.api_jobs:jobs",
    "plastinate.web.api_builds:builds",
    "plastinate.web.api_prompts:prompts",
    "plastinate.web.uploads:uploads",
    "plastinate.web.api_sharing:sharing",
    "plastinate.web.api_tokens:tokens",
    "plastinate.web.api_people:people",
    "plastinate.web.openapi:described",
    "plastinate.web.links:links",
    "plastinate.web.welcome:welcome",
)
PAGES = "plastinate.web.form_pages:pages"
TITLE = "Plastinate"


def create_app(archive: Archive, *, testing: bool = False) -> APIFlask:
    """The application that a WSGI server serves.

    Args:
        archive: where everything is kept; its settings are the application's.
        testing: Flask's own switch for tests.
    """
    app = APIFlask(
        "plastinate.web", title=TITLE, version=__version__, spec_path=None, docs_path=None, json_errors=False
    )
    app.extensions[EXTENSION] = AppState(archive)
    app.config.update(
        TESTING=testing,
        AUTO_SERVERS=False,
        AUTO_404_RESPONSE=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_OPERATION_ID=True,
    )
    accept_own_hosts_only(app, archive.settings)
    accept_fitting_bodies_only(app)
    protect_from_other_sites(app)
    add_sign_in(app, archive)
    # After signing in, which brings a JSON provider of its own.
    app.json.sort_keys = False  # type: ignore[attr-defined]
    answer_with_problems(app)
    send_static_gzipped(app)
    add_security_headers(app, is_tls=archive.settings.is_tls)
    for place in ROUTES:
        _register(app, place)
    if find_spec(PAGES.partition(":")[0]) is not None:
        _register(app, PAGES)
    throttle_sign_in(app, archive.settings)
    return app


def _register(app: APIFlask, place: str) -> None:
    module, _, name = place.partition(":")
    app.register_blueprint(getattr(import_module(module), name))
