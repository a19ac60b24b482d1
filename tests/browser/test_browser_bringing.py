"""The page for a new case in real Chromium: what is dropped arrives whole, told honestly, and resumed."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from page_shelf import Shelf, signed_in
from plastinate.archive.tables import CaseInput

MEBIBYTE = 1 << 20
CASE = re.compile(r"/cases/[a-z0-9]{20}$")
SLOW = {"offline": False, "latency": 5, "downloadThroughput": -1, "uploadThroughput": 16 * MEBIBYTE}
AWAY = {**SLOW, "offline": True}
FAST = {**SLOW, "uploadThroughput": -1}


@pytest.fixture
def page(browser: Any, shelf: Shelf, complaints: list[str]) -> Iterator[Any]:
    page = signed_in(browser, shelf, complaints)
    page.goto(f"{shelf.url}/cases/new")
    yield page
    page.context.close()


def a_folder(place: Path, *, size: int = 3000) -> Path:
    """A scan with a folder in a folder, and what systems leave lying about."""
    files = {
        "A/IM1.dcm": b"1" * size,
        "A/IM2.dcm": b"2" * size,
        "B/Ü/写真.dcm": b"3" * 5,
        "A/.DS_Store": b"litter",
    }
    for name, content in files.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place


def arrived(shelf: Shelf, page: Any) -> tuple[str, bytes]:
    """Name and content of the original of the case whose page is open."""
    case_id = page.url.rpartition("/")[2]
    with shelf.archive.database.read() as session:
        original = session.query(CaseInput).filter_by(case_id=case_id).one()
        return original.name, shelf.archive.files.read(original.sha256)


class Network:
    """The network between a page and its server, slow or away as a test wants it."""

    def __init__(self, page: Any) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("Network.enable")

    def be(self, conditions: dict[str, Any]) -> None:
        self._session.send("Network.emulateNetworkConditions", conditions)


def test_a_folder_arrives_as_one_zip_without_litter_under_its_own_name(
    page: Any, shelf: Shelf, complaints: list[str], tmp_path: Path
):
    folder = a_folder(tmp_path / "My scan")
    page.locator("#folder").set_input_files(folder)
    page.wait_for_url(CASE)
    assert page.inner_text("h1") == "My scan"
    name, content = arrived(shelf, page)
    assert name == "My scan.zip"
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["My scan/A/IM1.dcm", "My scan/A/IM2.dcm", "My scan/B/Ü/写真.dcm"]
        assert archive.read("My scan/A/IM1.dcm") == b"1" * 3000
    assert complaints == []


def test_a_single_file_arrives_as_it_is(page: Any, shelf: Shelf, complaints: list[str], tmp_path: Path):
    file = tmp_path / "head <b>.nii.gz"
    file.write_bytes(bytes(range(256)) * 40)
    page.get_by_label("What to call it").fill("A head")
    page.locator("#files").set_input_files(file)
    page.wait_for_url(CASE)
    assert page.inner_text("h1") == "A head"
    assert arrived(shelf, page) == ("head <b>.nii.gz", file.read_bytes())
    assert complaints == []


def test_a_file_that_nobody_named_gives_its_name_without_its_ending(
    page: Any, complaints: list[str], tmp_path: Path
):
    file = tmp_path / "head <b>.nii.gz"
    file.write_bytes(bytes(range(256)))
    page.locator("#files").set_input_files(file)
    page.wait_for_url(CASE)
    assert page.inner_text("h1") == "head <b>"
    assert complaints == []


def test_a_folder_dropped_on_the_page_is_walked(page: Any, shelf: Shelf, complaints: list[str]):
    """A drop cannot be made from outside with a real folder: the page's own interfaces stand for it."""
    page.evaluate("""async () => {
        const file = (name, text) => ({ isFile: true, isDirectory: false, fullPath: "/top/" + name,
            file: take => take(new File([text], name.split("/").at(-1))) });
        const folder = (fullPath, batches) => ({ isFile: false, isDirectory: true, fullPath,
            createReader: () => ({ readEntries: take => take(batches.shift() ?? []) }) });
        const inner = folder("/top/in", [[file("in/b.dcm", "two")]]);
        const top = folder("/top", [[file("a.dcm", "one")], [inner]]);
        const drop = new Event("drop", { bubbles: true, cancelable: true });
        drop.dataTransfer = { items: [{ webkitGetAsEntry: () => top }] };
        document.getElementById("drop").dispatchEvent(drop);
    }""")
    page.wait_for_url(CASE)
    name, content = arrived(shelf, page)
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert (name, archive.namelist()) == ("top.zip", ["top/a.dcm", "top/in/b.dcm"])
    assert complaints == []


def test_an_empty_choice_is_answered_with_what_to_do(page: Any, complaints: list[str], tmp_path: Path):
    (tmp_path / "empty.dcm").write_bytes(b"")
    page.locator("#files").set_input_files(tmp_path / "empty.dcm")
    page.get_by_text("Choose the folder that holds the images.").wait_for()
    assert page.get_by_role("button", name="Choose a folder").is_visible()
    assert complaints == []


@pytest.mark.slow
def test_an_upload_goes_on_where_it_stopped_when_the_same_folder_is_chosen_on_a_new_page(
    page: Any, shelf: Shelf, tmp_path: Path
):
    folder = a_folder(tmp_path / "Large", size=24 * MEBIBYTE)
    offsets: list[int] = []
    page.on(
        "request",
        lambda request: (
            offsets.append(int(request.headers["upload-offset"])) if request.method == "PATCH" else None
        ),
    )
    network = Network(page)
    network.be(SLOW)
    page.locator("#folder").set_input_files(folder)
    with page.expect_request(lambda request: request.headers.get("upload-offset") == str(16 * MEBIBYTE)):
        pass
    page.once("dialog", lambda dialog: dialog.accept())
    page.reload()
    offsets.clear()
    page.locator("#folder").set_input_files(folder)
    page.wait_for_url(CASE)
    assert offsets[0] >= 16 * MEBIBYTE
    with zipfile.ZipFile(BytesIO(arrived(shelf, page)[1])) as archive:
        assert archive.testzip() is None
        assert (
            hashlib.sha256(archive.read("Large/A/IM2.dcm")).digest()
            == hashlib.sha256((folder / "A" / "IM2.dcm").read_bytes()).digest()
        )


@pytest.mark.slow
def test_a_network_that_goes_away_is_said_calmly_and_a_pause_is_a_pause(page: Any, tmp_path: Path):
    network = Network(page)
    network.be(SLOW)
    page.locator("#folder").set_input_files(a_folder(tmp_path / "Long", size=40 * MEBIBYTE))
    page.get_by_text("a second").wait_for()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("Paused. What has arrived is kept.").wait_for()
    shown = page.locator("#share").inner_text()
    page.wait_for_timeout(600)  # nothing is waited for: that nothing happens is what is looked at
    assert page.locator("#share").inner_text() == shown
    page.get_by_role("button", name="Go on", exact=True).first.click()
    page.wait_for_function("before => document.getElementById('share').textContent !== before", arg=shown)
    network.be(AWAY)
    page.get_by_text("The server does not answer just now.").wait_for()
    assert page.get_by_role("button", name="Go on").count() == 0
    network.be(FAST)
    page.wait_for_url(CASE)


def test_cancelling_gives_the_page_back(page: Any, shelf: Shelf, complaints: list[str], tmp_path: Path):
    network = Network(page)
    network.be(SLOW)
    page.locator("#folder").set_input_files(a_folder(tmp_path / "Unwanted", size=60 * MEBIBYTE))
    page.get_by_text("a second").wait_for()
    page.get_by_role("button", name="Cancel the upload").click()
    page.get_by_role("button", name="Choose a folder").wait_for()
    network.be(FAST)
    page.locator("#folder").set_input_files(a_folder(tmp_path / "Wanted"))
    page.wait_for_url(CASE)
    assert page.inner_text("h1") == "Wanted"


def test_a_refused_upload_says_why(page: Any, shelf: Shelf, tmp_path: Path):
    object.__setattr__(shelf.archive.settings, "upload_bytes", 1000)
    try:
        page.locator("#folder").set_input_files(a_folder(tmp_path / "Big"))
        page.get_by_text("more than the 1,000 allowed").wait_for()
        assert page.get_by_text("Bring it in parts, or ask the administrator for more.").is_visible()
        assert page.get_by_text("PLASTINATE_").count() == 0
    finally:
        object.__setattr__(shelf.archive.settings, "upload_bytes", 8 << 30)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url(CASE)


def test_a_refused_upload_says_why_in_the_readers_language(
    browser: Any, shelf: Shelf, complaints: list[str], tmp_path: Path
):
    page = signed_in(browser, shelf, complaints, locale="de")
    page.goto(f"{shelf.url}/cases/new")
    object.__setattr__(shelf.archive.settings, "upload_bytes", 1000)
    try:
        page.locator("#folder").set_input_files(a_folder(tmp_path / "Big"))
        page.get_by_text("Das ist zu groß zum Hochladen.").wait_for()
        assert "Laden Sie es in Teilen hoch" in page.inner_text("#trouble-hint")
    finally:
        object.__setattr__(shelf.archive.settings, "upload_bytes", 8 << 30)
    page.context.close()
