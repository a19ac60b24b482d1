"""A certificate of a picture's model -> what its page shows: what is invented, and nothing of a scan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _

from plastinate.web.measures import length, number, share, volume
from plastinate.web.wording import doing, part_name
from plastinate.web.wording_pictures import LENGTHS


def length_of_estimate(estimate: Mapping[str, Any] | None) -> str:
    """From where a model of a picture has its length, in a sentence; "" where there is no estimate."""
    if not isinstance(estimate, Mapping):
        return ""
    return str(LENGTHS.get(str(estimate.get("length_from")), LENGTHS["unknown"]))


def estimated_from(estimate: Mapping[str, Any] | None) -> str:
    """That a model is an estimate, and of how many pictures; "" where there is no estimate."""
    if not isinstance(estimate, Mapping):
        return ""
    return str(_("Estimated from two pictures") if _has_two(estimate) else _("Estimated from one picture"))


def _has_two(estimate: Mapping[str, Any]) -> bool:
    return estimate.get("pictures") == 2


def estimate_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """The certificate, ready for a template: as `build_page.report_of` gives that of a scan."""
    estimate = report["inputs"]["estimate"]
    rows, columns = estimate["picture_rows_columns"]
    size = {"columns": number(columns), "rows": number(rows)}
    structures = {each["id"]: each for each in report["structures"]}
    in_mm = estimate["unit"] == "mm"
    return {
        "estimate": length_of_estimate(estimate),
        "in_mm": in_mm,
        "estimated_from": estimated_from(estimate),
        "grid": _("Made of two pictures of %(columns)s × %(rows)s pixels.", **size)
        if _has_two(estimate)
        else _("Made of one picture of %(columns)s × %(rows)s pixels.", **size),
        "organs": [
            _body(structures[name], report, estimate, in_mm=in_mm)
            for name in report["verdicts"]
            if name in structures
        ],
        "not_found": [],
        "findings": report["findings"],
        "steps": [
            {**step, "words": doing(f"{step['stage']}: {step['method']}"), "results": ""}
            for step in report["steps"]
        ],
        "frame": "",
        "hashes": [
            *report["outputs"].items(),
            (_("input"), report["inputs"]["sha256"]),
            (_("recipe"), report["inputs"]["recipe"]["sha256"]),
            *((part_name(each["name"]), each["sha256"]) for each in report["inputs"].get("models", [])),
        ],
        "version": report["inputs"].get("plastinate_version", ""),
        "content_sha256": report["content_sha256"],
    }


def _body(
    structure: Mapping[str, Any], report: Mapping[str, Any], estimate: Mapping[str, Any], *, in_mm: bool
) -> dict[str, Any]:
    full = report["quality"].get(structure["id"], {}).get("full")
    verdict = report["verdicts"][structure["id"]]
    red, green, blue = structure["colour_srgb"]
    return {
        "id": structure["id"],
        "name": structure["name"],
        "colour": [red, green, blue],
        "code": "",
        "light": verdict["light"],
        "reasons": verdict["reasons"],
        "full": full,
        "range": "",
        "mean": "",
        "figures": _figures(full, estimate, in_mm=in_mm) if full else [],
        "levels": [],
    }


def _figures(
    full: Mapping[str, Any], estimate: Mapping[str, Any], *, in_mm: bool
) -> list[tuple[str, str, str]]:
    closed = full["is_closed"] and full["is_manifold"]
    invented, sure = estimate.get("invented_share_of_triangles"), estimate.get("mean_confidence")
    found = estimate.get("measured_share")
    scale = estimate.get("scale") if in_mm else None
    return [
        *([_longest(scale)] if scale else []),
        (_("Triangles"), number(full["triangles"]), ""),
        (_("Closed, 2-manifold"), _("yes") if closed else _("no"), ""),
        (_("Self-crossings"), number(full["self_crossings"]), ""),
        *([(_("Volume of the surface"), volume(full["volume_ml"]), "")] if in_mm else []),
        *([(_("Thinnest wall"), length(full["thinnest_wall_mm"]), "")] if in_mm else []),
        *([(_("Invented, of all triangles"), share(invented), "")] if invented is not None else []),
        *([(_("The network agrees with itself"), share(sure), "")] if sure is not None else []),
        *([(_("Found in both pictures"), share(found), "")] if found is not None else []),
        (_("Field of view"), f"{number(estimate['field_degrees'])}°", ""),
    ]


def _longest(scale: Mapping[str, Any]) -> tuple[str, str, str]:
    low, high = scale["longest_side_mm_interval"]
    span = _("%(low)s to %(high)s, by the reference alone", low=length(low), high=length(high))
    return (_("Longest side"), length(scale["longest_side_mm"]), span)
