"""The sign-in form: an address and a password. No "remember me": computers in wards are shared."""

from __future__ import annotations

from typing import Any

from flask_security.forms import LoginForm
from flask_security.utils import validate_redirect_url


class SignInForm(LoginForm):
    """Flask-Security's form, without the cookie that outlives the session."""

    remember = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # A page of another site was named to go on to: sign in all the same, and stay here.
        if not validate_redirect_url(self.next.data or ""):
            self.next.data = ""
