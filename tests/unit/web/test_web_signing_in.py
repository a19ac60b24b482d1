"""People come by invitation, sign in with a password, are slowed down when they guess, and sign out."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from plastinate.archive.tables import EndedSession, now
from plastinate.services import people
from plastinate.services.access import Actor
from plastinate.services.sign_in import forget_ended_sessions
from web_stage import PASSWORD, Scene, Stage

OWNER = "owner@example.org"


def _token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert found
    return found[1]


def _sign_in(
    browser: FlaskClient, email: str, password: str, *, path: str = "/sign-in", **more: str
) -> TestResponse:
    form = {"email": email, "password": password, "csrf_token": _token(browser.get("/sign-in")), **more}
    return browser.post(path, data=form)


def _session_cookie(answer: TestResponse) -> str:
    return next(each for each in answer.headers.getlist("Set-Cookie") if each.startswith("plastinate="))


@pytest.mark.slow
def test_the_right_password_signs_in(stage: Stage):
    browser = stage.visitor()
    answer = _sign_in(browser, "Owner@Example.ORG", PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/cases")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} <= set(_session_cookie(answer).split("; "))
    me = browser.get("/api/me").json
    assert (me["id"], me["via"]) == (stage.people["owner"], "session")


@pytest.mark.slow
def test_a_wrong_password_and_an_unknown_address_get_the_same_sentence(stage: Stage):
    wrong = _sign_in(stage.visitor(), OWNER, "wrong password")
    unknown = _sign_in(stage.visitor(), "nobody@example.org", "wrong password")
    assert wrong.status_code == unknown.status_code == 200

    def plain(page: TestResponse) -> str:
        return re.sub(r'value="[^"]*"|content="[^"]*"', "", page.text)

    assert plain(wrong) == plain(unknown)


@pytest.mark.slow
def test_whoever_may_not_sign_in_any_more_does_not(stage: Stage):
    browser = stage.browser("viewer")
    admin = Actor(stage.people["admin"], is_admin=True)
    people.change_person(stage.archive, admin, stage.people["viewer"], active=False)
    assert browser.get("/api/me").json["via"] == "nobody"
    assert _sign_in(stage.visitor(), "viewer@example.org", PASSWORD).status_code == 200
    assert stage.script("viewer").get("/api/me").status_code == 401


@pytest.mark.slow
def test_guessing_a_password_is_stopped_by_the_account(stage: Stage):
    browser = stage.visitor()
    statuses = [_sign_in(browser, OWNER, "guess").status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    answer = _sign_in(browser, OWNER.upper(), PASSWORD)
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert _sign_in(stage.visitor(), "editor@example.org", PASSWORD).status_code == 302


@pytest.mark.slow
def test_a_program_that_guesses_is_stopped_by_the_same_count(stage: Stage):
    for _ in range(10):
        _sign_in(stage.visitor(), OWNER, "guess")
    answer = stage.visitor().post("/api/sign-in", json={"email": OWNER, "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (429, "request.too-many")


@pytest.mark.slow
def test_guessing_over_many_accounts_is_stopped_by_the_address(stage: Stage):
    ask = stage.visitor().post
    asked = [ask("/api/sign-in", json={"email": f"a{n}@example.org", "password": "x"}) for n in range(61)]
    assert [each.status_code for each in asked] == [401] * 60 + [429]


def test_who_signs_in_often_is_not_taken_for_a_guesser(stage: Stage):
    ask = stage.visitor().post
    asked = [ask("/api/sign-in", json={"email": OWNER, "password": PASSWORD}) for _ in range(12)]
    assert {each.status_code for each in asked} == {201}


@pytest.mark.slow
def test_a_program_with_a_wrong_password_is_told_to_try_again_and_who_can_help(stage: Stage):
    ask = stage.visitor().post
    said = [
        ask("/api/sign-in", json={"email": email, "password": "wrong"}).json
        for email in (OWNER, "nobody@example.org")
    ]
    assert said[0] == said[1]
    assert said[0]["code"] == "request.sign-in"
    assert said[0]["hint"] == "Try again. Forgotten the password? An administrator can make a new link."


def test_the_token_of_a_sign_in_acts_for_its_person(stage: Stage):
    answer = stage.visitor().post("/api/sign-in", json={"email": OWNER, "password": PASSWORD, "name": "push"})
    assert "Set-Cookie" not in answer.headers
    me = stage.visitor().get("/api/me", headers={"Authorization": f"Bearer {answer.json['token']}"}).json
    assert (me["id"], me["via"]) == (stage.people["owner"], "token")


@pytest.mark.slow
@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "https://evil.example",
        r"/\evil.example",
        r"\\evil.example",
        "///evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://localhost@evil.example",
        "/\t/evil.example",
        "%2f%2fevil",
    ],
)
def test_signing_in_leads_to_no_other_site(stage: Stage, place: str):
    for how in ({"path": f"/sign-in?next={place}"}, {"next": place}):
        answer = _sign_in(stage.visitor(), OWNER, PASSWORD, **how)
        assert answer.status_code == 302
        location = answer.headers["Location"]
        assert not location.startswith(("//", "\\", "/\\"))
        assert urlsplit(urljoin("http://localhost/sign-in", location))[:2] == ("http", "localhost")


@pytest.mark.slow
def test_signing_in_goes_on_to_the_page_that_was_asked_for(stage: Stage, scene: Scene):
    asked = stage.visitor().get(f"/cases/{scene.case}", headers={"Accept": "text/html"})
    assert asked.status_code == 302
    answer = _sign_in(stage.visitor(), OWNER, PASSWORD, path=asked.headers["Location"])
    assert answer.headers["Location"] == f"/cases/{scene.case}"


@pytest.mark.slow
def test_signing_in_begins_a_new_session(stage: Stage):
    browser = stage.visitor()
    before = _token(browser.get("/sign-in"))
    with browser.session_transaction() as session:
        session["planted"] = "by somebody else"
        planted = session["csrf_token"]
    browser.post("/sign-in", data={"email": OWNER, "password": PASSWORD, "csrf_token": before})
    with browser.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != planted
        assert session.permanent


def test_signing_out_ends_the_session_and_needs_its_token(stage: Stage):
    browser = stage.browser("owner")
    token = browser.environ_base.pop("HTTP_X_CSRF_TOKEN")
    assert browser.get("/sign-out").status_code in (302, 405)
    assert browser.post("/sign-out").status_code == 403
    assert browser.get("/api/me").json["via"] == "session"
    left = browser.post("/sign-out", data={"csrf_token": token})
    assert left.headers["Location"] == "/sign-in"
    assert left.headers["Clear-Site-Data"] == '"cache"'
    assert browser.get("/api/me").json["via"] == "nobody"


@pytest.mark.slow
def test_a_copy_of_the_cookie_is_worth_nothing_after_signing_out(stage: Stage):
    browser, elsewhere = stage.visitor(), stage.visitor()
    _sign_in(browser, OWNER, PASSWORD)
    _sign_in(elsewhere, OWNER, PASSWORD)
    copied = browser.get_cookie("plastinate")
    assert copied
    browser.post("/sign-out", data={"csrf_token": _token(browser.get("/change-password"))})
    thief = stage.visitor()
    thief.set_cookie("plastinate", copied.value)
    assert thief.get("/api/me").json["via"] == "nobody"
    assert elsewhere.get("/api/me").json["via"] == "session"
    assert forget_ended_sessions(stage.archive) == 0
    with stage.archive.database.write() as session:
        session.execute(update(EndedSession).values(ended_at=now() - timedelta(days=1)))
    assert forget_ended_sessions(stage.archive) == 1


@pytest.mark.slow
def test_a_new_password_ends_every_other_session(stage: Stage):
    here, elsewhere = stage.browser("owner"), stage.browser("owner")
    form = {"password": PASSWORD, "new_password": "battery staple", "new_password_confirm": "battery staple"}
    answer = here.post("/change-password", data=form)
    assert answer.status_code == 302, answer.text
    assert here.get("/api/me").json["via"] == "session"
    assert elsewhere.get("/api/me").json["via"] == "nobody"
    assert _sign_in(stage.visitor(), OWNER, PASSWORD).status_code == 200
    assert _sign_in(stage.visitor(), OWNER, "battery staple").status_code == 302


@pytest.mark.slow
def test_passwords_are_kept_as_argon2id_with_64_mebibytes(stage: Stage):
    form = {"password": PASSWORD, "new_password": "battery staple", "new_password_confirm": "battery staple"}
    stage.browser("owner").post("/change-password", data=form)
    person = people.read_person(stage.archive, stage.people["owner"])
    assert person
    assert (person.password or "").startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_nobody_registers(stage: Stage):
    for path in ("/register", "/reset", "/login", "/verify", "/us-signin"):
        assert stage.visitor().get(path).status_code == 404


@pytest.mark.slow
def test_an_invitation_makes_a_person_who_is_signed_in(stage: Stage):
    asked = stage.browser("admin").post("/api/people", json={"email": "new@example.org", "name": "New"})
    path = asked.json["url"].removeprefix("http://localhost")
    browser = stage.visitor()
    form = {"name": "Newer", "password": "battery staple", "again": "battery staple"}
    assert browser.post(path, data=form).status_code in (400, 403, 422), "without the token of the session"
    form["csrf_token"] = _token(browser.get(path))
    answer = browser.post(path, data={**form, "email": "somebody.else@example.org"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cases"), answer.text
    me = browser.get("/api/me").json
    assert (me["name"], me["via"]) == ("Newer", "session")
    assert people.find_person(stage.archive, "somebody.else@example.org") is None
    assert stage.visitor().get(path).status_code == 410, "it can be used once"


def test_a_short_password_or_two_different_ones_are_not_taken(stage: Stage):
    asked = stage.browser("admin").post("/api/people", json={"email": "new@example.org"})
    path = asked.json["url"].removeprefix("http://localhost")
    browser = stage.visitor()
    token = _token(browser.get(path))
    for password, again in (("short", "short"), ("battery staple", "battery stable")):
        form = {"name": "New", "password": password, "again": again, "csrf_token": token}
        assert browser.post(path, data=form).status_code == 422


def test_an_invitation_that_nobody_wrote_leads_nowhere(stage: Stage):
    for token in ("made-up", "%00", "a" * 5000):
        assert stage.visitor().get(f"/welcome/{token}").status_code == 404


@pytest.mark.slow
def test_an_invitation_is_used_by_a_program_where_there_are_no_pages(stage: Stage):
    person, secret = people.invite(stage.archive, Actor(None, is_admin=True), email="bo@example.org")
    program, chosen = stage.visitor(), {"name": "Bo", "password": "long enough for one"}
    short = program.post(f"/api/invitations/{secret}", json={"password": "short"})
    assert (short.status_code, short.json["where"]) == (422, "password")
    answer = program.post(f"/api/invitations/{secret}", json={**chosen, "email": "another@example.org"})
    assert answer.status_code == 201
    me = program.get("/api/me", headers={"Authorization": f"Bearer {answer.json['token']}"}).json
    assert (me["id"], me["name"], me["token_id"]) == (person.id, "Bo", answer.json["id"])
    assert program.post(f"/api/invitations/{secret}", json=chosen).status_code in (404, 410)
    assert _sign_in(stage.visitor(), "bo@example.org", chosen["password"]).status_code == 302


def test_a_program_that_guesses_invitations_is_stopped(stage: Stage):
    program, chosen = stage.visitor(), {"password": "long enough for one", "email": "bo@example.org"}
    found = [program.post("/api/invitations/guessed", json=chosen).status_code for _ in range(12)]
    assert (found[0], found[-1]) == (404, 429)
