"""Scores the shipped cases and writes the tables into docs/explanation/scoreboard.md: `make scoreboard`.

The sample scans are fetched. DATA=FOLDER adds the cases of cases/local.toml, whose scans lie in that folder;
where it is not given, what stands in the page about them stays. So do the times where other work runs on the
machine, for they would say how busy it was.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from plastinate.pipeline.progress import Progress, ProgressEvent
from plastinate.services.evaluate import EvaluationRequest, evaluate
from plastinate.stages.export.scoreboard_text import AUTHORS, FIGURES, OUTCOMES, figure

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "explanation" / "scoreboard.md"
CACHE = Path(os.environ.get("PLASTINATE_BENCH_CACHE", "/tmp/plastinate-bench"))
# A machine that waits for work has a load near 0; half a core of other work already shows in seconds.
IDLE_LOAD = 0.5
# Organ -> the structures that make it up, what the paper calls its accuracy, and TotalSegmentator's published
# (Dice, NSD at 3 mm) of each of them: version 1 (results_all_classes.json), version 2 (evaluate_results.txt).
ORGANS = {
    "heart": (("heart",), "94.2 %", "chambers 0.939 to 0.955, 0.969 to 0.976", "0.904, 0.926"),
    "lungs": (
        ("lung-left", "lung-right"),
        "91.8 %",
        "lobes 0.944 to 0.988, 0.961 to 0.994",
        "lobes 0.893 to 0.979, 0.928 to 0.980",
    ),
    "brain": (("brain",), "93.5 %", "0.969, 0.981", "0.923, 0.934"),
    "liver": (("liver",), "90.7 %", "0.965, 0.973", "0.963, 0.963"),
    "kidneys": (
        ("kidney-left", "kidney-right"),
        "92.3 %",
        "left 0.953, 0.962; right 0.939, 0.956",
        "left 0.944, 0.962; right 0.947, 0.957",
    ),
}


def main() -> None:
    """Score, and replace the text between each pair of markers in the page."""
    is_idle = os.getloadavg()[0] < IDLE_LOAD
    data = os.environ.get("DATA")
    reports = []
    for name, folder in (("public", None), *([("local", Path(data))] if data else [])):
        report = _scored(name, folder, is_fresh=is_idle)
        reports.append(report)
        _replace(name, _cases(report))
        if is_idle:
            _replace(f"{name}-time", [*_times(report), "", _machine(report)])
    _replace("beside", _beside(reports))
    if not is_idle:
        print(
            f"Other work runs here (load {os.getloadavg()[0]:.1f}): the times in the page stay as they were."
        )


def _scored(name: str, data: Path | None, *, is_fresh: bool) -> dict[str, Any]:
    told: set[str] = set()

    def say(event: ProgressEvent) -> None:
        if event.doing not in told:
            told.add(event.doing)
            print(f"{event.share_done:4.0%}  {event.doing}", file=sys.stderr, flush=True)

    request = EvaluationRequest(
        HERE / "cases" / f"{name}.toml", CACHE / f"scoreboard-{name}", data=data, is_fresh=is_fresh
    )
    report = evaluate(request, progress=Progress(say=say))
    print(CACHE / f"scoreboard-{name}" / "scoreboard.html")
    return report


def _beside(reports: list[dict[str, Any]]) -> list[str]:
    rows = [
        '| organ | the paper, "accuracy" | TotalSegmentator 1, Dice and NSD 3 mm | 2 | Plastinate |',
        "|---|---|---|---|---|",
    ]
    for organ, (structures, paper, first, second) in ORGANS.items():
        ours = [
            f"{score['name']} {figure(score['dice'], 3)}, {figure(score['nsd_3mm'], 3)} ({case['title']})"
            for report in reports
            for case in report["cases"]
            for name, score in case.get("scores", {}).items()
            if name in structures and score.get("dice") is not None
        ]
        rows.append(f"| {organ} | {paper} | {first} | {second} | {'; '.join(ours) or 'not scored yet'} |")
    return rows


def _cases(report: dict[str, Any]) -> list[str]:
    names = " | ".join(f"{name}{', ' + unit if unit else ''}" for _, name, unit, *_ in FIGURES)
    rows = [
        f"| case | organ | {names} | ours, ml | stated range, ml | reference, ml | our own light |",
        "|---" * (len(FIGURES) + 6) + "|",
    ]
    for case in report["cases"]:
        if "error" in case:
            rows.append(
                f"| {case['title']} | not scored: {case['error']['sentence']} |" + " |" * (len(FIGURES) + 4)
            )
        for score in case.get("scores", {}).values():
            if "outcome" not in score:
                continue
            about = f"{case['title']}, {AUTHORS[case['reference_by']]}"
            told = "" if score["outcome"] == "found" else f" ({OUTCOMES[score['outcome']]})"
            figures = " | ".join(figure(score[key], digits) for key, _, _, digits, _ in FIGURES)
            ends = score.get("range_ml")
            stated = f"{ends[0]:.0f} to {ends[1]:.0f}" if ends else "–"
            rows.append(
                f"| {about} | {score['name']}{told} | {figures} | {score['ours_ml']:.0f} | {stated} "
                f"| {score['reference_ml']:.0f} | {score.get('light', '–')} |"
            )
    return rows


def _times(report: dict[str, Any]) -> list[str]:
    rows = ["| case | step | seconds | peak memory, MB |", "|---|---|---|---|"]
    rows += [
        f"| {case['title']} | {step['name']} | {step['wall_s']:.1f} | {figure(step['peak_mb'], 0)} |"
        for case in report["cases"]
        for step in case.get("steps", [])
    ]
    return rows


def _machine(report: dict[str, Any]) -> str:
    machine = report["machine"]
    return f"{machine['processor']}, {machine['cores']} cores; Plastinate {report['plastinate_version']}."


def _replace(name: str, rows: list[str]) -> None:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    body = "\n".join([begin, *rows, end])
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(re.sub(f"{begin}.*?{end}", lambda _: body, text, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
