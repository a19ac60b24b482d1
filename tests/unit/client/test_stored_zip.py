"""A folder is sent as one zip that never exists as a file: any piece of it, the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plastinate.client import stored_zip
from plastinate.client.stored_zip import Packet, pack
from plastinate.model.errors import DamagedFile, EmptyInput, PathNotFound

FILES = {
    "scan/a.dcm": b"first" * 1000,
    "scan/Ünïcode 心.dcm": b"second",
    "empty": b"",
    "deep/er/b": bytes(range(256)) * 50,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "box" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "box"


def whole(packet: Packet) -> bytes:
    return packet.read(0, packet.size)


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_every_file_is_in_it_and_its_hash_and_size_are_true(folder: Path):
    packet = pack(folder)
    data = whole(packet)
    assert unpacked(data) == FILES
    assert (packet.name, packet.size) == ("box.zip", len(data))
    assert packet.sha256 == hashlib.sha256(data).hexdigest()


def test_the_same_folder_gives_the_same_bytes_whenever_its_files_were_touched(folder: Path):
    before = whole(pack(folder))
    for path in folder.rglob("*"):
        os.utime(path, (1, 1))
    assert whole(pack(folder)) == before


@settings(max_examples=50, deadline=None)
@given(begin=st.integers(0, 25_000), length=st.integers(0, 25_000))
def test_any_piece_is_the_piece_of_the_whole(
    tmp_path_factory: pytest.TempPathFactory, begin: int, length: int
):
    folder = tmp_path_factory.getbasetemp() / "pieces"
    if not folder.exists():
        folder.mkdir()
        for name, content in FILES.items():
            (folder / name.replace("/", "-")).write_bytes(content)
    packet = pack(folder)
    assert packet.read(begin, length) == whole(packet)[begin : begin + length]


def test_a_single_file_is_sent_as_it_is(folder: Path):
    packet = pack(folder / "deep" / "er" / "b")
    assert (packet.name, whole(packet)) == ("b", FILES["deep/er/b"])


def test_hidden_files_stay_at_home_and_links_to_files_go_along(folder: Path):
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_bytes(b"x")
    (folder / "link").symlink_to(folder / "scan" / "a.dcm")
    (folder / "circle").symlink_to(folder)
    assert unpacked(whole(pack(folder))) == {**FILES, "link": FILES["scan/a.dcm"]}


def test_sizes_beyond_32_bits_are_written_as_zip64(folder: Path, monkeypatch: pytest.MonkeyPatch):
    # Real ones take minutes: the number from which it no longer fits is lowered, and its mark put in after.
    monkeypatch.setattr(stored_zip, "MAX_32", 4000)
    monkeypatch.setattr(stored_zip, "MAX_16", 1000)
    data = whole(pack(folder)).replace((4000).to_bytes(4, "little"), b"\xff" * 4)
    assert unpacked(data) == FILES


def test_a_file_too_large_to_keep_in_hand_is_read_twice_and_hashed_right(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = pack(folder).sha256
    monkeypatch.setattr(stored_zip, "KEPT_IN_HAND_BYTES", 100)
    assert pack(folder).sha256 == expected


def test_reading_is_counted(folder: Path):
    heard: list[tuple[int, int]] = []
    pack(folder, progress=lambda done, total: heard.append((done, total)))
    size = sum(len(content) for content in FILES.values())
    assert heard[-1] == (size, size)


def test_a_file_that_shrinks_meanwhile_is_named(folder: Path):
    packet = pack(folder)
    (folder / "deep" / "er" / "b").write_bytes(b"short")
    with pytest.raises(DamagedFile, match="shorter"):
        whole(packet)


def test_nothing_there_and_nothing_in_it_are_sentences(tmp_path: Path):
    with pytest.raises(PathNotFound):
        pack(tmp_path / "none")
    with pytest.raises(EmptyInput):
        pack(tmp_path)
