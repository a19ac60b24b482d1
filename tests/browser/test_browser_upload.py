"""In real Chromium: from the one-time link to the models on the disk, and through the death of the server."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bead_scans import write_bead
from chromium import watched_page
from job_rig import eventually
from running_server import EMAIL, PASSWORD, RunningServer, Visitor, serving

pytestmark = pytest.mark.slow

MEBIBYTE = 1 << 20
# Long enough for a machine that does three other things.
PATIENCE_MS = 120_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RunningServer]:
    with serving(tmp_path) as running:
        yield running


@pytest.fixture
def page(browser: Any, server: RunningServer, complaints: list[str]) -> Iterator[Any]:
    """The first administrator's page, just arrived."""
    page = watched_page(browser, complaints)
    page.set_default_timeout(PATIENCE_MS)
    page.goto(server.link)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Name", exact=True).fill("Ada Lovelace")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same password again").fill(PASSWORD)
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/cases*")
    yield page
    page.context.close()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_folder_becomes_organs_and_comes_back_as_files(page: Any, complaints: list[str], tmp_path: Path):
    write_bead(tmp_path / "Marble scan")
    page.goto(page.url.split("/cases")[0] + "/cases/new")
    page.get_by_label("What to call it").fill("A <b>marble</b>")
    page.locator("#folder").set_input_files(tmp_path / "Marble scan")
    page.wait_for_url(re.compile(r"/cases/[a-z0-9]{20}$"))
    assert page.get_by_role("heading", level=1).inner_text() == "A <b>marble</b>"

    page.get_by_role("heading", name="Choose what to build").wait_for()
    page.get_by_label("Single organs").check()
    page.get_by_role("checkbox", name="Skin", exact=True).check()
    page.get_by_role("button", name="Build", exact=True).click()
    page.locator(".result .organs").wait_for()
    assert "Skin" in page.locator(".result .organs").inner_text()

    with page.expect_download() as awaited:
        page.locator(".downloads a", has_text="Everything").first.click()
    awaited.value.save_as(tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert archive.testzip() is None
        assert {"scene.glb", "models/skin.stl", "certificate.html"} <= set(archive.namelist())
    page.locator(".result a", has_text="Certificate").click()
    page.wait_for_url("**/builds/**")
    assert complaints == []


def test_whoever_signs_out_is_out_and_comes_back_with_the_password(page: Any, complaints: list[str]):
    where = page.url
    page.locator("header summary, header .menu > button").first.click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(re.compile("/sign-in"))
    page.goto(where)
    page.wait_for_url(re.compile("/sign-in"))
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/cases*")
    assert complaints == []


def test_300_megabytes_survive_the_death_of_the_server_and_arrive_by_themselves(
    page: Any, server: RunningServer, tmp_path: Path
):
    big = tmp_path / "big.bin"
    block = bytes(range(256)) * 4096
    with big.open("wb") as sink:
        for number in range(300):
            sink.write(number.to_bytes(4, "little") + block[4:])
    page.goto(server.url + "/cases/new")
    page.locator("#files").set_input_files(big)
    uploads = server.home / "uploads"

    def sent() -> int:
        return max((path.stat().st_size for path in uploads.rglob("*") if path.is_file()), default=0)

    eventually(lambda: sent() > 60 * MEBIBYTE, what="a fifth of the upload")
    server.kill()
    kept = sent()
    assert kept < 300 * MEBIBYTE
    page.get_by_text("The server does not answer just now.").wait_for()
    server.start()
    page.wait_for_url(re.compile(r"/cases/[a-z0-9]{20}$"))
    ada = Visitor(server.url)
    ada.sign_in()
    [case] = ada.get("/api/cases").json()["cases"]
    [arrived] = ada.get(f"/api/cases/{case['id']}").json()["inputs"]
    assert (arrived["size"], arrived["sha256"]) == (300 * MEBIBYTE, sha256(big))
