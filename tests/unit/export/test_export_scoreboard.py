"""A report becomes a page, a table and numbers that say the same, also where things are missing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from plastinate.model.scores import StructureScore
from plastinate.stages.export.scoreboard import write_scoreboard


def interval(mean, low=None, high=None, cases=1):
    return {"mean": mean, "low": low, "high": high, "cases": cases}


def score(name: str, **figures) -> dict:
    whole = StructureScore("found", 1500.0, 1480.0, 0.96, 1.35, 0.91, 0.97, 0.85, 0.93, 3.2, 0.9, 14.0)
    return {"name": name, **whole.as_dict(), **figures}


def case(name: str, **more) -> dict:
    about = {"name": name, "title": name, "role": "judge", "reference_by": "person"}
    return {**about, "origin": "a | pipe", "licence": "", "note": "", **more}


REPORT = {
    "format": "plastinate-scoreboard/1",
    "title": "Board <i>",
    "about": "",
    "plastinate_version": "0",
    "machine": {"system": "Linux", "processor": "P", "cores": 2, "python": "3"},
    "summary": [
        {
            "role": "judge",
            "structure": "liver",
            "name": "Liver",
            "cases": 3,
            "outcomes": {"found": 2, "missed": 1},
            "figures": {
                "dice": interval(0.64, 0.1, 0.97, 3),
                "nsd_1mm": interval(0.6, 0.1, 0.9, 3),
                "nsd_3mm": interval(0.7, 0.2, 0.98, 3),
                "hd95_mm": interval(3.2, cases=2),
                "assd_mm": interval(0.9, cases=2),
                "mssd_mm": None,
                "volume_error_percent": interval(34.0, 1.0, 100.0, 3),
            },
        }
    ],
    "cases": [
        case(
            "good",
            scores={
                "liver": score(
                    "Liver",
                    light="green",
                    picture={"file": "good-liver.png", "slice": 4, "missed_cm2": 1.0, "extra_cm2": 0.5},
                ),
                "spleen": {"name": "Spleen", "unscored": "no recipe makes it"},
            },
            stages=[{"name": "segment", "wall_s": 1.25, "peak_mb": None}],
            scan={"shape_slice_row_column": [3, 4, 5], "spacing_mm": [1, 1, 1]},
        ),
        case("bad", error={"code": "evaluation.no-reference", "sentence": "It is <gone>.", "hint": "Look."}),
    ],
    "atlases": [{"name": "atlas", "title": "The atlas"}],
}


def test_all_four_say_the_same_and_what_is_unknown_is_a_dash_or_empty(tmp_path: Path):
    files = write_scoreboard(REPORT, tmp_path, pictures={"good-liver.png": b"png"})
    assert sorted(files) == ["scoreboard.html", "scoreboard.json", "scoreboard.md", "scores.csv"]
    page, text = (tmp_path / "scoreboard.html").read_text(), (tmp_path / "scoreboard.md").read_text()
    assert json.loads((tmp_path / "scoreboard.json").read_text()) == REPORT
    for words in ("0.640", "0.100 to 0.970", "1 missed", "no-reference", "The atlas", "Spleen"):
        assert words in page, words
        assert words in text, words
    assert "Board &lt;i&gt;" in page
    assert "It is &lt;gone&gt;." in page
    assert '<td class="n">–</td>' in page
    with (tmp_path / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["structure"], row["outcome"]) for row in rows] == [
        ("liver", "found"),
        ("spleen", "unscored"),
    ]
    assert rows[0]["dice"] == "0.96"
    assert rows[1]["dice"] == ""


def test_a_board_on_which_nothing_could_be_scored_still_says_why(tmp_path: Path):
    report = {**REPORT, "summary": [], "cases": REPORT["cases"][1:], "atlases": []}
    write_scoreboard(report, tmp_path, pictures={})
    for name in ("scoreboard.html", "scoreboard.md"):
        assert "evaluation.no-reference" in (tmp_path / name).read_text()


def test_tables_of_the_page_can_be_reached_and_scrolled_by_key(tmp_path: Path):
    write_scoreboard(REPORT, tmp_path, pictures={"good-liver.png": b"png"})
    page = (tmp_path / "scoreboard.html").read_text()
    assert page.count('class="scroll"') == page.count('tabindex="0"') == page.count('role="region"') == 3
    assert page.count("<img ") == page.count('<img alt="Liver in good')
