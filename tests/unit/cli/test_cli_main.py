"""Commands in one process: what is printed, and the exit status by kind of error."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bead_scans import write_bead
from plastinate.cli import main
from plastinate.model.errors import Cancelled

QUICK = ("--single-level", "--no-check", "--no-preview", "--format", "stl")


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bead(tmp_path_factory.mktemp("bead") / "scan")


@pytest.fixture
def shell(capsys: pytest.CaptureFixture[str]):
    """Run the command line here and give back status, stdout and stderr."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main.run([str(argument) for argument in arguments])
        seen = capsys.readouterr()
        return int(left.value.code or 0), seen.out, seen.err

    yield run
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_help_names_every_command_and_every_status(shell):
    status, out, _ = shell("--help")
    assert status == 0
    for word in ("inspect", "build", "convert", "recipes", "plan", "sample", "doctor", "logout"):
        assert word in out
    listed = {
        int(row) for row in re.findall(r"\b(\d+)\b", out.partition("Exit status:")[2].partition("\n\n")[0])
    }
    page = (Path(__file__).parents[3] / "docs" / "reference" / "errors.md").read_text()
    rows = re.findall(
        r"^\| ([\d, ]+) \|", page.partition("## Exit status")[2].partition("## Errors")[0], re.M
    )
    assert listed == {int(number) for row in rows for number in row.split(",")}


def test_help_says_of_every_command_in_a_whole_sentence_what_it_does(shell):
    _, out, _ = shell("--help")
    lines = out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == sorted(main.cli.commands)
    assert all(line.endswith(".") and not line.endswith("..") for line in lines), lines


@pytest.mark.slow
def test_a_scan_is_looked_at_in_a_table_or_in_json(shell, scan: Path):
    assert "phantom" in shell("inspect", scan)[1]
    assert json.loads(shell("inspect", scan, "--json")[1])["series"][0]["number"] == 1


@pytest.mark.slow
def test_a_build_prints_what_it_made(shell, scan: Path, tmp_path: Path):
    status, out, _ = shell(
        "build", scan, "-o", tmp_path / "out", "--threshold", ":300", *QUICK, "--triangles", 500
    )
    assert status == 0
    assert "surface.stl" in out
    status, out, _ = shell("build", scan, "-o", tmp_path / "out", "--threshold", "500:", *QUICK, "--json")
    assert list(json.loads(out)["files"]) == ["models/surface.stl"]
    target = tmp_path / "a.obj"
    status, out, _ = shell("convert", tmp_path / "out" / "models" / "surface.stl", target)
    assert (status, target.exists()) == (0, True)


@pytest.mark.slow
def test_a_file_of_prompts_that_is_none_is_refused_before_the_scan_is_read(shell, tmp_path: Path):
    (tmp_path / "drawn.toml").write_text('[[liver]]\nkind = "circle"\n')
    status, _, said = shell("build", tmp_path / "nowhere", "--prompts", tmp_path / "drawn.toml")
    assert status == 5
    assert "prompt.flaw" in said
    assert shell("build", tmp_path / "nowhere", "--prompts", tmp_path / "none.toml")[0] == 3


@pytest.mark.slow
def test_lists_are_printed(shell):
    assert "ct-skin" in shell("recipes")[1]
    assert json.loads(shell("recipes", "--json")[1])[0]["structures"]
    assert "source" in shell("plan", "ct-lungs")[1]
    assert "chest-ct" in shell("sample")[1]
    assert shell("doctor")[0] == 0


def test_a_doctor_who_finds_something_amiss_says_so_by_status(shell, monkeypatch, tmp_path: Path):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))
    status, out, _ = shell("doctor")
    assert status == 7
    assert "amiss" in out


def test_a_sample_that_lies_there_is_not_fetched_again(shell, tmp_path: Path):
    from plastinate.services.sample import SAMPLES, _source_text

    (tmp_path / "SOURCE.txt").write_text(_source_text(SAMPLES["chest-ct"]), encoding="utf-8")
    status, out, _ = shell("sample", "chest-ct", tmp_path)
    assert status == 0
    assert "dicom" in out
    assert shell("sample", "chest-ct")[0] == 2
    assert shell("sample", "chest-tc", tmp_path)[0] == 5


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (KeyboardInterrupt(), 130, "Stopped"),
        (Cancelled(), 130, "run.cancelled"),
        (MemoryError(), 7, "out of memory"),
        (RuntimeError("odd"), 1, "RuntimeError: odd"),
        (click.Abort(), 130, "Stopped"),
    ],
)
def test_whatever_happens_ends_in_words(shell, monkeypatch, error, status, words):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli.commands["recipes"], "callback", fail)
    found, _, err = shell("recipes")
    assert found == status
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("error", [RuntimeError("odd"), Cancelled()])
def test_debug_lets_an_error_through(monkeypatch, shell, error):
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(main.cli.commands["recipes"], "callback", fail)
    with pytest.raises(type(error)):
        main.run(["--debug", "recipes"])


def test_windows_are_read_from_low_to_high(shell, scan: Path, tmp_path: Path):
    for window in ("5", "x:", ":"):
        status = shell("build", scan, "-o", tmp_path / "out", "--threshold", window, *QUICK)[0]
        assert status in (2, 5)
    assert not (tmp_path / "out").exists()


def in_shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = f"{sys.executable} -m plastinate.cli.main"
    return subprocess.run(
        ["bash", "-c", line.replace("plastinate", program)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
def test_a_terminal_of_few_letters_gets_what_it_can_show():
    shown = in_shell("plastinate plan ct-lungs", PYTHONIOENCODING="ascii")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "threshold" in shown.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "status", "words"),
    [
        ("plastinate recipes >&-", 0, ""),
        ("plastinate recipes > /dev/full", 7, "system.cannot-write"),
        ("plastinate recipes --json > /dev/full", 7, "system.cannot-write"),
        ("plastinate recipes 2> /dev/full", 0, ""),
        ("plastinate plan ct-nothing 2> /dev/full", 5, ""),
        ("(sleep 0.3; plastinate recipes) | true; exit ${PIPESTATUS[0]}", 141, ""),
        ("(sleep 0.3; plastinate recipes --json) | true; exit ${PIPESTATUS[0]}", 141, ""),
    ],
)
def test_a_stream_that_refuses_ends_in_words_and_a_status(line: str, status: int, words: str):
    ended = in_shell(line)
    assert ended.returncode == status
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    assert bool(ended.stderr) == bool(words)


def test_triangles_beyond_sense_are_refused_as_a_wrong_command(shell, scan: Path, tmp_path: Path):
    status, _, err = shell("build", scan, "-o", tmp_path / "o", "--threshold", "0:", "--triangles", 10**21)
    assert status == 2
    assert "--triangles" in err
