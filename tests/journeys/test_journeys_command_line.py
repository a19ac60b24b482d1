"""What a person does in a shell, and what they see when it goes wrong."""

from __future__ import annotations

import filecmp
import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from bead_scans import plastinate, write_bead
from job_rig import eventually
from phantom_series import Scan
from tiny_scans import save, slice_dataset

WISH = ("--threshold", "500:")
QUICK = ("--single-level", "--no-check", "--no-preview", "--format", "stl")


def refused(ran: subprocess.CompletedProcess[str], status: int, code: str) -> None:
    """One sentence with a code and a hint, the right status, and no traceback."""
    assert ran.returncode == status, ran.stderr
    assert f"[{code}]" in ran.stderr
    assert "hint:" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_scan_is_looked_at(scan: Path):
    ran = plastinate("inspect", scan)
    assert ran.returncode == 0, ran.stderr
    assert "22 files looked at" in ran.stdout
    assert "CT" in ran.stdout
    assert "1 × 1 × 1" in ran.stdout


def test_machines_are_told_in_json_and_nothing_else(scan: Path):
    report = json.loads(plastinate("inspect", scan, "--json").stdout)
    assert [series["modality"] for series in report["series"]] == ["CT"]
    assert report["files_looked_at"] == len(list(scan.iterdir()))


def test_a_threshold_becomes_models_with_a_certificate(scan: Path, tmp_path: Path):
    ran = plastinate(
        "build", scan, "-o", tmp_path / "out", *WISH, "--name", "Marble", "--format", "stl,glb", "--json"
    )
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    for name in ("scene.glb", "models/marble.stl", "certificate.html", "preview.png"):
        assert name in report["files"]
        assert (tmp_path / "out" / name).stat().st_size > 0
    assert report["verdicts"]["marble"]["light"] == "green"
    assert "write the models" in ran.stderr


def test_a_person_sees_a_table_and_where_the_files_lie(scan: Path, tmp_path: Path):
    ran = plastinate("build", scan, "-o", "out", *WISH, "--single-level", "--no-preview", cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    for words in ("surface", "1.4 ml", "green", "out/certificate.html"):
        assert words in ran.stdout


def test_zips_and_organs_by_name_work_alike(scan: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for path in scan.iterdir():
            archive.write(path, f"deep/{path.name}")
    ran = plastinate("build", tmp_path / "scan.zip", "-o", tmp_path / "out", "--organ", "skin,", *QUICK)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "models" / "skin.stl").exists()
    refused(
        plastinate("build", tmp_path / "scan.zip", "-o", tmp_path / "seg", *WISH, "--format", "seg"),
        3,
        "input.no-dicom-source",
    )
    assert not (tmp_path / "seg").exists()


def test_a_mesh_is_converted(scan: Path, tmp_path: Path):
    assert plastinate("build", scan, "-o", tmp_path, *WISH, *QUICK).returncode == 0
    for target in ("a.glb", "a.obj"):
        ran = plastinate("convert", tmp_path / "models" / "surface.stl", tmp_path / target)
        assert ran.returncode == 0, ran.stderr
        assert (tmp_path / target).exists()
        assert "is written" in ran.stdout


def test_recipes_their_plans_and_the_samples_are_listed():
    recipes = json.loads(plastinate("recipes", "--json").stdout)
    assert {"ct-lungs", "ct-skin", "mr-head"} <= {recipe["name"] for recipe in recipes}
    assert "ct-lungs" in plastinate("recipes").stdout
    plan = plastinate("plan", "ct-lungs").stdout
    assert "why" in plan
    assert "soft-field" in plan or "shared-net" in plan
    assert "chest-ct" in plastinate("sample").stdout


def test_the_doctor_finds_this_installation_sound():
    ran = plastinate("doctor")
    assert ran.returncode == 0, ran.stdout
    assert "amiss" not in ran.stdout
    assert "kernels" in ran.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("build",),
        ("build", "scan", "-o", "out", "--threshold", "warm"),
        ("build", "scan", "-o", "out", "--threshold", "a:b"),
        ("build", "scan", "-o", "out", "--nonsense"),
        ("sample", "chest-ct"),
        ("inspct", "scan"),
    ],
)
def test_a_wrong_command_line_is_status_2(arguments: tuple[str, ...], tmp_path: Path):
    ran = plastinate(*arguments, cwd=tmp_path)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_errors_have_a_status_by_kind(scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    build = ("build", scan, "-o", tmp_path / "out")
    (tmp_path / "notes.txt").write_text("not a scan")
    (tmp_path / "taken").write_text("")
    refused(plastinate("inspect", tmp_path / "absent"), 3, "input.path-not-found")
    refused(plastinate("build", tmp_path / "notes.txt", "-o", tmp_path / "out", *WISH), 3, "input.no-images")
    refused(plastinate(*build, "--recipe", "mr-head"), 5, "recipe.wrong-modality")
    refused(plastinate(*build, "--recipe", "ct-lung"), 5, "recipe.not-found")
    refused(plastinate(*build, *WISH, "--format", "gbl"), 5, "recipe.not-found")
    # What is wrong on the command line itself is told as any other such slip.
    assert plastinate(*build).returncode == 2
    refused(plastinate(*build, *WISH, "--organ", "liver"), 5, "recipe.parameter")
    refused(plastinate(*build, "--threshold", "30000:"), 6, "result.empty")
    refused(plastinate("build", scan, "-o", tmp_path / "taken", *WISH), 7, "system.cannot-write")
    monkeypatch.setenv("PLASTINATE_LIMIT_FILES", "3")
    refused(plastinate(*build, *WISH), 4, "limit.too-large")
    assert not (tmp_path / "out").exists()


def test_a_traceback_is_shown_only_when_asked_for(tmp_path: Path):
    ran = plastinate("--debug", "inspect", tmp_path / "absent")
    assert ran.returncode != 0
    assert "Traceback" in ran.stderr


def test_one_bad_file_costs_only_itself(scan: Path, tmp_path: Path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for path in scan.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "cut.dcm").write_bytes(next(scan.iterdir()).read_bytes()[:700])
    (folder / "letter.pdf").write_bytes(b"%PDF-1.4 nothing")
    save(
        slice_dataset(
            0,
            SamplesPerPixel=3,
            PhotometricInterpretation="RGB",
            BitsAllocated=8,
            BitsStored=8,
            HighBit=7,
            PixelRepresentation=0,
            PixelData=bytes(72),
        ),
        folder / "colour.dcm",
    )
    ran = plastinate("build", folder, "-o", tmp_path / "out", *WISH, *QUICK)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out" / "models" / "surface.stl").exists()
    assert "set-aside" in ran.stdout
    assert "set aside" in plastinate("inspect", folder).stdout


def test_phases_must_be_chosen_and_can_be(tmp_path: Path):
    folder = write_bead(tmp_path / "scan", Scan(phases=2))
    refused(plastinate("build", folder, "-o", tmp_path / "out", *WISH, *QUICK), 3, "input.choose-a-series")
    ran = plastinate("build", folder, "-o", tmp_path / "out", *WISH, *QUICK, "--phase", "2")
    assert ran.returncode == 0, ran.stderr
    refused(
        plastinate("build", folder, "-o", tmp_path / "out", *WISH, "--phase", "7"),
        3,
        "input.series-not-found",
    )


def test_a_name_stays_inside_its_folder_and_steers_no_terminal(scan: Path, tmp_path: Path):
    ran = plastinate("build", scan, "-o", tmp_path / "out", *WISH, *QUICK, "--name", "../../\x1b[31m<b>evil")
    assert ran.returncode == 0, ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert [path.name for path in (tmp_path / "out" / "models").iterdir()] == ["31m-b-evil.stl"]
    assert "\x1b" not in ran.stdout + ran.stderr


@pytest.mark.slow
def test_the_same_command_gives_the_same_bytes_on_any_machine(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wish = (*WISH, "--format", "glb,stl,obj,ply,3mf,nifti,nrrd,seg", "--no-preview")
    for name, threads, seed, zone in (("one", "1", "1", "UTC"), ("two", "2", "99", "Asia/Tokyo")):
        monkeypatch.setenv("PLASTINATE_THREADS", threads)
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        monkeypatch.setenv("TZ", zone)
        assert plastinate("build", scan, "-o", tmp_path / name, *wish).returncode == 0
    one, two = tmp_path / "one", tmp_path / "two"
    written = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    assert written == sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    for name in written:
        if name.name not in ("run.json", "certificate.html"):
            assert filecmp.cmp(one / name, two / name, shallow=False), name


def begin(scan: Path, output: Path, until: str) -> subprocess.Popen[str]:
    """Start a build and wait until it says that it is doing something."""
    started = subprocess.Popen(
        [sys.executable, "-m", "plastinate.cli.main", "build", str(scan), "-o", str(output), *WISH],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert started.stderr is not None
    for line in started.stderr:
        if until in line:
            return started
    raise AssertionError(f"it never said {until!r}")


@pytest.mark.parametrize(
    ("until", "number", "status", "whole_group"),
    [
        ("read the scan", signal.SIGINT, 130, True),
        ("read the scan", signal.SIGTERM, 143, False),
        ("surface:", signal.SIGINT, 130, False),
        ("render", signal.SIGINT, 130, True),
        ("render", signal.SIGHUP, 129, False),
    ],
)
def test_a_stop_leaves_nothing_half_written(scan, tmp_path: Path, until, number, status, whole_group):
    running = begin(scan, tmp_path / "out", until)
    if whole_group:
        os.killpg(running.pid, number)
    else:
        running.send_signal(number)
    words = running.communicate(timeout=30)[1]
    assert running.returncode == status, words
    assert "Traceback" not in words
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="children die with their parent on Linux")
def test_a_killed_build_takes_its_reader_along_and_the_next_one_clears_up(scan: Path, tmp_path: Path):
    reading = begin(scan, tmp_path / "out", "read the scan")
    listed = Path(f"/proc/{reading.pid}/task/{reading.pid}/children")
    children = eventually(lambda: listed.read_text().split(), what="the process that reads")
    reading.kill()
    reading.communicate(timeout=30)
    # The system takes its own moment to end them.
    eventually(lambda: not any(_is_alive(child) for child in children), what="the end of the reader")
    writing = begin(scan, tmp_path / "out", "render")
    writing.kill()
    writing.communicate(timeout=30)
    left = list((tmp_path / "out").iterdir())
    assert all(path.name.startswith(".") for path in left), "nothing half-written under a final name"
    assert plastinate("build", scan, "-o", tmp_path / "out", *WISH, *QUICK).returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["models"]


def _is_alive(process: str) -> bool:
    try:
        # A zombie is dead; it only waits to be counted.
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_full_disk_is_told_and_leaves_the_old_files(scan: Path, tmp_path: Path):
    resource = pytest.importorskip("resource")
    out = tmp_path / "out"
    assert plastinate("build", scan, "-o", out, *WISH, *QUICK).returncode == 0
    before = (out / "models" / "surface.stl").read_bytes()

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    ran = subprocess.run(
        [sys.executable, "-m", "plastinate.cli.main", "build", str(scan), "-o", str(out), *WISH, *QUICK],
        capture_output=True,
        text=True,
        preexec_fn=small_disk,
        check=False,
        timeout=60,
    )
    refused(ran, 7, "system.cannot-write")
    assert (out / "models" / "surface.stl").read_bytes() == before
    assert [path.name for path in out.iterdir()] == ["models"]
