from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from plastinate.model.depot_errors import ModelAbsent
from plastinate.model.errors import (
    EmptyInput,
    GapInSeries,
    ParameterError,
    ParserStopped,
    PathNotFound,
    PlastinateError,
    TooLarge,
)
from plastinate.stages.ingest.limits import Limits
from plastinate.stages.ingest.read import inspect_input, read_volume
from plastinate.stages.ingest.sandbox import _reason
from plastinate.stages.ingest.wire import error_as_dict, error_from
from tiny_scans import save, save_series, slice_dataset


def children() -> set[str]:
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        found.update((task / "children").read_text().split())
    return found


@pytest.fixture
def left_behind() -> Callable[[], set[str]]:
    """The children that have come since: other tests leave some behind, as multiprocessing does."""
    before = children()
    return lambda: children() - before


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A sound series, and a file whose header is millions of tiny elements."""
    save_series(tmp_path / "scan", 4)
    path = save(slice_dataset(9), tmp_path / "scan" / "endless")
    data = path.read_bytes()
    at = data.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(data[:at] + b"\x08\x00\x15\x00LO\x00\x00" * 8_000_000 + data[at:])
    return tmp_path / "scan"


@pytest.mark.slow
def test_a_header_without_end_costs_only_its_file(endless: Path) -> None:
    found = inspect_input(endless, limits=replace(Limits(), header_seconds=1))
    assert found.series[0].frame_count == 4
    assert [(aside.reason.code, aside.files) for aside in found.set_aside] == [
        ("limit.exceeded", ("endless",))
    ]


@pytest.mark.slow
def test_processor_time_is_capped(endless: Path, left_behind: Callable[[], set[str]]) -> None:
    with pytest.raises(ParserStopped, match="processor time"):
        inspect_input(endless, limits=replace(Limits(), cpu_seconds=1, header_seconds=60))
    assert left_behind() == set()


@pytest.mark.slow
def test_the_clock_is_capped(endless: Path, left_behind: Callable[[], set[str]]) -> None:
    with pytest.raises(ParserStopped, match="longer than 1 s"):
        inspect_input(endless, limits=replace(Limits(), wall_seconds=1, header_seconds=60))
    assert left_behind() == set()


@pytest.mark.slow
def test_memory_is_capped(tmp_path: Path, left_behind: Callable[[], set[str]]) -> None:
    scan = save_series(tmp_path / "scan", 4, Rows=4000, Columns=4000, PixelData=bytes(32_000_000))
    with pytest.raises(ParserStopped, match="memory"):
        read_volume(scan, limits=replace(Limits(), memory_bytes=300 << 20))
    assert left_behind() == set()


@pytest.mark.slow
def test_ctrl_c_ends_the_child(tmp_path: Path, left_behind: Callable[[], set[str]]) -> None:
    def interrupt(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        inspect_input(save_series(tmp_path / "scan"), progress=interrupt)
    assert left_behind() == set()


@pytest.mark.slow
def test_progress_reaches_its_end(tmp_path: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    read_volume(save_series(tmp_path / "scan"), progress=lambda *report: seen.append(report))
    assert seen[-1] == (5, 5, "decoding slices")


def test_a_crash_is_told_in_words() -> None:
    assert "crashed" in _reason(-signal.SIGSEGV, Limits())
    assert "memory" in _reason(-signal.SIGKILL, Limits())
    assert "without an answer" in _reason(3, Limits())


@pytest.mark.parametrize(
    "error",
    [
        GapInSeries(after_slice=4, gap_mm=9.0, spacing_mm=3.0, missing_share=0.2),
        TooLarge("a", "the number of voxels", value=9, cap=3),
        EmptyInput("here", looked_at=3),
    ],
)
def test_errors_cross_the_border_whole(error: PlastinateError) -> None:
    arrived = error_from(error_as_dict(error))
    assert type(arrived) is type(error)
    assert arrived.as_dict() == error.as_dict()
    assert arrived.exit_status == error.exit_status
    assert vars(arrived).items() >= vars(error).items()


def test_an_error_that_a_process_has_had_no_use_for_is_known_when_it_arrives():
    told = error_as_dict(ModelAbsent("tiny", "fetching is switched off"))
    code = (
        f"from plastinate.stages.ingest.wire import error_from; error = error_from({told!r})\n"
        "print(type(error).__name__, error.name, error.exit_status)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert said.split() == ["ModelAbsent", "tiny", "7"]


def test_what_is_not_there_is_an_error_without_a_child(tmp_path: Path) -> None:
    with pytest.raises(PathNotFound):
        inspect_input(tmp_path / "nowhere")
    with pytest.raises(PathNotFound):
        inspect_input("a\0b")


@pytest.mark.slow
def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    read_volume(save_series(tmp_path / "scan"))
    assert list((tmp_path / "temporary").iterdir()) == []


def test_limits_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLASTINATE_LIMIT_VOXELS", "1000")
    assert Limits.from_environment().voxels == 1000
    monkeypatch.setenv("PLASTINATE_LIMIT_VOXELS", "many")
    with pytest.raises(ParameterError, match="PLASTINATE_LIMIT_VOXELS"):
        Limits.from_environment()
