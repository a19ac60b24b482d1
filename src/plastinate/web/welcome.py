"""A one-time link -> a person with a password, signed in: the first administrator, or whoever was invited."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_security import hash_password, login_user
from flask_wtf import FlaskForm
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length, Regexp

from plastinate.archive.tables import Person
from plastinate.model.case_errors import CrossSiteRequest
from plastinate.services import people
from plastinate.services.access import Actor
from plastinate.services.cases import list_cases
from plastinate.web.app_state import archive_of_app
from plastinate.web.payloads_people import PASSWORD_LENGTH_MAX, PASSWORD_LENGTH_MIN
from plastinate.web.person_store import SignedIn

welcome = Blueprint("welcome", __name__)

ADDRESS = r"^[^@\s\x00]+@[^@\s\x00]+$"
SHELF = "/cases"


class WelcomeForm(FlaskForm):  # type: ignore[misc]
    """Who has come, and the password they choose. What is wrong is said in our words, not the library's."""

    email = EmailField(
        validators=[
            InputRequired(_l("An e-mail address is needed to sign in with.")),
            Length(max=254, message=_l("This is longer than an e-mail address can be.")),
            Regexp(ADDRESS, message=_l("This is not an e-mail address.")),
        ]
    )
    name = StringField(
        validators=[
            InputRequired(_l("Others need a name to see you by.")),
            Length(max=200, message=_l("A name has at most 200 characters.")),
        ]
    )
    password = PasswordField(
        validators=[
            InputRequired(_l("Choose a password.")),
            Length(
                min=PASSWORD_LENGTH_MIN,
                max=PASSWORD_LENGTH_MAX,
                message=_l("A password has 10 to 128 characters."),
            ),
        ]
    )
    again = PasswordField(validators=[EqualTo("password", _l("The two passwords differ."))])


@welcome.get("/welcome/<token>")
def show(token: str) -> ResponseReturnValue:
    """The page that a one-time link leads to. Opening it does not use it."""
    person = people.read_invitation(archive_of_app(), token)
    return _page(_form(person), person)


@welcome.post("/welcome/<token>")
def accept(token: str) -> ResponseReturnValue:
    """Use the link: the password is kept, and its person is signed in."""
    archive = archive_of_app()
    person = people.read_invitation(archive, token)
    form = _form(person)
    if not form.validate_on_submit():
        if form.csrf_token.errors:
            raise CrossSiteRequest("its token is missing or belongs to another session")
        return _page(form, person), 422
    made = people.accept_invitation(
        archive,
        token,
        email=form.email.data,
        name=form.name.data,
        password_hash=hash_password(form.password.data),
    )
    login_user(SignedIn(made), authn_via=["invitation"])
    return redirect(_first_page(made), 303)


def _first_page(person: Person) -> str:
    """The case, where there is but one for this person to see: the sample's, for most; else the shelf."""
    actor = Actor(person.id, is_admin=person.is_admin, name=person.name, via="session")
    shelf, total = list_cases(archive_of_app(), actor, per_page=1)
    return f"{SHELF}/{shelf[0].id}" if total == 1 else SHELF


def _form(person: Person | None) -> WelcomeForm:
    """The form; whoever was invited has their address already, and cannot take another."""
    form = WelcomeForm()
    if person is not None:
        form.email.data = person.email
        form.name.data = form.name.data or person.name
    return form


def _page(form: WelcomeForm, person: Person | None) -> str:
    return render_template("welcome.html", form=form, person=person)
