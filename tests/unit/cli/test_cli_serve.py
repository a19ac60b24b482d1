"""What somebody who starts a server reads in the terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from plastinate.cli.serve import _tell
from plastinate.web import built_pages

WHERE, LINK = "http://127.0.0.1:8000", "http://127.0.0.1:8000/welcome/secret"


def told(capsys: pytest.CaptureFixture[str], link: str | None) -> str:
    _tell(WHERE, link)
    return capsys.readouterr().out


def test_the_last_line_is_the_link_that_makes_the_administrator(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    (tmp_path / "manifest.json").write_text("{}")
    monkeypatch.setattr(built_pages, "MANIFEST", tmp_path / "manifest.json")
    assert told(capsys, LINK).splitlines()[-1].strip() == LINK
    assert told(capsys, None).splitlines() == [f"Plastinate is at {WHERE}   (Ctrl-C stops it)"]


def test_a_server_without_pages_says_so_and_names_the_address_for_programs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setattr(built_pages, "MANIFEST", tmp_path / "manifest.json")
    for link in (LINK, None):
        said = told(capsys, link)
        assert "[system.pages-missing]" in said
        assert "/welcome/" not in said
        assert ("/api/invitations/secret" in said) == (link is not None)
