"""What a card calls a package reaches pip and npm only where it can be nothing but a name and a version."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from model_shelf import card
from plastinate.depot import npm_download, pip_download
from plastinate.depot.cards import Archive
from plastinate.depot.package_names import package_flaw
from plastinate.depot.registry import read_own_card
from plastinate.model.depot_errors import ModelCardFlaw
from plastinate.model.errors import DownloadFailed

FOREIGN = [
    ("pypi", "evil @ http://127.0.0.1:9/evil-1.tar.gz#", "1.0"),
    ("pypi", "-rhttp://127.0.0.1:9/list.txt?", "1.0"),
    ("pypi", "--index-url=http://127.0.0.1:9", "1.0"),
    ("pypi", "./evil.zip", "1.0"),
    ("pypi", "evil\n", "1.0"),
    ("pypi", "evil[extra]", "1.0"),
    ("pypi", "tiny", "1.0 @ http://127.0.0.1:9/x"),
    ("pypi", "tiny", "1.*"),
    ("pypi", "tiny", "1.0+here.zip"),
    ("pypi", "tiny", "¹.0"),
    ("pypi", "t" * 300, "1.0"),
    ("npm", "owner/repository", "1.0.0"),
    ("npm", "git+ssh://somewhere", "1.0.0"),
    ("npm", "--registry=http://127.0.0.1:9", "1.0.0"),
    ("npm", "@scope/../x", "1.0.0"),
    ("npm", "tiny", "file:../evil"),
    ("npm", "tiny", "latest"),
    ("npm", "tiny", "^1.0.0"),
]


@pytest.mark.parametrize(
    ("kind", "package", "version"),
    [
        ("pypi", "medsam_lite.tools", "0.1.1"),
        ("pypi", "a", "1!2.0rc1.post2.dev3"),
        ("npm", "@tiny/weights", "1.0.0"),
        ("npm", "tiny", "1.0.0-beta.2+build.3"),
    ],
)
def test_a_name_and_an_exact_version_go_through(kind: str, package: str, version: str):
    assert package_flaw(kind, package=package, version=version) is None


@pytest.mark.parametrize(("kind", "package", "version"), FOREIGN)
def test_a_card_with_more_than_a_name_and_a_version_is_refused(
    kind: str, package: str, version: str, tmp_path: Path
):
    file = "x-none-any.whl" if kind == "pypi" else "x.tgz"
    source = {"kind": kind, "package": package, "version": version, "file": file}
    written = {f"source__{key}": value for key, value in source.items()}
    path = tmp_path / "card.toml"
    path.write_text(card(**written, source__bytes=5, source__sha256="a" * 64))
    if package == "evil\n":  # white space about a word is not part of it
        assert package_flaw(kind, package=package, version=version)
        return

    with pytest.raises(ModelCardFlaw, match=r"source\.(package|version): must be"):
        read_own_card(path)


@pytest.mark.parametrize(("kind", "package", "version"), FOREIGN)
def test_neither_program_is_started_for_more_than_a_name_and_a_version(
    kind: str, package: str, version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for module in (pip_download, npm_download):
        monkeypatch.setattr(module, "run_watched", lambda *_, **__: pytest.fail("a program was started"))
    archive = Archive(kind, "x-none-any.whl", 5, "a" * 64, package, version)  # type: ignore[arg-type]

    ask = pip_download.pip_download if kind == "pypi" else partial(npm_download.npm_download, "npm")
    with pytest.raises(DownloadFailed, match="exact version"):
        ask(archive, tmp_path, progress=lambda *_: None)


def test_pip_is_asked_for_wheels_only_and_the_name_stands_behind_the_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked: list[list[str]] = []

    def run(command: list[str], *_: object, **__: object) -> None:
        asked.append(command)
        (tmp_path / "x-none-any.whl").touch()

    monkeypatch.setattr(pip_download, "run_watched", run)
    archive = Archive("pypi", "x-none-any.whl", 5, "a" * 64, "tiny", "1.0")
    pip_download.pip_download(archive, tmp_path, progress=lambda *_: None)

    assert asked[0][-2:] == ["--", "tiny==1.0"]
    assert asked[0][asked[0].index("--only-binary") + 1] == ":all:"
    sdist = Archive("pypi", "x-1.0.tar.gz", 5, "a" * 64, "tiny", "1.0")
    with pytest.raises(DownloadFailed):
        pip_download.pip_download(sdist, tmp_path, progress=lambda *_: None)
