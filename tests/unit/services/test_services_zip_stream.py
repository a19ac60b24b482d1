"""A zip that was never written anywhere is a zip, of just the length that was foretold."""

from __future__ import annotations

import io
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plastinate.model.case_errors import StoreFailed
from plastinate.services.zip_stream import ZipEntry, stream_zip, zip_length


def entry(name: str, data: bytes) -> ZipEntry:
    return ZipEntry(name, len(data), lambda: [data])


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@pytest.mark.slow
@given(st.dictionaries(names, st.binary(max_size=300), max_size=6))
def test_what_goes_in_comes_out_and_the_length_is_foretold(files: dict[str, bytes]):
    entries = [entry(f"folder/{name.replace('/', '_')}", data) for name, data in files.items()]
    entries = list({each.name: each for each in entries}.values())
    whole = b"".join(stream_zip(entries))
    assert len(whole) == zip_length(entries)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert archive.namelist() == [each.name for each in entries]
        assert [archive.read(each.name) for each in entries] == [b"".join(each.blocks()) for each in entries]


def test_the_same_files_give_the_same_bytes():
    entries = [entry("a", b"1"), entry("b", b"2" * 5000)]
    assert b"".join(stream_zip(entries)) == b"".join(stream_zip(entries))


def test_files_are_read_one_after_the_other_while_the_zip_flows():
    read: list[str] = []

    def blocks(name: str) -> Iterator[bytes]:
        for _ in range(3):
            read.append(name)
            yield bytes(1000)

    flow = stream_zip([ZipEntry(name, 3000, lambda name=name: blocks(name)) for name in "ab"])
    seen = 0
    while seen < 2500:
        seen += len(next(flow))
    assert "b" not in read
    for _ in flow:
        pass
    assert read == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize("size", [2, 4])
def test_a_file_of_another_size_cuts_the_zip_off(size: int):
    with pytest.raises(StoreFailed, match=r"a\.stl"):
        list(stream_zip([ZipEntry("a.stl", size, lambda: [b"abc"]), entry("b", b"")]))


@pytest.mark.slow
def test_more_files_than_a_plain_zip_counts(tmp_path: Path):
    entries = [entry(str(number), b"") for number in range(65_536)]
    whole = b"".join(stream_zip(entries))
    assert len(whole) == zip_length(entries)
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        assert len(archive.namelist()) == 65_536


@pytest.mark.slow
def test_a_file_longer_than_a_plain_zip_holds(tmp_path: Path):
    block, count = bytes(1 << 24), 257  # 16 MiB beyond 4 GiB
    entries = [ZipEntry("long", count << 24, lambda: [block] * count), entry("after", b"x")]
    length = 0
    tail = b""
    for piece in stream_zip(entries):
        length += len(piece)
        tail = (tail + piece)[-4096:]
    assert length == zip_length(entries)
    assert (count << 24).to_bytes(8, "little") in tail


def test_another_program_finds_nothing_wrong_with_it(tmp_path: Path):
    path = tmp_path / "a.zip"
    path.write_bytes(b"".join(stream_zip([entry("größe/ä.stl", zlib.compress(b"x" * 99)), entry("b", b"")])))
    try:
        said = subprocess.run(["unzip", "-t", path], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unzip is not installed here")
    assert said.returncode == 0, said.stdout
