"""A folder is filled whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from plastinate.model.errors import CannotWrite
from plastinate.model.owner import machine_mark
from plastinate.services.output_folder import PARTIAL_PREFIX, output_folder, require_writable


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_files_arrive_when_the_block_ends_well(tmp_path: Path):
    target = tmp_path / "deep" / "out"
    with output_folder(target) as folder:
        (folder / "models").mkdir()
        (folder / "models" / "a.stl").write_bytes(b"new")
        assert everything(target) == [f"{folder.name}/models/a.stl"]
    assert everything(target) == ["models/a.stl"]


def test_a_failure_leaves_what_was_there_before(tmp_path: Path):
    (tmp_path / "a.stl").write_bytes(b"old")
    with pytest.raises(ValueError), output_folder(tmp_path) as folder:  # noqa: PT012
        (folder / "a.stl").write_bytes(b"half")
        raise ValueError
    assert everything(tmp_path) == ["a.stl"]
    assert (tmp_path / "a.stl").read_bytes() == b"old"


def test_a_failure_leaves_no_new_folder_behind(tmp_path: Path):
    with pytest.raises(KeyboardInterrupt), output_folder(tmp_path / "out"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("blocked", ["models", "scene.glb"])
def test_a_name_that_is_taken_leaves_every_old_file(tmp_path: Path, blocked: str):
    for name in ("a.json", "scene.glb", "z.json"):
        if name != blocked:
            (tmp_path / name).write_bytes(b"old")
    if blocked == "models":
        (tmp_path / "models").write_bytes(b"mine")
    else:
        (tmp_path / "scene.glb").mkdir()
    before = everything(tmp_path)
    with pytest.raises(CannotWrite, match="of that name") as caught, output_folder(tmp_path) as folder:  # noqa: PT012
        (folder / "models").mkdir()
        for name in ("a.json", "scene.glb", "models/organ.stl", "z.json"):
            (folder / name).write_bytes(b"new")
    assert caught.value.path == str(tmp_path / blocked)
    assert everything(tmp_path) == before
    assert {(tmp_path / name).read_bytes() for name in before} <= {b"old", b"mine"}


def test_former_files_go_unless_written_anew_and_foreign_ones_stay(tmp_path: Path):
    (tmp_path / "models").mkdir()
    for name in ("models/liver.stl", "scene.glb", "notes.txt", "list.json"):
        (tmp_path / name).write_bytes(b"old")
    former = ("models/liver.stl", "scene.glb", "list.json")
    with output_folder(tmp_path, former=former) as folder:
        (folder / "scene.glb").write_bytes(b"new")
        (folder / "list.json").write_bytes(b"new")
        assert (tmp_path / "models" / "liver.stl").is_file()
    assert everything(tmp_path) == ["list.json", "notes.txt", "scene.glb"]
    assert (tmp_path / "scene.glb").read_bytes() == (tmp_path / "list.json").read_bytes() == b"new"
    assert not (tmp_path / "models").exists()


def test_former_files_stay_when_the_block_fails(tmp_path: Path):
    (tmp_path / "a.stl").write_bytes(b"old")
    with pytest.raises(ValueError), output_folder(tmp_path, former=("a.stl",)) as folder:  # noqa: PT012
        (folder / "b.stl").write_bytes(b"half")
        raise ValueError
    assert everything(tmp_path) == ["a.stl"]


def test_what_lists_the_former_files_outlives_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("a.stl", "z.json"):
        (tmp_path / name).write_bytes(b"old")

    def killed(path: Path, *, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "unlink", killed)
    with pytest.raises(KeyboardInterrupt), output_folder(tmp_path, former=("a.stl", "z.json")) as folder:  # noqa: PT012
        (folder / "b.stl").write_bytes(b"new")
        (folder / "z.json").write_bytes(b"new")
    assert (tmp_path / "z.json").read_bytes() == b"old"
    assert (tmp_path / "b.stl").read_bytes() == b"new"


def test_an_error_names_the_place_people_know(tmp_path: Path):
    target = tmp_path / "out"
    with pytest.raises(CannotWrite) as caught, output_folder(target) as folder:
        raise CannotWrite(str(folder / "scene.glb"), "the disk is full")
    assert caught.value.path == str(target / "scene.glb")
    assert PARTIAL_PREFIX not in caught.value.sentence


def test_a_disk_that_refuses_is_told_in_words(tmp_path: Path):
    with pytest.raises(CannotWrite, match="disk is full"), output_folder(tmp_path):
        raise OSError(28, "No space left on device")


def test_what_a_killed_run_left_is_cleared_and_what_a_running_one_has_is_not(tmp_path: Path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    abandoned = tmp_path / f"{PARTIAL_PREFIX}{machine_mark()}-{int(dead.stdout)}-abc"
    busy = tmp_path / f"{PARTIAL_PREFIX}{machine_mark()}-{os.getppid()}-abc"
    elsewhere = tmp_path / f"{PARTIAL_PREFIX}0000beef-{int(dead.stdout)}-abc"
    strange = tmp_path / f"{PARTIAL_PREFIX}notes"
    for folder in (abandoned, busy, elsewhere, strange):
        folder.mkdir()
    with output_folder(tmp_path):
        assert not abandoned.exists()
        assert busy.exists()
        assert elsewhere.exists()
        assert strange.exists()


def test_a_folder_that_can_be_made_may_be_written_and_is_not_made_yet(tmp_path: Path):
    require_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_folders_are_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for target, reason in (
        (tmp_path / "file", "a file of that name"),
        (tmp_path / "file" / "out", "part of the path is a file"),
        (tmp_path / ("x" * 300), "the name is too long"),
        (tmp_path / "a\0b", "no possible name"),
    ):
        with pytest.raises(CannotWrite, match=reason):
            require_writable(target)
        with pytest.raises(CannotWrite), output_folder(target):
            pytest.fail("it was entered")


# Root may write anywhere, so it is somebody without rights who asks.
ASKS = """
import os, sys
from pathlib import Path
from plastinate.model.errors import CannotWrite
from plastinate.services.output_folder import require_writable
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
for folder in sys.argv[1:]:
    try:
        require_writable(Path(folder, "out"))
        print("may be written")
    except CannotWrite as refused:
        print(refused.sentence)
"""


def test_a_folder_without_permission_is_refused():
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory() as closed, tempfile.TemporaryDirectory() as open_to_all:
        Path(closed).chmod(0o555)
        Path(open_to_all).chmod(0o777)
        asked = subprocess.run(
            [sys.executable, "-c", ASKS, closed, open_to_all], capture_output=True, text=True, check=False
        )
    assert asked.returncode == 0, asked.stderr
    refused, allowed = asked.stdout.splitlines()
    assert "permission" in refused
    assert allowed == "may be written"
