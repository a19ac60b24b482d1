"""A report of scores -> scoreboard.json, scores.csv, scoreboard.md and one page that needs nothing else."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plastinate.stages.export.atomic_write import write_bytes
from plastinate.stages.export.json_text import plain
from plastinate.stages.export.scoreboard_text import AUTHORS, DEFINITIONS, FIGURES, figure, markdown, spread

TEMPLATE = Path(__file__).with_name("scoreboard.html.j2")
# So many of the worst slices of each organ stand on the page; all lie beside it in pictures/.
WORST_OF_EACH = 3
# The strip beside each Dice runs from here to 1; what is worse is drawn at its end.
STRIP_LOWEST = 0.8


def write_scoreboard(
    report: Mapping[str, Any], folder: Path, *, pictures: Mapping[str, bytes]
) -> dict[str, str]:
    """Write the scoreboard in all four forms.

    Args:
        report: as `services/evaluate.py` makes it.
        folder: where to write.
        pictures: file name -> PNG bytes of the worst slices.

    Returns:
        File name -> SHA-256.

    Raises:
        CannotWrite: the folder does not take it.
    """
    content = plain(report)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    files = {
        "scoreboard.json": text.encode("utf-8", errors="replace"),
        "scores.csv": _csv(content),
        "scoreboard.md": markdown(content).encode("utf-8", errors="replace"),
        "scoreboard.html": _page(content, pictures),
    }
    return {name: write_bytes(folder / name, data) for name, data in files.items()}


def _csv(report: Mapping[str, Any]) -> bytes:
    """One line for each organ of each case, every figure at full precision."""
    keys = ["outcome", *(key for key, *_ in FIGURES), "nsd_1mm_voxels", "nsd_3mm_voxels"]
    keys += ["ours_ml", "reference_ml", "light"]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["case", "role", "reference_by", "structure", *keys])
    for case in report["cases"]:
        for name, score in case.get("scores", {}).items():
            row = {**score, "outcome": score.get("outcome", "unscored")}
            writer.writerow(
                [case["name"], case["role"], case["reference_by"], name]
                + ["" if row.get(key) is None else row[key] for key in keys]
            )
    return text.getvalue().encode("utf-8", errors="replace")


def _page(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> bytes:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters["figure"] = figure
    environment.filters["spread"] = spread
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        report=report,
        figures=FIGURES,
        definitions=DEFINITIONS,
        authors=AUTHORS,
        strips={f"{row['role']} {row['structure']}": _strip(report, row) for row in report["summary"]},
        worst=_worst(report, pictures),
        stages=list(dict.fromkeys(s["name"] for case in report["cases"] for s in case.get("stages", []))),
    )
    return page.encode("utf-8", errors="replace")


def _strip(report: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Where each case's Dice and the interval of their mean stand, in percent of the strip's width."""
    values = [
        case["scores"][row["structure"]]["dice"]
        for case in report["cases"]
        if case["role"] == row["role"] and "dice" in case.get("scores", {}).get(row["structure"], {})
    ]
    mean = row["figures"]["dice"]
    has_band = mean is not None and mean["low"] is not None
    return {
        "dots": [_along(value) for value in values if value is not None],
        "band": [_along(mean["low"]), _along(mean["high"])] if has_band else None,
    }


def _along(dice: float) -> float:
    return round(100 * max(0.0, (dice - STRIP_LOWEST) / (1 - STRIP_LOWEST)), 1)


def _worst(report: Mapping[str, Any], pictures: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The pictured organs of all cases, lowest Dice first, a few of each organ."""
    found = [
        {
            "case": case,
            "score": score,
            "data": base64.b64encode(pictures[score["picture"]["file"]]).decode("ascii"),
        }
        for case in report["cases"]
        for score in case.get("scores", {}).values()
        if score.get("picture") and score["picture"]["file"] in pictures
    ]
    found.sort(key=lambda each: (each["score"]["dice"] or 0.0, each["case"]["name"]))
    seen: Counter[str] = Counter()
    chosen = []
    for each in found:
        seen[each["score"]["name"]] += 1
        if seen[each["score"]["name"]] <= WORST_OF_EACH:
            chosen.append(each)
    return chosen
