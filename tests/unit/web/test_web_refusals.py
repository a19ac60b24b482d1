"""What pages say when something cannot be done: in the reader's language, and never in a library's words."""

from __future__ import annotations

import ast
import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from flask.testing import FlaskClient
from sqlalchemy import delete, update
from werkzeug.exceptions import default_exceptions
from werkzeug.test import TestResponse

from plastinate.archive.tables import ApiToken, Invitation, Person, ShareLink, now
from plastinate.model import case_errors, errors
from plastinate.services import people, sharing
from plastinate.services.access import DOING, Actor
from plastinate.web.engine_words import reworded
from plastinate.web.languages import LANGUAGES, LOCALES
from plastinate.web.public_address import is_for_this_machine_only
from plastinate.web.refusals import told_of
from plastinate.web.signing_in import SAID
from web_stage import PASSWORD, Scene, Stage, open_stage

SERVICES = Path(people.__file__).parent
REFUSALS = {"RequestFlaw", "Conflict", "NotThere", "NotAllowed", "Gone", "UsedUp"}
# Only programs meet these: their fields are JSON, or the headers of an upload.
FOR_PROGRAMS = {"build_wish.py", "picture_wish.py", "measurements.py", "uploads.py"}
LONG = "x" * 300


def visitor(stage: Stage, language: str = "de") -> FlaskClient:
    browser = stage.visitor()
    browser.set_cookie("language", language)
    browser.environ_base["HTTP_ACCEPT"] = "text/html"
    return browser


def browser(stage: Stage, name: str, language: str = "de") -> FlaskClient:
    client = stage.browser(name)
    client.set_cookie("language", language)
    client.environ_base["HTTP_ACCEPT"] = "text/html"
    return client


def words(page: TestResponse) -> str:
    """The page as somebody reads it."""
    within = re.search(r"<main.*?</main>", page.text, re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", within[0] if within else page.text)).split())


def token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def invitation(stage: Stage, email: str = "new@example.org") -> str:
    _, secret = people.invite(stage.archive, Actor(stage.people["admin"], is_admin=True), email=email)
    return f"/welcome/{secret}"


# --- the libraries' own sentences ------------------------------------------------------------------------


def library_sentences() -> dict[str, re.Pattern[str]]:
    """Every sentence that a library under the pages can say, with anything at its places."""
    import flask_security.core
    import wtforms
    from flask_wtf import csrf

    messages = flask_security.core._default_messages.values()
    found = {sentence for sentence, _ in messages if sentence not in {said for said, _ in SAID.values()}}
    template = Path(wtforms.__file__).parent / "locale" / "wtforms.pot"
    with template.open("rb") as opened:
        for message in read_po(opened):
            found |= set(message.id if isinstance(message.id, tuple) else [message.id])
    with (Path(wtforms.__file__).parent / "locale" / "de" / "LC_MESSAGES" / "wtforms.po").open(
        "rb"
    ) as opened:
        for message in read_po(opened):
            found |= set(message.string if isinstance(message.string, tuple) else [message.string])
    found |= {each.description for each in default_exceptions.values() if each.description}
    tree = ast.parse(Path(csrf.__file__).read_text(encoding="utf-8"))
    found |= {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".")
    }
    place = re.compile(r"%\(\w+\)[sd]?|%[sd]")
    return {
        sentence: re.compile(
            ".{1,60}?".join(re.escape(part) for part in place.split(" ".join(sentence.split())))
        )
        for sentence in found
        # A short word may be one of ours as well.
        if sentence and len(place.sub("", sentence)) > 12 and " " in sentence
    }


def visitors_answers(stage: Stage) -> Iterator[tuple[str, TestResponse]]:
    """What somebody reads who signs in or comes by an invitation, and does it wrong."""
    came = visitor(stage)
    for form in ({}, {"email": "x", "password": "y"}, {"email": "owner@example.org", "password": "z"}):
        yield f"sign in {form}", came.post("/sign-in", data={**form, "csrf_token": token(came, "/sign-in")})
    yield (
        "sign in with an old page",
        visitor(stage).post("/sign-in", data={"email": "a@b.c", "password": "x"}),
    )
    for _ in range(11):
        form = {"email": "q@example.org", "password": "x", "csrf_token": token(came, "/sign-in")}
        refused = came.post("/sign-in", data=form)
    yield "too many tries", refused
    yield "a page for others", came.get("/cases", follow_redirects=True)
    path = invitation(stage)
    mark = {"csrf_token": token(came, path), "email": "new@example.org"}
    for form in (
        {},
        {"name": "N", "password": "short", "again": "short"},
        {"name": "N", "password": "battery staple", "again": "battery stable"},
        {"name": LONG, "password": LONG, "again": LONG},
    ):
        yield f"welcome {form}", came.post(path, data={**form, **mark})
    yield "welcome with an old page", visitor(stage).post(path, data={"name": "N"})
    yield "no such invitation", came.get("/welcome/nothing")
    yield "no such link", came.get("/s/nothing")
    with stage.archive.database.write() as session:
        session.execute(delete(Invitation))
        session.execute(update(Person).values(password=None))
    first = people.first_invitation(stage.archive)
    path = f"/welcome/{first}"
    for address in ("", "no address", f"{LONG}@example.org"):
        form = {"email": address, "name": "", "csrf_token": token(came, path)}
        yield f"first {address}", came.post(path, data=form)


def members_answers(stage: Stage, scene: Scene) -> Iterator[tuple[str, TestResponse]]:
    """What somebody reads who is signed in and fills in forms wrong."""
    case = f"/cases/{scene.case}"
    changes = [
        {},
        {"password": "wrong", "new_password": "battery staple", "new_password_confirm": "battery staple"},
        {"password": PASSWORD, "new_password": "x", "new_password_confirm": "x"},
        {"password": PASSWORD, "new_password": LONG, "new_password_confirm": LONG},
        {"password": PASSWORD, "new_password": "battery staple", "new_password_confirm": "other staple"},
        {"password": PASSWORD, "new_password": PASSWORD, "new_password_confirm": PASSWORD},
        {"password": PASSWORD, "new_password": "battery staple", "new_password_confirm": "battery staple"},
    ]
    forms: list[tuple[str, str, dict[str, Any]]] = [
        *(("editor", "/change-password", form) for form in changes),
        ("owner", "/account", {"name": LONG}),
        ("owner", "/account/tokens", {"name": "", "days": "30"}),
        ("owner", "/account/tokens", {"name": "a", "days": "99999"}),
        ("owner", "/account/tokens", {"name": "a", "days": "soon"}),
        ("owner", "/account/tokens/nothing/end", {}),
        ("admin", "/people", {"email": "x"}),
        ("admin", "/people", {"email": "owner@example.org"}),
        ("admin", "/people", {"email": "a@example.org", "name": LONG}),
        ("admin", f"/people/{stage.people['admin']}", {"is_admin": "no"}),
        ("owner", "/people", {"email": "a@example.org"}),
        ("owner", f"{case}/edit", {"title": ""}),
        ("owner", f"{case}/edit", {"title": LONG * 2}),
        ("owner", f"{case}/edit", {"title": "x", "tags": LONG}),
        ("owner", f"{case}/edit", {"title": "x", "tags": ",".join(map(str, range(51)))}),
        ("owner", f"{case}/edit", {"title": "x", "notes": LONG * 100}),
        ("owner", f"{case}/edit", {"title": "x", "version": "99"}),
        ("viewer", f"{case}/edit", {"title": "x"}),
        ("other", f"{case}/edit", {"title": "x"}),
        ("owner", f"{case}/share", {"email": "x", "role": "view"}),
        ("owner", f"{case}/share", {"email": "other@example.org", "role": "all"}),
        ("owner", f"{case}/share", {"email": "owner@example.org", "role": "view"}),
        ("editor", f"{case}/share", {"email": "other@example.org", "role": "view"}),
        ("owner", f"{case}/links", {"hours": "soon"}),
        ("owner", f"{case}/links", {"hours": "0"}),
        ("owner", f"{case}/links", {"hours": "24", "label": LONG}),
        ("owner", f"{case}/links/nothing/end", {}),
        ("owner", f"{case}/unshare", {"person": "nobody"}),
        ("owner", f"{case}/build", {"what": "threshold", "low": "x"}),
        ("owner", f"{case}/build", {"what": "recipe", "recipe": "none", "formats": "glb"}),
        ("owner", f"{case}/purge", {}),
        ("owner", "/jobs/nothing/cancel", {}),
        ("owner", "/jobs/nothing/again", {}),
        ("owner", "/builds/nothing/delete", {}),
        ("owner", "/cases", {}),
    ]
    for name, path, form in forms:
        client = browser(stage, name)
        yield f"{name} {path} {str(form)[:60]}", client.post(path, data=form, follow_redirects=True)
    owner = browser(stage, "owner")
    for path in ("/nowhere", "/cases/nothing", f"{case}/builds/nothing", "/static/nothing"):
        yield path, owner.get(path)
    yield "another host", owner.get("/cases", headers={"Host": "evil.example", "Accept-Language": "de"})
    del owner.environ_base["HTTP_X_CSRF_TOKEN"]
    yield "another site", owner.post(f"{case}/trash")


@pytest.mark.slow
@pytest.mark.parametrize("who", [visitors_answers, members_answers])
def test_no_form_filled_in_wrong_is_answered_in_a_librarys_words(stage: Stage, who: Any):
    sentences = library_sentences()
    assert {"Field must be equal to %(other_name)s.", "Invalid password", "The CSRF token is missing."} < set(
        sentences
    )
    scene = stage.new_scene()
    answers = list(who(stage, scene) if who is members_answers else who(stage))
    heard = [
        (asked, sentence, page.status_code)
        for asked, page in answers
        for sentence, pattern in sentences.items()
        if pattern.search(words(page))
    ]
    assert heard == []
    assert all(page.status_code < 500 for _, page in answers)


@pytest.mark.slow
@pytest.mark.parametrize("who", [visitors_answers, members_answers])
def test_every_answer_to_a_form_filled_in_wrong_is_german_for_a_german_reader(stage: Stage, who: Any):
    """Words that English sentences can hardly do without, and German ones do not have."""
    english = re.compile(
        r"\b(the|this|must|may not|has been|is not|with|and|more than|allowed|there)\b", re.I
    )
    scene = stage.new_scene()
    for asked, page in who(stage, scene) if who is members_answers else who(stage):
        # Around a message a page may hold names, which are in any language.
        told = re.findall(r'<div class="message.*?</div></div>|<p class="flaw".*?</p>', page.text, re.S)
        shown = told if told and page.status_code < 300 else [words(page)]
        text = re.sub(r"<[^>]+>", " ", re.sub(r"<code.*?</code>|request\.[a-z-]+", "", " ".join(shown)))
        assert not english.search(html.unescape(text)), (asked, text)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_sentence_of_the_sign_in_machinery_is_translated(language: str):
    source = LOCALES / language / "LC_MESSAGES" / "flask_security.po"
    with source.open("rb") as opened:
        known = {message.id: message.string for message in read_po(opened, locale=language) if message.id}
    assert set(known) == {sentence for sentence, _ in SAID.values()}
    assert all(known.values())


# --- the services' own sentences -------------------------------------------------------------------------


def refusals() -> Iterator[tuple[str, str]]:
    """Every sentence with which a service refuses what somebody asks on a page."""
    for path in sorted(SERVICES.glob("*.py")):
        if path.name in FOR_PROGRAMS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            if node.func.id not in REFUSALS or not node.args:
                continue
            for text in _texts(node.args[0]):
                yield path.name, str(getattr(case_errors, node.func.id)(text))
            for keyword in node.keywords:
                if keyword.arg == "hint":
                    yield from ((path.name, text) for text in _texts(keyword.value))


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(each.value) if isinstance(each, ast.Constant) else "7" for each in node.values)]
    return []


@pytest.mark.slow
def test_every_refusal_that_a_page_may_meet_is_said_in_the_readers_language(stage: Stage):
    heard = {*refusals(), *(("access.py", f"You may not {doing}.") for doing in DOING.values())}
    assert len(heard) > 35
    with stage.app.test_request_context(headers={"Accept-Language": "de"}):
        unknown = [(name, text) for name, text in sorted(heard) if reworded(text) in (None, text)]
    # Only a page that sends what no form of ours does meets this.
    assert unknown == [("cases.py", "A case needs 1 to 7 uploads, each once.")]


@pytest.mark.slow
def test_what_somebody_wrote_is_not_lost_when_it_cannot_be_kept(stage: Stage):
    scene = stage.new_scene()
    owner, editor = browser(stage, "owner", "en"), browser(stage, "editor", "en")
    editor.post(f"/cases/{scene.case}/edit", data={"title": "Theirs", "tags": "x", "notes": "by the editor"})
    form = {"title": "Mine & <b>", "tags": "a, b", "notes": "two\r\nlines", "version": "1"}
    page = owner.post(f"/cases/{scene.case}/edit", data=form)
    assert page.status_code == 409
    assert "Someone else has changed this case meanwhile." in words(page)
    assert 'value="Mine &amp; &lt;b&gt;"' in page.text
    assert 'value="a, b"' in page.text
    assert ">two\nlines</textarea>" in page.text
    assert "by the editor" in words(page)
    # Sent again, it is kept over the other's.
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    assert owner.post(f"/cases/{scene.case}/edit", data={**form, "version": version[1]}).status_code == 303
    assert "Mine & <b>" in words(owner.get(f"/cases/{scene.case}"))
    assert owner.get(f"/cases/{scene.case}/edit").headers["Location"] == f"/cases/{scene.case}"


@pytest.mark.slow
def test_a_refused_invitation_keeps_what_was_typed(stage: Stage):
    form = {"email": "owner@example.org", "name": "O & W", "is_admin": "yes"}
    page = browser(stage, "admin", "en").post("/people", data=form)
    assert page.status_code == 409
    assert "Someone with this e-mail address is there already. Find them in the list" in words(page)
    assert 'value="owner@example.org"' in page.text
    assert 'value="O &amp; W"' in page.text
    assert 'name="is_admin" value="yes" checked' in page.text


def test_how_a_job_failed_is_said_with_its_numbers_in_the_readers_language(stage: Stage):
    failures = [
        (
            errors.EmptyInput("scan.zip", looked_at=1),
            "Weder ein Scan noch ein Bild wurde in scan.zip gefunden (1 Datei",
        ),
        (errors.EmptyInput("scan.zip", looked_at=1200), "(1200 Dateien angesehen)"),
        (
            errors.GapInSeries(after_slice=41, gap_mm=7.5, spacing_mm=2.5, missing_share=0.12),
            "12\N{NO-BREAK SPACE}% der Schichten fehlen; die weiteste Lücke misst 7,5 mm nach Schicht 41",
        ),
        (errors.EmptyMask("skull"), "Für „Schädel“ wurde nichts gefunden."),
        (errors.EmptyMask("skull", "no bone above 300 HU"), "„Schädel“ wurde nichts gefunden: kein Knochen"),
        (errors.ModalityContradicted("MR", said="CT"), "Angegeben war MR, die Dateien sagen CT."),
        (errors.SeriesNotFound("7"), "Eine Serie 7 gibt es nicht."),
        (errors.SeriesNotFound("7", what="phase"), "Ein Volumen 7 gibt es nicht."),
        (case_errors.JobTooLong(60), "nach 60 Sekunden"),
        (case_errors.JobOutOfMemory(3 << 29), "mehr als 1,5 GB"),
    ]
    with stage.app.test_request_context(headers={"Accept-Language": "de"}):
        for error, words_of_it in failures:
            said = told_of(error)
            assert words_of_it in said.sentence
            assert said.exact == ""
    with stage.app.test_request_context(headers={"Accept-Language": "en"}):
        assert told_of(errors.EmptyMask("skull")).sentence == "Nothing was found for “Skull”."


def test_a_failure_that_is_not_known_is_shown_by_its_heading_and_as_it_is(stage: Stage):
    error = errors.DamagedFile("IM1.dcm", "its pixels end early")
    with stage.app.test_request_context(headers={"Accept-Language": "de"}):
        assert told_of(error).sentence == "Eine Datei ist beschädigt."
        assert told_of(error).exact == "IM1.dcm is damaged: its pixels end early."
    with stage.app.test_request_context(headers={"Accept-Language": "en"}):
        assert told_of(error).sentence == "IM1.dcm is damaged: its pixels end early."


@pytest.mark.slow
def test_a_refused_field_is_called_as_the_page_calls_it(stage: Stage):
    scene = stage.new_scene()
    for language, sentence in (
        ("en", "Title: It has 400 characters, more than the 300 allowed."),
        ("de", "Titel: 400 Zeichen sind mehr als die erlaubten 300."),
    ):
        page = browser(stage, "owner", language).post(
            f"/cases/{scene.case}/edit", data={"title": "x" * 400}, follow_redirects=True
        )
        assert sentence in words(page)
        assert "request.flaw" not in page.text


# --- links that lead nowhere any more --------------------------------------------------------------------


@pytest.mark.slow
def test_a_used_invitation_leads_to_the_sign_in(stage: Stage):
    path = invitation(stage)
    came = visitor(stage, "en")
    form = {"email": "new@example.org", "name": "N", "password": "battery staple", "again": "battery staple"}
    assert came.post(path, data={**form, "csrf_token": token(came, path)}).status_code == 303
    page = visitor(stage, "en").get(path)
    assert page.status_code == 410
    assert "was used already" in words(page)
    assert 'href="/sign-in"' in page.text


def test_the_first_administrators_link_is_used_up_once_somebody_is_here(stage: Stage):
    with stage.archive.database.write() as session:
        session.add(Invitation(token_sha256=people._hash("first"), expires_at=now() + timedelta(days=1)))
    assert visitor(stage).get("/welcome/first").status_code == 410


def test_an_invitation_that_was_replaced_says_what_may_have_happened(stage: Stage):
    page = visitor(stage, "en").get("/welcome/nothing")
    assert page.status_code == 404
    assert "A newer link may have replaced it." in words(page)


@pytest.mark.slow
def test_an_ended_link_says_that_it_has_ended_and_leaves_the_list_when_ended_again(stage: Stage):
    scene = stage.new_scene()
    guest = visitor(stage, "en")
    assert guest.get(f"/s/{scene.secret}").status_code == 302
    owner = browser(stage, "owner", "en")
    owner.post(f"/cases/{scene.case}/links/{scene.link}/end")
    page = visitor(stage, "en").get(f"/s/{scene.secret}")
    assert page.status_code == 410
    assert "This link no longer works: its time is over, or it was ended." in words(page)
    # Whoever had opened it is told on the way to the sign-in.
    page = guest.get(f"/cases/{scene.case}", follow_redirects=True)
    assert "The link that you opened here no longer works" in words(page)
    listed = words(owner.get(f"/cases/{scene.case}"))
    assert "ended" in listed
    owner.post(f"/cases/{scene.case}/links/{scene.link}/end")
    actor = Actor(stage.people["owner"])
    assert sharing.list_links(stage.archive, actor, scene.case) == []
    assert visitor(stage).get(f"/s/{scene.secret}").status_code == 404


@pytest.mark.slow
def test_an_expired_link_is_listed_as_ended(stage: Stage):
    scene = stage.new_scene()
    with stage.archive.database.write() as session:
        session.execute(update(ShareLink).values(expires_at=now() - timedelta(hours=1)))
    assert 'aria-label="Remove the link ' in browser(stage, "owner", "en").get(f"/cases/{scene.case}").text


# --- the door --------------------------------------------------------------------------------------------


def test_a_server_with_nobody_yet_says_where_its_first_link_stands(stage: Stage):
    assert "Nobody has an account here yet" not in words(visitor(stage, "en").get("/sign-in"))
    with stage.archive.database.write() as session:
        session.execute(update(Person).values(password=None))
    page = words(visitor(stage, "en").get("/sign-in"))
    assert "Nobody has an account here yet." in page
    assert "in the terminal where the server was started" in page


def test_a_wrong_sign_in_is_told_once(stage: Stage):
    came = visitor(stage, "en")
    form = {"email": "", "password": "", "csrf_token": token(came, "/sign-in")}
    assert words(came.post("/sign-in", data=form)).count("The address or the password is not right.") == 1


@pytest.mark.slow
def test_a_link_that_works_on_this_computer_only_says_so(stage: Stage):
    scene = stage.new_scene()
    owner, admin = browser(stage, "owner", "en"), browser(stage, "admin", "en")
    owner.post(f"/cases/{scene.case}/links", data={"hours": "24"})
    pages = [
        owner.get(f"/cases/{scene.case}"),
        admin.post("/people", data={"email": "new@example.org"}),
        owner.post("/account/tokens", data={"name": "t"}),
    ]
    assert ["This address works on this computer only" in words(page) for page in pages] == [True] * 3
    # What makes no address to give away says nothing of it.
    assert "this computer only" not in words(owner.get(f"/cases/{scene.case}"))


@pytest.mark.parametrize(
    ("asked", "public_url", "is_only_here"),
    [
        ("http://127.0.0.1:8000", "", True),
        ("http://localhost:8000", "", True),
        ("http://[::1]:8000", "", True),
        ("http://192.168.7.7:8000", "", False),
        ("http://localhost:8000", "https://scans.example.org", False),
        ("http://localhost:8000", "https://127.0.0.1:8443", True),
    ],
)
def test_an_address_is_known_to_be_for_this_computer_only(
    tmp_path: Path, asked: str, public_url: str, is_only_here: bool
):
    stage = open_stage(tmp_path / "other", public_url=public_url)
    with stage.app.test_request_context(base_url=asked):
        assert is_for_this_machine_only() == is_only_here
    stage.close()


def test_a_new_token_comes_in_a_command_that_signs_in_with_it(stage: Stage):
    page = browser(stage, "owner", "en").post("/account/tokens", data={"name": "Nightly"}).text
    secret = re.search(r'id="fresh-token" value="([^"]+)"', page)
    command = re.search(r'id="fresh-command" value="([^"]+)"', page)
    assert secret
    assert command
    assert html.unescape(command[1]) == f"echo {secret[1]} | plastinate login http://localhost --token -"
    assert 'data-copies="fresh-command"' in page
    with stage.archive.database.read() as session:
        assert session.query(ApiToken).filter_by(name="Nightly").count() == 1


@pytest.mark.slow
def test_the_bar_marks_the_page_one_is_on(stage: Stage):
    admin = browser(stage, "admin", "en")
    for page in (admin.get("/people"), admin.post("/people", data={"email": "new@example.org"})):
        assert '<a href="/people" aria-current="page">' in page.text
    assert '<a href="/cases" aria-current="page">' in admin.get("/cases").text
