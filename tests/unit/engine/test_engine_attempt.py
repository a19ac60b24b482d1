from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from job_rig import JobRig, eventually, job_rig
from plastinate.archive import jobs
from plastinate.archive.tables import Build, Case
from plastinate.engine import attempt as attempts
from plastinate.engine.attempt import run_attempt
from plastinate.engine.kinds import KINDS, Kind
from plastinate.engine.pulse import stopping
from plastinate.services.access import SYSTEM
from plastinate.services.cases import keep_case, purge_case, trash_case

pytestmark = pytest.mark.slow

QUICK = {"formats": ["stl"]}


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[JobRig]:
    with job_rig(tmp_path, lease_seconds=60) as made:
        yield made


def attempt(rig: JobRig, job: str, *, seen: int = 0) -> str:
    return run_attempt(job, seen, rig.settings.environment())


def test_an_attempt_does_the_job_and_clears_up(rig: JobRig):
    job = rig.build()
    assert attempt(rig, job) == "done"
    row = rig.job(job)
    assert (row.state, row.attempt, row.share_done, row.error) == ("done", 1, 1.0, None)
    names = set(rig.hashes(job))
    assert {"scene.glb", "labels.dcm", "labels.nii.gz", "models/surface.3mf", "pictures/axial.png"} <= names
    assert "thumbnail.png" not in names
    assert rig.scratch_folders() == []


def test_a_build_and_its_thumbnail_are_written_down(rig: JobRig):
    job = rig.build(**QUICK, name="ball")
    attempt(rig, job)
    with rig.archive.database.read() as session:
        case = session.get(Case, rig.job(job).case_id)
        build = next(iter(session.query(Build)))
        assert case is not None
        assert case.thumbnail_sha256 is not None
        assert case.version == 1
        assert rig.archive.files.read(case.thumbnail_sha256).startswith(b"\x89PNG")
        (organ,) = build.summary["organs"]
        assert organ["light"] == "green"
        assert organ["volume_ml"] == pytest.approx(4 / 3 * 3.14159 * 18.3**3 / 1000, rel=0.01)
        assert build.job_id == job


def test_two_attempts_at_one_moment_do_the_job_once(rig: JobRig):
    job = rig.build(**QUICK)
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(attempt(rig, job))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["done", "not ours", "not ours"]
    assert rig.job(job).attempt == 1
    rig.hashes(job)


def test_a_damaged_scan_fails_with_the_engines_own_code(rig: JobRig, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("no scan")
    case = keep_case(rig.archive, owner_id=None, title="", files=[("notes.txt", tmp_path / "notes.txt")])
    with rig.archive.database.read() as session:
        (look,) = jobs.jobs_of_case(session, case.id)
    assert attempt(rig, look.id) == "failed"
    error = rig.job(look.id).error
    assert error is not None
    assert error["code"].startswith("input.")
    assert str(rig.settings.home) not in str(error)


def test_a_failed_job_is_told_in_the_log_without_a_word_of_the_scan(
    rig: JobRig, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "Anna Muster.txt").write_text("no scan")
    files = [("Anna Muster.txt", tmp_path / "Anna Muster.txt")]
    case = keep_case(rig.archive, owner_id=None, title="Anna", files=files)
    with rig.archive.database.read() as session:
        (look,) = jobs.jobs_of_case(session, case.id)
    attempt(rig, look.id)
    assert "Anna" in str(rig.job(look.id).error)
    [line] = [each.getMessage() for each in caplog.records if "failed" in each.getMessage()]
    told = f"job {look.id} (inspect) of case {case.id} failed: "
    assert line == told + "[input.no-images] Nothing in the input is an image"
    assert "Anna" not in caplog.text


@pytest.mark.parametrize(
    ("work", "debug", "words"),
    [("grumbling", "", ""), ("grumbling", "1", "Muster^Anna"), ("slip", "", "KeyError: 'beads'")],
)
def test_what_libraries_say_of_a_scan_is_logged_for_a_fault_of_our_own_or_on_demand(
    rig: JobRig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    work: str,
    debug: str,
    words: str,
):
    monkeypatch.setitem(KINDS, "tried", Kind(f"failing_work:{work}", "failing_work:publish"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("PLASTINATE_DEBUG", debug)
    case_id = rig.job(rig.build()).case_id
    with rig.archive.database.write() as session:
        job = jobs.add_job(session, case_id=case_id, person_id=None, kind="tried", request={}).id
    assert attempt(rig, job) == ("failed" if work == "slip" else "done")
    told = [each.getMessage() for each in caplog.records if each.getMessage().startswith(f"job {job}: ")]
    assert len(told) == bool(words)
    assert all(words in line for line in told)


def test_a_job_that_needs_more_memory_than_it_may_have_fails_and_says_so(tmp_path: Path):
    with job_rig(tmp_path, job_memory_bytes=300 << 20, lease_seconds=60) as rig:
        job = rig.build(**QUICK)
        attempt(rig, job)
        error = rig.job(job).error
        assert error is not None
        assert error["code"] == "job.out-of-memory"


def test_a_job_that_takes_longer_than_it_may_fails_and_says_so(tmp_path: Path):
    with job_rig(tmp_path, job_seconds=1, lease_seconds=60) as rig:
        job = rig.build()
        assert attempt(rig, job) == "failed"
        error = rig.job(job).error
        assert error is not None
        assert error["code"] == "job.too-long"
        assert rig.scratch_folders() == []


def test_a_case_that_is_deleted_meanwhile_takes_its_job_with_it(rig: JobRig):
    job = rig.build()
    case_id = rig.job(job).case_id
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(attempt(rig, job)))
    thread.start()
    rig.until(job, "running")
    trash_case(rig.archive, SYSTEM, case_id)
    purge_case(rig.archive, SYSTEM, case_id)
    thread.join()
    assert said in (["left"], ["refused"])
    assert rig.scratch_folders() == []


def test_a_process_that_is_asked_to_stop_gives_its_job_back(rig: JobRig):
    job = rig.build()
    said: list[str] = []
    thread = threading.Thread(target=lambda: said.append(attempt(rig, job)))
    thread.start()
    try:
        rig.until(job, "running")
        stopping.set()
        thread.join(timeout=30)
        assert said == ["its worker was asked to stop: queued"]
        assert rig.job(job).state == "queued"
        assert attempt(rig, job, seen=1) == "not begun"
    finally:
        stopping.clear()


def test_a_name_of_a_file_becomes_no_path(tmp_path: Path):
    for name in ("../../etc/passwd", "C:\\scan\\passwd", "/passwd", ".passwd", "passwd", "passwd\x00"):
        target = attempts._free_name(tmp_path, name)
        assert target.parent == tmp_path
        target.touch()
    assert eventually(lambda: len(list(tmp_path.iterdir())) == 6)
