"""Results of cases -> means over cases with their intervals, each role and each organ for itself."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from plastinate.stages import catalog

FIGURES = ("dice", "nsd_1mm", "nsd_3mm", "hd95_mm", "assd_mm", "mssd_mm", "volume_error_percent")
ROLES = ("judge", "develop")


def summary(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each role and scored organ, cases for judging first.

    Of the volume error the mean is that of its size, so that too large and too small do not cancel.

    Args:
        results: as `score_case` gives them, and failed ones.
    """
    rows: list[dict[str, Any]] = []
    for role in ROLES:
        of_role = [result for result in results if result["role"] == role and "scores" in result]
        names = dict.fromkeys(name for result in of_role for name in result["scores"])
        for name in names:
            scores = [result["scores"][name] for result in of_role if name in result["scores"]]
            scores = [score for score in scores if "outcome" in score]
            if scores:
                rows.append(_row(role, name, scores))
    return rows


def _row(role: str, name: str, scores: list[dict[str, Any]]) -> dict[str, Any]:
    figures = {}
    for figure in FIGURES:
        values = [score[figure] for score in scores if score[figure] is not None]
        if figure == "volume_error_percent":
            values = [abs(value) for value in values]
        interval = catalog.door("bootstrap")(values)
        figures[figure] = None if interval is None else asdict(interval)
    outcomes = Counter(score["outcome"] for score in scores)
    return {
        "role": role,
        "structure": name,
        "name": scores[0]["name"],
        "cases": len(scores),
        "outcomes": dict(outcomes),
        "figures": figures,
    }


def machine() -> dict[str, Any]:
    """What the seconds were measured on."""
    return {
        "system": platform.system(),
        "processor": _processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
