from __future__ import annotations

import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from plastinate.model.errors import TooLarge, UnsafeArchive
from plastinate.stages.ingest.archive import Unpacking, gunzip, unpack
from plastinate.stages.ingest.limits import Limits


@pytest.fixture
def state(tmp_path: Path) -> Unpacking:
    workspace = tmp_path / "work"
    workspace.mkdir()
    return Unpacking(workspace, Limits())


def unpacked(path: Path, state: Unpacking, *, depth: int = 1) -> list[tuple[bytes, str]]:
    return [(file.read_bytes(), name) for file, name in unpack(path, name="it.zip", depth=depth, state=state)]


def test_members_get_names_of_our_own(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../../escape.txt", b"one")
        archive.writestr("/etc/passwd", b"two")
    assert [content for content, _ in unpacked(tmp_path / "a.zip", state)] == [b"one", b"two"]
    assert sorted(file.name for file in state.workspace.iterdir()) == ["000001", "000002"]
    assert not (tmp_path.parent / "escape.txt").exists()


def test_a_link_is_left_out_and_the_rest_unpacked(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("file", b"kept")
    assert [content for content, _ in unpacked(tmp_path / "a.zip", state)] == [b"kept"]
    assert "link" in state.findings[0].sentence


def test_an_encrypted_member_is_left_out(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("secret", b"text")
        archive.writestr("open", b"kept")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    directory = data.index(b"PK\x01\x02")
    data[directory + 8] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    assert [content for content, _ in unpacked(tmp_path / "a.zip", state)] == [b"kept"]
    assert "encrypted" in state.findings[0].sentence


def test_a_damaged_member_costs_only_itself(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad", bytes(range(256)) * 40)
        archive.writestr("good", b"kept")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    data[60:90] = b"\xff" * 30
    (tmp_path / "a.zip").write_bytes(data)
    assert [content for content, _ in unpacked(tmp_path / "a.zip", state)] == [b"kept"]
    assert "bad" in state.findings[0].sentence


def test_a_bomb_is_stopped_by_its_ratio_not_by_what_it_declares(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100 << 20))
    with pytest.raises(UnsafeArchive, match="200 times"):
        unpacked(tmp_path / "a.zip", state)


def test_a_bomb_among_good_files_costs_only_itself_and_its_bytes_are_given_back(
    tmp_path: Path, state: Unpacking
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("before", b"one")
        archive.writestr("zeros", bytes(100 << 20))
        archive.writestr("after", b"two")
    assert [content for content, _ in unpacked(tmp_path / "a.zip", state)] == [b"one", b"two"]
    assert "zeros" in state.findings[0].sentence
    assert state.inflated_bytes == 6
    assert sum(file.stat().st_size for file in state.workspace.iterdir()) == 6


def test_a_member_beyond_the_total_is_left_out_and_smaller_ones_are_kept(
    tmp_path: Path, state: Unpacking
) -> None:
    small = Unpacking(state.workspace, replace(state.limits, inflated_bytes=1500))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, size in (("first", 1000), ("large", 1000), ("last", 400)):
            archive.writestr(name, bytes(size))
    assert [len(content) for content, _ in unpacked(tmp_path / "a.zip", small)] == [1000, 400]
    assert "unpacked size" in small.findings[0].sentence


def test_a_zip_full_of_bombs_is_stopped(tmp_path: Path, state: Unpacking) -> None:
    small = Unpacking(state.workspace, replace(state.limits, inflated_bytes=1500))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good", b"kept")
        for number in range(20):
            archive.writestr(str(number), bytes(2000))
    with pytest.raises(UnsafeArchive, match="too many files"):
        unpacked(tmp_path / "a.zip", small)


def test_the_total_counts_over_all_archives(tmp_path: Path, state: Unpacking) -> None:
    small = Unpacking(state.workspace, replace(state.limits, inflated_bytes=1500))
    for name in ("a.zip", "b.zip"):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("file", bytes(1000))
    unpacked(tmp_path / "a.zip", small)
    with pytest.raises(TooLarge, match="unpacked size"):
        unpacked(tmp_path / "b.zip", small)


def test_too_many_members_are_refused(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for number in range(12):
            archive.writestr(str(number), b"")
    with pytest.raises(TooLarge, match="number of files"):
        unpacked(tmp_path / "a.zip", Unpacking(state.workspace, replace(state.limits, zip_members=10)))


def test_archives_nest_once(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("file", b"")
    assert unpacked(tmp_path / "a.zip", state, depth=2)
    with pytest.raises(UnsafeArchive, match="nested"):
        unpacked(tmp_path / "a.zip", state, depth=3)


def test_what_only_begins_like_a_zip_is_refused_in_words(tmp_path: Path, state: Unpacking) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + bytes(500))
    with pytest.raises(UnsafeArchive, match="cannot be read as a zip"):
        unpacked(tmp_path / "a.zip", state)


def test_a_truncated_gzip_is_noticed(tmp_path: Path, state: Unpacking) -> None:
    import gzip

    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(range(256)) * 100)[:-20])
    with pytest.raises(EOFError):
        gunzip(tmp_path / "a.gz", name="a.gz", state=state)
