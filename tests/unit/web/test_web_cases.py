"""Cases over the API: found, changed as they were seen, thrown away and taken back, shared and unshared."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from plastinate.archive.tables import ShareLink, now
from web_stage import Scene, Stage

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}} ${7*7} {% raw %}",
    "\u202egnp.exe",
    "Ünïcödé 肺 🫁",
    "a\tb",
]


@pytest.mark.slow
def test_a_list_has_what_a_person_may_see_page_by_page(stage: Stage):
    made = [stage.new_scene(title=f"Case {number}").case for number in range(5)]
    browser = stage.browser("viewer")
    first = browser.get("/api/cases?per_page=2&order=oldest").json
    assert (first["total"], [each["id"] for each in first["cases"]]) == (5, made[:2])
    last = browser.get("/api/cases?per_page=2&page=3&order=oldest").json
    assert [each["id"] for each in last["cases"]] == made[4:]
    assert {each["role"] for each in first["cases"]} == {"view"}
    assert stage.browser("other").get("/api/cases").json["total"] == 0
    assert stage.browser("owner").get("/api/cases?shared=true").json["total"] == 0
    assert browser.get("/api/cases?shared=true&search=case 3").json["total"] == 1
    assert browser.get("/api/cases/tags").json == {"tags": ["chest"]}


@pytest.mark.parametrize("text", HOSTILE)
def test_text_comes_back_as_it_was_written(stage: Stage, scene: Scene, text: str):
    browser, path = stage.browser("owner"), f"/api/cases/{scene.case}"
    answer = browser.patch(path, json={"title": text, "notes": text, "tags": [text]})
    assert (answer.json["title"], answer.json["notes"], answer.json["tags"]) == (text, text, [text])
    assert browser.get("/api/cases", query_string={"search": text}).json["total"] == 1


def test_a_nul_becomes_something_that_can_be_seen(stage: Stage, scene: Scene):
    answer = stage.browser("owner").patch(f"/api/cases/{scene.case}", json={"title": "a\0b"})
    assert answer.json["title"] == "a\N{REPLACEMENT CHARACTER}b"
    broken = b'{"title": "\\ud800"}'
    path = f"/api/cases/{scene.case}"
    assert stage.browser("owner").patch(path, data=broken, content_type="application/json").status_code == 422


def test_a_change_of_something_that_has_changed_meanwhile_is_refused(stage: Stage, scene: Scene):
    owner, editor, path = stage.browser("owner"), stage.browser("editor"), f"/api/cases/{scene.case}"
    etag = owner.get(path).headers["ETag"]
    done = editor.patch(path, json={"title": "Mine"}, headers={"If-Match": etag})
    assert done.status_code == 200
    assert done.headers["ETag"] != etag
    refused = owner.patch(path, json={"title": "No, mine"}, headers={"If-Match": etag})
    assert (refused.status_code, refused.json["code"]) == (409, "request.conflict")
    assert owner.get(path).json["title"] == "Mine"


def test_a_case_is_deleted_for_good_only_from_the_trash(stage: Stage, scene: Scene):
    owner, path = stage.browser("owner"), f"/api/cases/{scene.case}"
    assert owner.delete(f"{path}?forever=true").status_code == 409
    assert owner.delete(path).status_code == 204
    assert stage.browser("viewer").get(path).status_code == 404
    assert owner.get("/api/cases?trash=true").json["total"] == 1
    assert owner.post(f"{path}/restore").json["trashed_at"] is None
    owner.delete(path)
    assert owner.delete(f"{path}?forever=true").status_code == 204
    assert owner.get(path).status_code == 404


def test_a_wish_is_checked_before_it_is_queued(stage: Stage, scene: Scene):
    owner, path = stage.browser("owner"), f"/api/cases/{scene.case}/jobs"
    begun = owner.post(path, json={"recipe": "ct-lungs"})
    assert (begun.status_code, begun.json["kind"], begun.json["state"]) == (202, "build", "queued")
    assert owner.post(path, json={"recipe": "ct-lungs"}).json["id"] == begun.json["id"]
    for wish in (
        {},
        {"recipe": "ct-chest", "organs": ["lung-left"]},
        {"organs": ["horn"]},
        {"recipe": "../x"},
        {"threshold": [5, 1]},
        {"recipe": "ct-chest", "formats": ["exe"]},
    ):
        answer = owner.post(path, json=wish)
        assert (answer.status_code, bool(answer.json["hint"])) == (422, True), wish


def test_a_job_is_cancelled(stage: Stage, scene: Scene):
    answer = stage.browser("editor").post(f"/api/jobs/{scene.job}/cancel")
    assert answer.json["state"] == "cancelled"


def test_a_shared_case_is_seen_until_it_is_unshared(stage: Stage, scene: Scene):
    owner, other = stage.browser("owner"), stage.browser("other")
    path = f"/api/cases/{scene.case}"
    shared = owner.post(f"{path}/shares", json={"email": "OTHER@example.org"})
    assert (shared.status_code, shared.json["role"]) == (201, "view")
    assert other.patch(path, json={"title": "x"}).status_code == 403
    person = stage.people["other"]
    assert owner.put(f"{path}/shares/{person}", json={"role": "edit"}).json["role"] == "edit"
    assert other.patch(path, json={"title": "x"}).status_code == 200
    assert other.delete(f"{path}/shares/{person}").status_code == 204
    assert other.get(path).status_code == 404
    assert owner.post(f"{path}/shares", json={"email": "nobody@example.org"}).status_code == 404


def test_a_link_opens_one_case_to_whoever_has_it(stage: Stage, scene: Scene):
    secret = stage.browser("owner").post(f"/api/cases/{scene.case}/links", json={"hours": 1, "label": "Dr X"})
    visitor, elsewhere = stage.visitor(), stage.new_scene()
    opened = visitor.get(secret.json["url"])
    assert (opened.status_code, opened.headers["Location"]) == (302, f"/cases/{scene.case}")
    assert opened.headers["Referrer-Policy"] == "no-referrer"
    shown = visitor.get(f"/api/cases/{scene.case}").json
    assert (shown["role"], shown["owner"]["email"]) == ("view", "")
    assert visitor.get(f"/api/cases/{elsewhere.case}").status_code in (401, 404)
    assert visitor.get("/api/me").json["via"] == "link"


def test_a_link_that_was_ended_or_has_expired_opens_nothing_any_more(stage: Stage, scene: Scene):
    path = f"/api/cases/{scene.case}"
    for ending in ("ended", "expired"):
        made = stage.browser("owner").post(f"{path}/links", json={"hours": 1}).json
        visitor = stage.visitor()
        visitor.get(made["url"])
        assert visitor.get(path).status_code == 200
        if ending == "ended":
            stage.browser("owner").delete(f"{path}/links/{made['id']}")
        else:
            with stage.archive.database.write() as session:
                session.execute(update(ShareLink).values(expires_at=now()))
        assert visitor.get(path).status_code == 401
        assert stage.visitor().get(made["url"]).status_code == 410


def test_a_link_stays_open_through_signing_in(stage: Stage, scene: Scene):
    browser = stage.browser("other", links=[scene.link])
    assert browser.get(f"/api/cases/{scene.case}").json["role"] == "view"


def test_the_last_administrator_stays_one(stage: Stage):
    admin = stage.browser("admin")
    for change in ({"is_admin": False}, {"is_active": False}):
        assert admin.patch(f"/api/people/{stage.people['admin']}", json=change).status_code == 409
    assert admin.patch(f"/api/people/{stage.people['other']}", json={"is_admin": True}).json["is_admin"]
    assert admin.patch(f"/api/people/{stage.people['admin']}", json={"is_admin": False}).status_code == 200


def test_a_token_is_told_once_and_ends_when_it_is_deleted(stage: Stage):
    browser = stage.browser("owner")
    made = browser.post("/api/tokens", json={"name": "push", "days": 1}).json
    listed = browser.get("/api/tokens").json["tokens"]
    assert made["id"] in [each["id"] for each in listed]
    assert made["token"] not in str(listed)
    header = {"Authorization": f"Bearer {made['token']}"}
    assert stage.visitor().get("/api/me", headers=header).json["id"] == stage.people["owner"]
    assert browser.delete(f"/api/tokens/{made['id']}").status_code == 204
    assert stage.visitor().get("/api/me", headers=header).status_code == 401


def test_the_server_tells_what_it_can_build(stage: Stage):
    ask = stage.visitor().get
    assert "ct-chest" in [each["name"] for each in ask("/api/recipes").json["recipes"]]
    structures = {each["id"]: each for each in ask("/api/structures").json["structures"]}
    assert structures["lung-left"]["modalities"] == ["CT"]
    assert ask("/api/formats").json["formats"][0] == {"name": "glb", "suffix": ".glb", "holds": "scene"}
    assert ask("/api/health").json["status"] == "ok"
