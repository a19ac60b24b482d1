"""Pages and their forms as each sort of person meets them; and the words and numbers they are made of."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from export_scenes import two_organs
from plastinate.archive.tables import Build, BuildFile
from plastinate.model.evidence import SurfaceQuality, Verdict, VolumeRange
from plastinate.stages.export.certificate import certificate
from plastinate.web import measures, wording
from plastinate.web.build_page import build_shown
from plastinate.web.script_words import script_words
from plastinate.web.wording_pictures import LENGTHS
from web_stage import Scene, Stage, add_view

PEOPLE = ("admin", "owner", "editor", "viewer", "other", "guest", "nobody")
OK, MOVED, AWAY, MISSING, FORBIDDEN, UNKNOWN = 200, 303, 302, 404, 403, 401
# Page -> the status for each of PEOPLE. Nobody in particular is sent to sign in.
PAGES = {
    "/cases": (OK, OK, OK, OK, OK, AWAY, AWAY),
    "/cases/trash": (OK, OK, OK, OK, OK, AWAY, AWAY),
    "/cases/new": (OK, OK, OK, OK, OK, AWAY, AWAY),
    "/account": (OK, OK, OK, OK, OK, AWAY, AWAY),
    "/people": (OK, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, AWAY, AWAY),
    "/cases/{case}": (OK, OK, OK, OK, MISSING, OK, AWAY),
    "/cases/{case}/builds/{build}": (OK, OK, OK, OK, MISSING, OK, AWAY),
    "/cases/{case}/builds/{build}/view": (OK, OK, OK, OK, MISSING, OK, AWAY),
}
# What a form does to the case -> who may.
EDITORS, OWNERS = {"admin", "owner", "editor"}, {"admin", "owner"}
FORMS: dict[str, tuple[dict[str, str], set[str]]] = {
    "/cases/{case}/edit": ({"title": "New", "tags": "a, b", "notes": "n"}, EDITORS),
    "/cases/{case}/build": ({"what": "recipe", "recipe": "ct-skin", "formats": "glb"}, EDITORS),
    "/jobs/{job}/cancel": ({}, EDITORS),
    "/cases/{case}/share": ({"email": "other@example.org", "role": "view"}, OWNERS),
    "/cases/{case}/links": ({"hours": "24"}, OWNERS),
    "/cases/{case}/links/{link}/end": ({}, OWNERS),
    "/cases/{case}/trash": ({}, OWNERS),
    "/builds/{build}/delete": ({}, EDITORS),
}


def visitor(stage: Stage, scene: Scene, name: str) -> FlaskClient:
    if name == "nobody":
        client = stage.visitor()
        with client.session_transaction() as cookie:
            cookie["csrf_token"] = "nobody"
        client.environ_base["HTTP_X_CSRF_TOKEN"] = stage.csrf_token("nobody")
        return client
    return stage.guest(scene) if name == "guest" else stage.browser(name)


def filled(path: str, scene: Scene) -> str:
    return path.format(case=scene.case, build=scene.build, job=scene.job, link=scene.link)


@pytest.mark.slow
@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_for_those_who_may_see_it(stage: Stage, path: str):
    scene = stage.new_scene()
    asked = {"Accept": "text/html"}
    found = tuple(
        visitor(stage, scene, name).get(filled(path, scene), headers=asked).status_code for name in PEOPLE
    )
    assert found == PAGES[path]


@pytest.mark.slow
@pytest.mark.parametrize("path", FORMS)
def test_a_form_works_for_those_who_may_and_changes_nothing_for_others(stage: Stage, path: str):
    form, allowed = FORMS[path]
    for name in PEOPLE:
        scene = stage.new_scene()
        before = _state(stage, scene)
        answer = visitor(stage, scene, name).post(filled(path, scene), data=form)
        changed = _state(stage, scene) != before
        assert changed == (name in allowed), (name, answer.status_code)
        if name in allowed:
            assert answer.status_code in (OK, MOVED), name
        else:
            # Whoever sees the case is told on its page; to all others it is not there.
            assert answer.status_code in (MOVED, AWAY, FORBIDDEN, UNKNOWN, MISSING), name
            assert name != "other" or answer.status_code == MISSING


def _state(stage: Stage, scene: Scene) -> Any:
    """Everything of a case that a form may change."""
    from plastinate.archive.tables import Build, Case, Job, Share, ShareLink

    with stage.archive.database.read() as session:
        case = session.get(Case, scene.case)
        jobs = session.query(Job).filter_by(case_id=scene.case)
        return (
            case and (case.title, case.notes, [tag.tag for tag in case.tags], case.trashed_at),
            sorted((job.id, job.state, job.is_cancel_requested) for job in jobs),
            session.query(Build).filter_by(case_id=scene.case).count(),
            session.query(Share).filter_by(case_id=scene.case).count(),
            sorted(
                (link.id, link.is_over) for link in session.query(ShareLink).filter_by(case_id=scene.case)
            ),
        )


@pytest.mark.slow
def test_a_new_link_is_shown_once_and_loading_again_makes_no_other(stage: Stage):
    scene = stage.new_scene()
    owner = stage.browser("owner")
    made = owner.post(f"/cases/{scene.case}/links", data={"hours": "24"})
    assert (made.status_code, made.headers["Location"]) == (303, f"/cases/{scene.case}#sharing")
    links = _state(stage, scene)[-1]
    shown = [owner.get(f"/cases/{scene.case}", headers={"Accept": "text/html"}).text for _ in range(2)]
    assert ['id="fresh-link"' in page for page in shown] == [True, False]
    assert "shown only this once" in shown[0]
    assert _state(stage, scene)[-1] == links


@pytest.mark.slow
def test_sharing_with_nobody_is_told_on_the_case(stage: Stage):
    scene = stage.new_scene()
    owner = stage.browser("owner")
    wish = {"email": "nobody@example.org", "role": "view"}
    assert owner.post(f"/cases/{scene.case}/share", data=wish).status_code == 303
    page = owner.get(f"/cases/{scene.case}", headers={"Accept": "text/html"}).text
    assert "Nobody here has the address" in page
    assert "nobody@example.org" in page


def test_a_form_of_another_site_is_refused(stage: Stage):
    scene = stage.new_scene()
    browser = stage.browser("owner")
    del browser.environ_base["HTTP_X_CSRF_TOKEN"]
    answer = browser.post(f"/cases/{scene.case}/trash", headers={"Accept": "text/html"})
    assert answer.status_code == FORBIDDEN
    assert "load the page again" in answer.text


@pytest.mark.slow
def test_what_a_person_sees_of_a_case_fits_what_they_may_do(stage: Stage):
    scene = stage.new_scene()
    pages = {name: visitor(stage, scene, name).get(f"/cases/{scene.case}").text for name in PEOPLE[:4]}
    pages["guest"] = visitor(stage, scene, "guest").get(f"/cases/{scene.case}").text
    assert {name for name, page in pages.items() if "/edit" in page} == EDITORS
    assert {name for name, page in pages.items() if "/share" in page} == OWNERS
    assert "owner@example.org" not in pages["guest"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "/a\nb"]
)
def test_the_choice_of_language_leads_back_to_our_own_pages_only(stage: Stage, elsewhere: str):
    browser = stage.browser("owner")
    answer = browser.post("/look", data={"language": "de", "theme": "dark", "back": elsewhere})
    assert answer.headers["Location"] == "/"
    assert 'lang="de"' in browser.get("/cases").text
    assert 'data-theme="dark"' in browser.get("/cases").text


def test_an_unknown_language_or_theme_is_not_kept(stage: Stage):
    browser = stage.browser("owner")
    browser.post("/look", data={"language": "../de", "theme": "<b>", "back": "/account"})
    page = browser.get("/account").text
    assert 'lang="en"' in page
    assert "data-theme" not in page


@pytest.mark.slow
def test_a_page_of_the_list_that_cannot_be_is_no_error(stage: Stage):
    stage.new_scene()
    browser = stage.browser("owner")
    for query in ("page=-1", "page=x", "page=99999999999", "order=<b>", "search=%00", "tag=" + "x" * 99):
        assert browser.get(f"/cases?{query}").status_code == OK, query


@pytest.mark.slow
def test_a_build_in_3d_names_what_to_fetch_and_shows_its_organs_without_any_script(stage: Stage):
    scene = stage.new_scene()
    organs = [
        {"id": "lung-left", "name": "Left lung", "colour": "#aabbcc", "light": "amber",
         "reasons": ["The surface is not closed."], "volume_ml": 1500.0}
    ]  # fmt: skip
    missing = [{"id": "airways", "name": "Airways", "reason": "the scan may not cover it"}]
    with stage.archive.database.write() as session:
        session.get(Build, scene.build).summary = {"organs": organs, "not_found": missing}  # type: ignore[union-attr]
    add_view(stage, scene)
    browser = stage.browser("viewer")
    page = browser.get(f"/cases/{scene.case}/builds/{scene.build}/view").text
    assert f'data-files="/api/builds/{scene.build}/files/"' in page
    assert 'data-scene="view/scene.json"' in page
    assert "data-can-edit" not in page
    assert (
        "data-can-edit" in stage.browser("editor").get(f"/cases/{scene.case}/builds/{scene.build}/view").text
    )
    assert "1.50 l" in page
    assert "amber" in page
    assert f'href="/cases/{scene.case}/builds/{scene.build}"' in page
    island = json.loads(re.search(r'id="viewer-words">(.*?)</script>', page)[1])  # type: ignore[index]
    assert island["organs"]["lung-left"] == {"name": "Left lung", "reasons": ["The surface is not closed."]}
    assert island["notFound"]["airways"]["reason"] == "the scan may not cover it"
    assert [each["name"] for each in island["formats"]] == ["glb", "stl"]
    assert not any("view/" in each["url"] for each in island["formats"])
    for place in (f"/cases/{scene.case}", f"/cases/{scene.case}/builds/{scene.build}"):
        assert f'href="/cases/{scene.case}/builds/{scene.build}/view"' in browser.get(place).text


@pytest.mark.slow
def test_names_and_reasons_in_3d_are_in_the_readers_language(stage: Stage):
    scene = stage.new_scene()
    lung = {"id": "lung-left", "name": "Left lung", "colour": "#aabbcc", "light": "green", "volume_ml": None}
    with stage.archive.database.write() as session:
        session.get(Build, scene.build).summary = {"organs": [lung]}  # type: ignore[union-attr]
    browser = stage.browser("viewer")
    browser.set_cookie("language", "de")
    page = browser.get(f"/cases/{scene.case}/builds/{scene.build}/view").text
    island = json.loads(re.search(r'id="viewer-words">(.*?)</script>', page)[1])  # type: ignore[index]
    assert island["organs"]["lung-left"]["name"] == "Linke Lunge"
    # What organs hang under is named in no build.
    assert island["groups"]["respiratory-system"] == "Atmungssystem"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "length_from"), [("px", "unknown"), ("mm", "the size chosen for the print")]
)
def test_a_pictures_model_in_3d_says_from_where_its_length_is_and_nothing_of_patients(
    stage: Stage, unit: str, length_from: str
):
    scene = stage.new_scene()
    volume_ml = 5.0 if unit == "mm" else None
    body = {"id": "object", "name": "Object, ESTIMATED", "colour": "#aabbcc", "light": "amber"}
    estimate = {"kind": "object", "unit": unit, "length_from": length_from}
    with stage.archive.database.write() as session:
        build = session.get_one(Build, scene.build)
        build.summary = {"organs": [{**body, "volume_ml": volume_ml}], "estimate": estimate}
    browser = stage.browser("viewer")
    page = browser.get(f"/cases/{scene.case}/builds/{scene.build}/view").text
    island = json.loads(re.search(r'id="viewer-words">(.*?)</script>', page)[1])  # type: ignore[index]
    assert island["lengthFrom"] == str(LENGTHS[length_from])
    shown = re.search(r"<main.*</main>", page, re.S)[0]  # type: ignore[index]
    assert not re.search(r"\b(patient|organs)\b", re.sub(r"<[^>]*>", "", shown), re.I)
    for seen in (page, browser.get(f"/cases/{scene.case}").text):
        assert ("5.0 ml" in seen) == (unit == "mm")
        assert '<td class="number">–</td>' not in seen
        assert '<span class="number quiet">–</span>' not in seen


@pytest.mark.slow
def test_models_built_before_there_was_a_viewer_say_so_and_can_be_built_again(stage: Stage):
    scene = stage.new_scene()
    place = f"/cases/{scene.case}/builds/{scene.build}/view"
    for name, offered in (("editor", True), ("viewer", False)):
        page = stage.browser(name).get(place).text
        assert 'data-scene=""' in page
        assert "without what the 3D view needs" in page
        assert (
            bool(re.search(f'href="/cases/{scene.case}[?][^"]*recipe=ct-chest[^"]*#build"', page)) == offered
        )
        assert "/static/built/assets/view-" not in page


def test_a_build_of_another_case_is_not_in_this_one(stage: Stage):
    first, second = stage.new_scene(), stage.new_scene()
    answer = stage.browser("owner").get(f"/cases/{first.case}/builds/{second.build}/view")
    assert answer.status_code == MISSING


def test_a_format_is_offered_whole_and_in_parts_where_it_has_no_whole(stage: Stage):
    from plastinate.archive.tables import Build, BuildFile, now

    names = [
        "scene.glb",
        "scene-light.glb",
        "models/a.glb",
        "models/a.stl",
        "models/b.stl",
        "scene.obj",
        "scene.mtl",
    ]
    request = {"compression": "draco"}
    build = Build(
        id="b", case_id="c", title="T", request=request, summary={}, result_key="", created_at=now()
    )
    build.files = [BuildFile(build_id="b", name=name, sha256="0" * 64, size=10) for name in names]
    with stage.app.test_request_context():
        shown = {each["name"]: each for each in build_shown(build)["formats"]}
    assert shown["glb"]["url"].endswith("/files/scene.glb")
    assert "models/a.stl,models/b.stl" in shown["stl"]["url"].replace("%2F", "/").replace("%2C", ",")
    assert shown["obj"]["size"] == 20
    assert list(shown) == ["glb", "stl", "obj"]
    assert [str(each["packed"]).partition(":")[0] for each in shown.values()] == ["Packed with Draco", "", ""]


@pytest.mark.slow
def test_the_table_of_a_build_names_its_distance_and_shows_the_range(stage: Stage):
    scene = stage.new_scene()
    drawn = two_organs()
    name = drawn.nodes[0].id
    quality = SurfaceQuality(
        1200, 602, True, True, 0, 1, 1234.5, 1240.0, -0.4, 99.0, 0.2, 0.5, 1.1, 0.25, 0.6, 1.4, None
    )
    evidence = replace(
        drawn.evidence,
        inputs={"geometry": drawn.geometry.as_dict(), "sha256": "a", "recipe": {"sha256": "b"}},
        quality={name: {"full": quality}},
        verdicts={name: Verdict("green")},
        volume_ranges={name: VolumeRange(1100.0, 1400.0)},
    )
    text = json.dumps(certificate(replace(drawn, evidence=evidence))).encode()
    kept = stage.archive.files.keep_bytes(text)
    with stage.archive.database.write() as session:
        session.add(
            BuildFile(build_id=scene.build, name="certificate.json", sha256=kept.sha256, size=kept.size)
        )
    page = stage.browser("viewer").get(f"/cases/{scene.case}/builds/{scene.build}").text
    head = page[: page.index("</table>")]
    assert head.index("cannot tell whether the recipe chose the right voxels") < head.index("<table>")
    for cell in (">Surface to mask</th>", ">1.10 l and 1.40 l</td>", ">0.20 mm</td>"):
        assert cell in head, cell


def test_numbers_are_written_as_the_reader_writes_them(stage: Stage):
    def said() -> list[str]:
        return [
            measures.number(1234.567, 2),
            measures.volume(35.07),
            measures.volume(1752.6),
            measures.size(175_000_000),
            measures.size(999),
            measures.length(0.234),
            measures.share(0.999),
            measures.roughly(100),
            measures.left(3),
            measures.number(None),
            measures.volume(float("nan")),
        ]

    english = "1,234.57|35.1 ml|1.75 l|175 MB|999 byte|0.23 mm|99%|2 minutes|A few seconds left|–|–"
    german = "1.234,57|35,1 ml|1,75 l|175 MB|999 Byte|0,23 mm|99\xa0%|2 Minuten|Noch wenige Sekunden|–|–"
    for language, expected in (("en", english), ("de", german)):
        with stage.app.test_request_context(headers={"Accept-Language": language}):
            assert "|".join(said()) == expected


def test_what_a_job_does_is_said_in_words(stage: Stage):
    with stage.app.test_request_context(headers={"Accept-Language": "en"}):
        assert wording.doing("surface: lung-left, lung-right") == "Laying the surface: Left lung, Right lung"
        assert wording.doing("read the scan") == "Reading the scan"
        assert wording.doing("something new: x") == "something new: x"
        assert script_words("case")["part lung-left"] == "Left lung"


def test_every_step_of_the_engine_has_words():
    sources = Path(wording.__file__).parents[1].rglob("*.py")
    said = {
        step.partition(":")[0] if "{" in step else step
        for path in sources
        for step in re.findall(
            r'(?:progress\.step\(\s*|\.tell\([\d.]+, )f?"([^"]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert said - set(wording.STEPS) == set()
    assert {"fetch the files", "keep the files", "read the scan"} <= said


def test_every_method_of_the_engine_has_words():
    from plastinate.recipes.load import load_structures
    from plastinate.stages import catalog

    methods = {*catalog.PREPARE, *catalog.SEGMENT, "merge-labels"}
    assert methods - {*wording.PARTS, *load_structures()} == set()


@pytest.mark.slow
def test_a_first_look_that_failed_can_be_begun_again_and_says_what_can_be_brought_in(stage: Stage):
    from plastinate.archive.tables import Build, Job

    def failed(code: str) -> tuple[str, str]:
        scene = stage.new_scene(state="done")
        with stage.archive.database.write() as session:
            session.query(Build).filter_by(case_id=scene.case).delete()
            error = {"code": code, "sentence": "It failed.", "hint": ""}
            session.add(Job(case_id=scene.case, kind="inspect", state="failed", error=error))
        with stage.archive.database.read() as session:
            return scene.case, session.query(Job).filter_by(case_id=scene.case, kind="inspect").one().id

    browser = stage.browser("owner")
    for code in ("job.lost", "input.no-images"):
        case_id, job_id = failed(code)
        page = browser.get(f"/cases/{case_id}").text
        assert code in page
        assert "A folder or CD of DICOM files" in page
        assert f"/cases/{case_id}/trash" in page.partition('id="found"')[2]
        assert f"/jobs/{job_id}/again" in page
        for _ in range(2):
            assert browser.post(f"/jobs/{job_id}/again").status_code == MOVED
        with stage.archive.database.read() as session:
            assert session.query(Job).filter_by(case_id=case_id, kind="inspect", state="queued").count() == 1
        assert "being looked at" in browser.get(f"/cases/{case_id}").text
    assert f"/jobs/{job_id}/again" not in stage.browser("viewer").get(f"/cases/{case_id}").text


def test_an_installation_without_its_pages_says_so_in_plain_text(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("plastinate.web.assets.MANIFEST", tmp_path / "manifest.json")
    answer = stage.visitor().get("/sign-in", headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.mimetype == "text/plain"
    assert "make install" in answer.text


def test_a_database_that_fails_is_told_on_a_page(stage: Stage):
    from sqlalchemy import text

    browser = stage.browser("owner")
    with stage.archive.database.write() as session:
        session.execute(text("ALTER TABLE people RENAME TO gone"))
    answer = browser.get("/cases", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert "tell the administrator" in answer.text


@pytest.mark.slow
def test_the_shelf_is_searched_by_what_the_reader_calls_an_organ(stage: Stage):
    from plastinate.archive.tables import Build

    scene, _ = stage.new_scene(title="Ada"), stage.new_scene(title="Bo")
    with stage.archive.database.write() as session:
        build = session.get(Build, scene.build)
        assert build
        build.summary = {
            "organs": [{"id": "lung-left", "name": "Left lung", "colour": "#888888", "light": "green"}]
        }
    browser = stage.browser("owner")
    for language, words, is_found in (
        ("en", "left lung", True),
        ("en", "linke lunge", False),
        ("de", "linke lunge", True),
        ("de", "lung", True),
        ("de", "gehirn", False),
    ):
        browser.set_cookie("language", language)
        page = browser.get("/cases", query_string={"search": words}).text
        assert (f"/cases/{scene.case}" in page) == is_found, (language, words)
        assert "Bo</a>" not in page
