"""A report of scores -> the same as text: what each figure is, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# key, heading, unit, digits, whether more is better (None: nearer to 0 is).
FIGURES: tuple[tuple[str, str, str, int, bool], ...] = (
    ("dice", "Dice", "", 3, True),
    ("nsd_1mm", "NSD 1 mm", "", 3, True),
    ("nsd_3mm", "NSD 3 mm", "", 3, True),
    ("hd95_mm", "HD95", "mm", 2, False),
    ("assd_mm", "ASSD", "mm", 2, False),
    ("mssd_mm", "MSSD", "mm", 1, False),
    ("volume_error_percent", "Volume error", "%", 1, False),
)
DEFINITIONS: dict[str, str] = {
    "Dice": "Twice the shared volume over the sum of both volumes. 1 is perfect.",
    "NSD 1 mm, NSD 3 mm": (
        "Normalised surface distance (surface Dice): the share of both surfaces, by area, that lies "
        "within 1 or 3 mm of the other one; as DeepMind's surface-distance. Counting surface voxels "
        "instead gives another figure for the same masks; scores.csv holds both."
    ),
    "HD95": (
        "The distance within which 95 % of each surface lies from the other, by area; the larger of both "
        "ways."
    ),
    "ASSD": (
        "Average symmetric surface distance: the mean over the surface voxels of both, as in the CHAOS "
        "challenge."
    ),
    "MSSD": "Maximum symmetric surface distance: the surface voxel that lies farthest off.",
    "Volume error": (
        "Our volume over the reference's, minus one. The mean over cases is that of its size, without the "
        "sign."
    ),
    "Cut by the scan": (
        "Where the edge of the scan cuts an organ there is no surface: that plane is the same in both and "
        "would make every distance look better."
    ),
    "Not there": (
        "What neither holds is rightly absent and enters no mean. Where only one of the two holds it, "
        "Dice and NSD are 0 and distances are unknown."
    ),
    "Interval": (
        "95 % percentile bootstrap over cases, 2000 draws, always the same ones; from three cases on. It "
        "tells how the mean would vary with other cases like these, not with other scanners or diseases."
    ),
}
AUTHORS = {
    "person": "drawn by a person",
    "program": "made by a program",
    "template": "the mask of a template",
}
ROLES = {
    "judge": "Cases to judge by",
    "develop": "Cases the rules were developed on",
}
OUTCOMES = {
    "found": "found",
    "missed": "missed",
    "invented": "invented",
    "absent": "rightly absent",
}


def figure(value: float | None, digits: int, unit: str = "") -> str:
    """One figure, or a dash where it is unknown.

    >>> figure(0.98765, 3), figure(None, 3), figure(-2.25, 1, "%")
    ('0.988', '–', '-2.2 %')
    """
    if value is None:
        return "–"
    return f"{value:.{digits}f}{' ' + unit if unit else ''}"


def spread(interval: Mapping[str, Any] | None, digits: int, unit: str = "") -> str:
    """A mean with its interval, where it has one.

    >>> spread({"mean": 0.9, "low": 0.85, "high": 0.95, "cases": 4}, 2)
    '0.90 (0.85 to 0.95)'
    """
    if interval is None:
        return "–"
    mean = figure(interval["mean"], digits, unit)
    if interval["low"] is None:
        return mean
    return f"{mean} ({interval['low']:.{digits}f} to {interval['high']:.{digits}f})"


def markdown(report: Mapping[str, Any]) -> str:
    """The scoreboard as a page of Markdown."""
    lines = [f"# {_cell(report['title'])}", ""]
    if report["about"]:
        lines += [_cell(report["about"]), ""]
    for role, heading in ROLES.items():
        rows = [row for row in report["summary"] if row["role"] == role]
        if rows:
            lines += [f"## {heading}", "", *_summary(rows), ""]
    lines += ["## Case by case", "", *_cases(report["cases"]), ""]
    lines += _troubles(report)
    lines += ["## Time and memory", "", *_stages(report), ""]
    lines += ["## What each figure is", ""]
    lines += [f"- **{name}**: {words}" for name, words in DEFINITIONS.items()]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _table(headings: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(headings) + " |", "|" + "---|" * len(headings)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def _summary(rows: list[dict[str, Any]]) -> list[str]:
    headings = ["organ", "cases", *(f"{name}{', ' + unit if unit else ''}" for _, name, unit, *_ in FIGURES)]
    return _table(
        headings,
        [
            [_cell(row["name"]), _counted(row)]
            + [spread(row["figures"][key], digits) for key, _, _, digits, _ in FIGURES]
            for row in rows
        ],
    )


def _counted(row: Mapping[str, Any]) -> str:
    others = [f"{count} {OUTCOMES[what]}" for what, count in row["outcomes"].items() if what != "found"]
    return f"{row['cases']}{' (' + ', '.join(others) + ')' if others else ''}"


def _cases(cases: list[dict[str, Any]]) -> list[str]:
    rows = []
    for case in cases:
        for score in case.get("scores", {}).values():
            if "outcome" not in score:
                continue
            rows.append(
                [_cell(case["title"]), AUTHORS[case["reference_by"]], _cell(score["name"])]
                + [OUTCOMES[score["outcome"]]]
                + [figure(score[key], digits) for key, _, _, digits, _ in FIGURES]
                + [score.get("light") or "–"]
            )
    headings = ["case", "reference", "organ", "", *(name for _, name, *_ in FIGURES), "our light"]
    return _table(headings, rows)


def _troubles(report: Mapping[str, Any]) -> list[str]:
    lines = [
        f"- {_cell(case['title'])}: {_cell(case['error']['sentence'])} `{case['error']['code']}`"
        for case in report["cases"]
        if "error" in case
    ]
    for case in report["cases"]:
        named = [s["name"] for s in case.get("scores", {}).values() if "unscored" in s]
        if named:
            lines.append(
                f"- {_cell(case['title'])}, not scored, for no recipe makes them: {', '.join(named)}"
            )
    lines += [
        f"- {_cell(atlas['title'])}: never scored, a method has it in it" for atlas in report["atlases"]
    ]
    return ["## What was not scored", "", *lines, ""] if lines else []


def _stages(report: Mapping[str, Any]) -> list[str]:
    cases = [case for case in report["cases"] if "stages" in case]
    names = list(dict.fromkeys(stage["name"] for case in cases for stage in case["stages"]))
    rows = []
    for case in cases:
        by_name = {stage["name"]: stage for stage in case["stages"]}
        rows.append(
            [_cell(case["title"])]
            + [
                f"{by_name[name]['wall_s']:.1f} s, {figure(by_name[name]['peak_mb'], 0, 'MB')}"
                if name in by_name
                else "–"
                for name in names
            ]
        )
    machine = report["machine"]
    about = f"{machine['processor']}, {machine['cores']} cores, Plastinate {report['plastinate_version']}."
    return [*_table(["case", *names], rows), "", about]
