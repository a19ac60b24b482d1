"""What is no picture is told so in a sentence with a code and a hint, and nothing of it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bad_pictures import BAD_PICTURES, BadPicture, odd_pictures
from drawn_pictures import coloured, encoded
from plastinate.cli.main import run
from tiny_scans import save_series

pytestmark = pytest.mark.slow

STATUS = {"input": 3, "limit": 4}


def ended(*words: object) -> int:
    with pytest.raises(SystemExit) as left:
        run([str(word) for word in words])
    return int(left.value.code or 0)


@pytest.mark.parametrize("bad", BAD_PICTURES, ids=lambda bad: bad.name)
def test_what_is_no_picture_is_refused_with_a_hint_and_nothing_is_written(
    bad: BadPicture, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / bad.name
    path.write_bytes(bad.data)
    assert ended("build", path, "-o", tmp_path / "out") == STATUS[bad.code.split(".")[0]]
    said = capsys.readouterr().err
    assert bad.words in said
    assert f"[{bad.code}]" in said
    assert "hint:" in said
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("name", "data"), odd_pictures().items(), ids=odd_pictures())
def test_an_odd_picture_becomes_a_model_all_the_same(name: str, data: bytes, tmp_path: Path):
    path = tmp_path / name
    path.write_bytes(data)
    quick = ("--no-check", "--no-preview", "--single-level", "--format", "stl")
    assert ended("build", path, "-o", tmp_path / "out", "--as", "relief", "--width-mm", "10", *quick) == 0
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["relief-ESTIMATED.stl"]


def test_a_build_of_which_nothing_is_asked_is_a_wrong_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    save_series(tmp_path / "scan")
    assert ended("build", tmp_path / "scan") == 2
    assert "Say what to build" in capsys.readouterr().err
    assert ended("build", tmp_path / "scan", "--wall-mm", "2") == 2
    assert "--wall-mm is for one picture" in capsys.readouterr().err


def test_a_picture_option_does_not_hide_that_there_is_no_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "poem.png").write_bytes(b"Once upon a time.\n")
    assert ended("build", tmp_path / "poem.png", "--no-network") == 3
    assert "Neither a scan nor a picture" in capsys.readouterr().err


def test_without_a_folder_a_picture_gets_one_named_after_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "cat.png").write_bytes(encoded(coloured()))
    monkeypatch.chdir(tmp_path)
    quick = ("--as", "relief", "--width-mm", "10", "--no-check", "--no-preview", "--format", "stl")
    assert ended("build", "cat.png", *quick) == 0
    assert (tmp_path / "cat-models" / "relief-ESTIMATED.stl").is_file()
