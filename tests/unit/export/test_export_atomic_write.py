import hashlib
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plastinate.model.errors import CannotWrite
from plastinate.stages.export.atomic_write import make_folder, write_bytes, writing


def test_the_hash_is_that_of_the_file(tmp_path):
    digest = write_bytes(tmp_path / "a.bin", b"organ")
    assert digest == hashlib.sha256((tmp_path / "a.bin").read_bytes()).hexdigest()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_the_older_file_and_nothing_else(tmp_path, stop):
    target = tmp_path / "a.bin"
    target.write_bytes(b"older")

    def stopped_half_way():
        with writing(target) as stream:
            stream.write(b"half")
            raise stop

    with pytest.raises(stop):
        stopped_half_way()
    assert target.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_a_file_over_the_limit_is_a_sentence_and_leaves_no_file(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(CannotWrite, match="limits allow"):
            write_bytes(tmp_path / "a.bin", b"x" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_named_as_such(tmp_path):
    def write_where_no_room_is_left():
        with writing(tmp_path / "a.bin") as stream, Path("/dev/full").open("wb", buffering=0) as full:
            stream.write(b"x")
            full.write(b"x")

    with pytest.raises(CannotWrite, match="the disk is full"):
        write_where_no_room_is_left()
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_and_a_file_in_its_place_are_named(tmp_path):
    with pytest.raises(CannotWrite, match="the folder does not exist"):
        write_bytes(tmp_path / "nowhere" / "a.bin", b"x")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CannotWrite):
        make_folder(tmp_path / "file" / "under")


KILLED = """
import sys, time
from pathlib import Path
from plastinate.stages.export.atomic_write import writing
with writing(Path(sys.argv[1])) as stream:
    stream.write(b"half")
    stream.flush()
    print("half", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize(("sent", "left"), [(signal.SIGKILL, 1), (signal.SIGINT, 0)])
def test_a_killed_program_leaves_nothing_under_the_final_name(tmp_path, sent, left):
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path / "a.glb")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"half\n"
        child.send_signal(sent)
        child.wait(timeout=20)
    assert not (tmp_path / "a.glb").exists()
    assert len(list(tmp_path.iterdir())) == left  # what kill -9 leaves is hidden and ends in .part
