"""What a person sees: bars, tables and lights; names never steer the terminal."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from export_scenes import two_organs
from plastinate.cli import terminal
from plastinate.model.evidence import Finding, NotFound, RunRecord, SurfaceQuality, Verdict, VolumeRange
from plastinate.model.series import Inspection, Series, SetAside
from plastinate.pipeline.progress import ProgressEvent
from plastinate.services.build_models import BuildResult


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Both consoles, as wide as a terminal that shows all of it."""
    paper = io.StringIO()
    wide = Console(file=paper, force_terminal=True, width=200, highlight=False, color_system=None)
    monkeypatch.setattr(terminal, "out", wide)
    monkeypatch.setattr(terminal, "err", wide)
    return paper


def series(**changes) -> Series:
    facts = {
        "number": 1,
        "modality": "CT",
        "description": "[red]Thorax[/red]",
        "frame_count": 80,
        "shape": (40, 512, 256),
        "spacing_mm": (2.5, 0.7, 0.8),
        "phases": ("arterial", "venous"),
        "findings": (Finding("ingest.gap", "warning", "Slices are missing.", "Refused."),),
        "tags": {},
        "is_usable": True,
    }
    return Series(**{**facts, **changes})


def test_a_bar_is_drawn_on_a_terminal(screen: io.StringIO):
    with terminal.bar() as progress, progress.step("read the scan", share=0.5) as within:
        within(0.5)
    with terminal.counter("looking") as count:
        assert count is not None
        count(3, 10, "reading headers")
    assert "read the scan" in screen.getvalue()
    assert "reading headers" in screen.getvalue()


def test_elsewhere_each_step_is_told_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(terminal, "err", Console(file=io.StringIO(), width=80))
    with terminal.bar() as progress:
        for share in (0.1, 0.2, 0.3):
            progress.say(ProgressEvent(share, "surface: [bold]liver[/]"))
    assert terminal.err.file.getvalue() == " 10%  surface: [bold]liver[/]\n"
    with terminal.counter("looking") as count:
        assert count is None


def test_steps_that_take_turns_are_told_once_until_the_work_begins_anew(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(terminal, "err", Console(file=io.StringIO(), width=80))
    told = [
        (0.1, "lungs"),
        (0.2, "skin"),
        (0.3, "lungs"),
        (0.4, "server away"),
        (0.4, "skin"),
        (0.1, "lungs"),
    ]
    with terminal.bar() as progress:
        for share, doing in told:
            progress.say(ProgressEvent(share, doing))
    lines = terminal.err.file.getvalue().splitlines()
    assert lines == [" 10%  lungs", " 20%  skin", " 40%  server away", " 10%  lungs"]


def test_an_inspection_shows_columns_by_rows_and_says_what_was_set_aside(screen: io.StringIO):
    lost = SetAside(
        Finding("input.damaged-file", "problem", "5 files: cut off.", ""), ("a", "b", "c", "d", "e"), 5
    )
    odd = series(
        number=2, modality="", description="", spacing_mm=None, phases=("",), findings=(), is_usable=False
    )
    terminal.print_inspection(Inspection("/scans/[x]", 85, (series(), odd), (lost,), ()))
    seen = screen.getvalue()
    for words in (
        "/scans/[x]: 85 files",
        "[red]Thorax[/red]",
        "256 × 512",
        "0.8 × 0.7 × 2.5",
        "1 arterial, 2 venous",
        "unknown",
        "cannot be built",
        "series 1: Slices are missing. Refused.",
        "a, b, c and 2 more",
        "Next: plastinate build '/scans/[x]' -o OUT",
    ):
        assert words in seen, words


def test_a_build_from_what_looks_like_labels_says_so_in_its_last_line(screen: io.StringIO):
    scene = two_organs()
    said = Finding("ingest.looks-like-labels", "warning", "It looks like labels.", "Convert [it].")
    scene = replace(scene, evidence=replace(scene.evidence, findings=(said,)))
    run = RunRecord("2020", 12.34, {}, 100.0, "0")
    terminal.print_build(BuildResult(scene, run, {"run.json": "x"}), Path("/out"))
    assert screen.getvalue().rstrip().splitlines()[-1].strip() == "It looks like labels. Convert [it]."


def test_what_to_type_next_says_what_the_files_do_not(screen: io.StringIO):
    odd = series(modality="", tags={"likely_modality": "CT"})
    terminal.print_inspection(Inspection("/x", 1, (odd,), (), ()))
    assert "--recipe NAME --modality CT   (plastinate recipes)" in screen.getvalue()


def test_nothing_to_build_suggests_no_build(screen: io.StringIO):
    terminal.print_inspection(Inspection("/x", 0, (), (), ()))
    assert "Next" not in screen.getvalue()


def test_a_build_shows_its_lights_its_reasons_and_its_files(screen: io.StringIO):
    scene = two_organs()
    first, second = (node.id for node in scene.nodes)
    quality = SurfaceQuality(
        1200, 602, False, True, 0, 1, None, None, None, None, None, None, None, 0.25, 0.6, 1.4, None
    )
    measured = SurfaceQuality(
        1200, 602, True, True, 0, 1, 1234.56, 1240.0, -0.4, 99.0, 0.2, 0.5, 1.1, 0.25, 0.6, 1.4, 2.0
    )
    for figures, light in ((quality, "red"), (measured, "green")):
        scene.evidence.quality[first] = {"full": figures}
        scene.evidence.verdicts[first] = Verdict(light, ("It is [odd].",))
        files = {"run.json": "x", "scene.glb": "x", "certificate.html": "x"}
        run = RunRecord("2020", 12.34, {}, 100.0, "0")
        terminal.print_build(BuildResult(scene, run, files), Path("/out"))
    seen = screen.getvalue()
    for words in (
        "unknown",
        "0.25 / 0.60 voxel",
        "1,234.6 ml",
        "0.20 / 0.50 mm",
        "■ red",
        "● green",
        "It is [odd].",
        "12.3 s",
    ):
        assert words in seen, words
    assert scene.node(second).structure.name in seen
    assert "not found" not in seen
    # What is opened first is named first.
    assert seen.index("/out/scene.glb") < seen.index("/out/certificate.html") < seen.index("/out/run.json")


def test_a_range_of_volumes_has_a_column_where_there_is_one(screen: io.StringIO):
    scene = two_organs()
    first, second = (node.id for node in scene.nodes)
    quality = SurfaceQuality(
        1200, 602, True, True, 0, 1, 1234.56, 1240.0, -0.4, 99.0, 0.2, 0.5, 1.1, 0.25, 0.6, 1.4, 2.0
    )
    evidence = replace(
        scene.evidence,
        quality={name: {"full": quality} for name in (first, second)},
        verdicts={name: Verdict("green") for name in (first, second)},
        volume_ranges={first: VolumeRange(1100.25, 1400.5)},
    )
    run = RunRecord("2020", 12.34, {}, 100.0, "0")
    terminal.print_build(BuildResult(replace(scene, evidence=evidence), run, {}), Path("/out"))
    rows = {name: line for line in screen.getvalue().splitlines() for name in (first, second)
            if line.startswith(scene.node(name).structure.name)}  # fmt: skip
    assert "1,234.6 ml  1,100 and 1,400 ml" in rows[first]
    assert rows[second].split()[-9:] == ["-", "0.20", "/", "0.50", "mm", "1,200", "yes", "●", "green"]


def test_what_was_asked_for_and_is_not_there_has_its_line_and_its_reason(screen: io.StringIO):
    scene = two_organs()
    evidence = replace(scene.evidence, not_found=(NotFound("skull", "Skull", "no bone above [300] HU"),))
    run = RunRecord("2020", 12.34, {}, 100.0, "0")
    terminal.print_build(BuildResult(replace(scene, evidence=evidence), run, {}), Path("/out"))
    row = next(line for line in screen.getvalue().splitlines() if line.startswith("Skull"))
    assert row.endswith("not found")
    assert "Skull: not found, no bone above [300] HU." in screen.getvalue()
