from __future__ import annotations

import gzip
import io
import os
import stat
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from hostile_zips import (
    LINK,
    Line,
    deflated_zeros,
    directory,
    forged,
    many_bombs,
    of_mode,
    one_kernel,
    quoted_overlap,
    raw_zip,
    zip_of,
)
from plastinate.model.errors import ScratchFull, TooLarge, UnsafeArchive
from plastinate.stages.ingest.archive import Unpacking, gunzip, unpack
from plastinate.stages.ingest.limits import Limits
from small_disks import small_disk


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


@pytest.mark.slow
def test_a_bomb_is_stopped_by_its_ratio_not_by_what_it_declares(tmp_path: Path, state: Unpacking) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(100 << 20))
    with pytest.raises(UnsafeArchive, match="200 times"):
        unpacked(tmp_path / "a.zip", state)


@pytest.mark.slow
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


def test_a_zip_full_of_bombs_gives_out_what_is_none_and_inflates_nothing_else(
    tmp_path: Path, state: Unpacking
) -> None:
    small = Unpacking(state.workspace, replace(state.limits, inflated_bytes=1500))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("good", b"kept")
        for number in range(20):
            archive.writestr(str(number), bytes(2000))
        archive.writestr("late", b"too")
    assert [content for content, _ in unpacked(tmp_path / "a.zip", small)] == [b"kept", b"too"]
    assert (small.files, small.inflated_bytes, len(small.findings)) == (2, 7, 20)


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
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(range(256)) * 100)[:-20])
    with pytest.raises(EOFError):
        gunzip(tmp_path / "a.gz", name="a.gz", state=state)


@pytest.mark.slow
def test_a_gzip_bomb_gives_its_room_back(tmp_path: Path, state: Unpacking) -> None:
    (tmp_path / "a.gz").write_bytes(deflated_zeros(100, wbits=31))
    with pytest.raises(UnsafeArchive, match="200 times"):
        gunzip(tmp_path / "a.gz", name="a.gz", state=state)
    assert state.inflated_bytes == 0
    assert list(state.workspace.iterdir()) == []


def bombs_beside(good: dict[str, bytes], bomb: bytes) -> bytes:
    """The members of a zip, and behind them those of a bomb, in one directory."""
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        lines = [
            Line(info.filename.encode(), raw_bytes(bomb, info), info.file_size, info.CRC)
            for info in archive.infolist()
        ]
    plain = [Line(name.encode(), data, len(data), zlib.crc32(data), method=0) for name, data in good.items()]
    return raw_zip([*plain[:1], *lines, *plain[1:]])


def raw_bytes(data: bytes, info: zipfile.ZipInfo) -> bytes:
    begin = info.header_offset + 30 + len(info.filename)
    return data[begin : begin + info.compress_size]


def test_many_bombs_that_are_each_small_enough_leave_the_good_files_alone(
    tmp_path: Path, state: Unpacking
) -> None:
    (tmp_path / "a.zip").write_bytes(bombs_beside({"first": b"one", "last": b"two"}, many_bombs(30, 20)))
    assert [content for content, _ in unpacked(tmp_path / "a.zip", state)] == [b"one", b"two"]
    assert state.inflated_bytes == 6
    assert "with others like it" in state.findings[0].sentence


@pytest.mark.parametrize("bomb", [one_kernel(30, 20), quoted_overlap(30, 20)], ids=["same", "quoted"])
def test_files_that_share_their_bytes_are_no_files(tmp_path: Path, state: Unpacking, bomb: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(bomb)
    assert len(unpacked(tmp_path / "a.zip", state)) == 1
    assert {finding.sentence.partition(": ")[2] for finding in state.findings} == {
        "it shares its bytes with another file."
    }


@pytest.mark.slow
def test_what_declares_less_than_it_holds_only_damages_itself(tmp_path: Path, state: Unpacking) -> None:
    (tmp_path / "a.zip").write_bytes(forged(size=100))
    assert unpacked(tmp_path / "a.zip", state) == []
    assert "damaged" in state.findings[0].sentence
    assert state.inflated_bytes == 0


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_without_a_measure_are_not_unpacked(tmp_path: Path, state: Unpacking, method: int) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of({"zeros": bytes(1 << 20)}, method=method))
    assert unpacked(tmp_path / "a.zip", state) == []
    assert "plain zip" in state.findings[0].sentence


def test_a_directory_beyond_all_measure_is_not_read(tmp_path: Path, state: Unpacking) -> None:
    whole = directory([], 0)
    (tmp_path / "a.zip").write_bytes(bytes(200) + whole[:12] + (1 << 30).to_bytes(4, "little") + whole[16:])
    with pytest.raises(TooLarge, match="directory"):
        unpacked(tmp_path / "a.zip", state)


def test_links_without_end_become_a_few_sentences_and_a_number(tmp_path: Path, state: Unpacking) -> None:
    (tmp_path / "a.zip").write_bytes(of_mode(LINK, b"/etc/passwd", count=5000))
    assert unpacked(tmp_path / "a.zip", state) == []
    told = state.findings.with_the_rest()
    assert (len(told), told[-1].sentence) == (21, "4,980 more were left out for reasons of this kind.")


@pytest.mark.slow
def test_a_full_disk_is_no_damage_of_the_archive(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(zip_of({"large": os.urandom(8 << 20)}))
    (tmp_path / "a.gz").write_bytes(gzip.compress(os.urandom(8 << 20)))
    with small_disk(tmp_path, megabytes=4) as disk:
        with pytest.raises(ScratchFull):
            unpacked(tmp_path / "a.zip", Unpacking(disk, Limits()))
        with pytest.raises(ScratchFull):
            gunzip(tmp_path / "a.gz", name="a.gz", state=Unpacking(disk, Limits(), files=9))
        assert list(disk.iterdir()) == []
