"""What is handed out as source is all of the source, with the pages built."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

ROOT = Path(__file__).parents[2]
WANTED = {
    "CONTRIBUTING.md",
    "SECURITY.md",
    "LICENSE",
    "Makefile",
    "build_pages.py",
    "deploy/compose.yaml",
    "deploy/plastinate.service",
    "deploy/backup.py",
    "docs/how-to/run-a-server.md",
    "benchmarks/run_all.py",
    "viewer/package-lock.json",
    "tests/phantoms.py",
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("sdist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(folder)]
    # Taken as they lie here: what builds them is tried elsewhere.
    environment = {**os.environ, "PLASTINATE_WITHOUT_PAGES": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    [path] = folder.iterdir()
    with tarfile.open(path) as archive:
        return {member.name.partition("/")[2] for member in archive.getmembers()}


def test_an_sdist_carries_what_a_server_is_set_up_with_and_what_contributors_need(names: set[str]):
    assert sorted(WANTED - names) == []


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="there is no repository to compare with")
def test_an_sdist_holds_every_file_of_the_repository(names: set[str]):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    there = {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    assert sorted(there - names) == []


def test_an_sdist_carries_the_pages_built_and_nothing_that_was_fetched_or_compiled(names: set[str]):
    built = "src/plastinate/web/static/built/"
    assert f"{built}manifest.json" in names
    assert any(name.startswith(built) and name.endswith(".js") for name in names)
    strange = {name for name in names if "node_modules" in name or name.endswith((".so", ".pyc"))}
    assert strange == set()
