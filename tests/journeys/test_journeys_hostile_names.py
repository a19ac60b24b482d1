"""Names that try to be something else: through a real server, a build, its files and Chromium."""

from __future__ import annotations

import base64
import html
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pydicom
import pytest

from bead_scans import write_bead
from chromium import chromium, watched_page
from running_server import EMAIL, PASSWORD, RunningServer, Visitor, serving
from server_talk import TUS, done

pytestmark = pytest.mark.slow

SCRIPT = "<script>alert(1)</script>"
MARKS = "{{7*7}} ${7*7} {% raw %} %s"
QUOTES = "\"'><img src=x onerror=alert(2)>"
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}gpj.exe"
BROKEN = "line\r\nSet-Cookie: evil=1\r\n\r\n<b>NUL\x00end"
EVERY = {"script": SCRIPT, "marks": MARKS, "quotes": QUOTES, "turned": TURNED, "broken": BROKEN}
# No letter of these may come through, and this is what stands in their place.
INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


@dataclass
class Bazaar:
    """A server on which everything is called by the worst names.

    Attributes:
        ada: its administrator.
        cases: by the kind of name, each with a build.
        pages: every page that shows any of it.
    """

    server: RunningServer
    ada: Visitor
    cases: dict[str, dict[str, Any]] = field(default_factory=dict)
    builds: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: list[str] = field(default_factory=list)


def named_scan(folder: Path, name: str) -> bytes:
    """A zip of a scan whose patient, series and files are called so."""
    zipped = io.BytesIO()
    text = name.replace("\x00", "").replace("\\", "")
    with zipfile.ZipFile(zipped, "w") as archive:
        for number, path in enumerate(sorted(write_bead(folder / "scan").iterdir())):
            dataset = pydicom.dcmread(path)
            dataset.SpecificCharacterSet = "ISO_IR 192"
            dataset.PatientName, dataset.PatientID = text, text[:60]
            dataset.SeriesDescription = dataset.StudyDescription = text[:60]
            kept = io.BytesIO()
            dataset.save_as(kept)
            archive.writestr(f"{number:02} {name}", kept.getvalue())
        # What is left out is told by its name.
        archive.writestr(f"odd {name}", b"\x00" * 128 + b"DICM" + b"\xff" * 50)
        archive.writestr(f"bad {name}.zip", b"PK\x03\x04" + bytes(50))
    return zipped.getvalue()


def uploaded(ada: Visitor, data: bytes, name: str) -> str:
    meta = "filename " + base64.b64encode(f"{name}.zip".encode()).decode()
    headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": meta}
    place = ada.post("/api/uploads", headers=headers).headers["Location"]
    piece = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    assert ada.patch(place, data=data, headers=piece).status_code == 204
    return place.rpartition("/")[2]


def made(ada: Visitor, folder: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A case and its build."""
    upload = uploaded(ada, named_scan(folder, name), name)
    case = ada.post("/api/cases", json={"title": name, "upload_ids": [upload]}).json()
    changes = {"title": name, "notes": name * 2, "tags": [name[:60]]}
    assert ada.patch(f"/api/cases/{case['id']}", json=changes).ok
    done(ada, ada.get(f"/api/cases/{case['id']}/jobs").json()["jobs"][0]["id"])
    wish = {"threshold": [500, None], "name": name, "formats": ["stl", "glb", "obj"]}
    answer = ada.post(f"/api/cases/{case['id']}/jobs", json=wish)
    assert answer.status_code == 202, answer.text
    done(ada, answer.json()["id"])
    assert ada.post(f"/api/cases/{case['id']}/links", json={"hours": 1, "label": name}).ok
    build = ada.get(f"/api/cases/{case['id']}/builds").json()["builds"][0]
    return ada.get(f"/api/cases/{case['id']}").json(), build


@pytest.fixture(scope="module")
def bazaar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bazaar]:
    with serving(tmp_path_factory.mktemp("bazaar")) as server:
        ada = server.first_administrator()
        found = Bazaar(server, ada, pages=["/cases", "/cases/trash", "/cases/new", "/account", "/people"])
        for kind, name in EVERY.items():
            assert ada.post("/api/tokens", json={"name": name}).ok
            assert ada.post("/api/people", json={"email": f"{kind}@example.org", "name": name}).ok
            case, build = made(ada, tmp_path_factory.mktemp(kind), name)
            found.cases[kind], found.builds[kind] = case, build
            found.pages += [f"/cases/{case['id']}", f"/cases/{case['id']}/builds/{build['id']}"]
        yield found


def test_no_page_takes_a_name_for_its_own(bazaar: Bazaar):
    for path in bazaar.pages:
        answer = bazaar.ada.get(path)
        assert answer.ok, path
        for evil in (SCRIPT, "<img src=x", "<b>NUL"):
            assert evil not in answer.text, path
        assert not INVISIBLE.search(answer.text), path
        assert "evil" not in answer.cookies, path
        assert not [name for name in answer.headers if "evil" in name.lower()], path


@pytest.mark.parametrize("kind", EVERY)
def test_a_page_shows_every_letter_of_a_name_that_can_be_shown(bazaar: Bazaar, kind: str):
    page = html.unescape(bazaar.ada.get(f"/cases/{bazaar.cases[kind]['id']}").text)
    for part in re.split(r"[\x00-\x1f\u202e]+", EVERY[kind]):
        assert part in page


@pytest.mark.parametrize("kind", EVERY)
def test_every_download_keeps_its_name_out_of_its_headers(bazaar: Bazaar, kind: str):
    ada, case, build = bazaar.ada, bazaar.cases[kind], bazaar.builds[kind]
    paths = [each["url"] for each in build["files"]]
    paths += [f"/api/cases/{case['id']}/archive", f"/api/builds/{build['id']}/archive"]
    for path in paths:
        answer = ada.get(path)
        assert answer.ok, path
        shown = answer.headers["Content-Disposition"]
        assert shown.isascii(), shown
        assert shown.isprintable(), shown
        name = unquote(shown.rpartition("''")[2])
        assert not INVISIBLE.search(name), shown
        assert not re.search(r"[\r\n/\\]", name), shown
        assert "evil" not in answer.cookies
        assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", EVERY)
def test_what_leaves_the_server_can_be_unpacked_anywhere(bazaar: Bazaar, kind: str):
    ada, case, build = bazaar.ada, bazaar.cases[kind], bazaar.builds[kind]
    for path in (f"/api/cases/{case['id']}/archive", f"/api/builds/{build['id']}/archive"):
        with zipfile.ZipFile(io.BytesIO(ada.get(path).content)) as archive:
            assert archive.testzip() is None
            for name in archive.namelist():
                assert not re.search(r'[\x00-\x1f\\:*?"<>|]', name), name
                assert ".." not in name.split("/"), name
    certificate = next(each for each in build["files"] if each["name"] == "certificate.html")
    page = ada.get(certificate["url"]).text
    assert SCRIPT not in page
    assert "<img src=x" not in page
    json.loads(ada.get(next(f["url"] for f in build["files"] if f["name"] == "certificate.json")).content)


def test_chromium_runs_nothing_of_it_and_has_nothing_to_complain_of(bazaar: Bazaar):
    complaints: list[str] = []
    asked: list[str] = []
    with chromium() as browser:
        page = watched_page(browser, complaints)
        page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.goto(f"{bazaar.server.url}/sign-in")
        page.fill("#email", EMAIL)
        page.fill("#password", PASSWORD)
        page.click("main form button")
        page.wait_for_url("**/cases")
        for path in bazaar.pages:
            page.goto(bazaar.server.url + path)
            page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
            assert page.query_selector("img[src=x]") is None, path
            assert "\u202e" not in page.content(), path
    assert (asked, complaints) == ([], [])
