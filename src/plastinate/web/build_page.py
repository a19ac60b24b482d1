"""A build's row and its certificate -> what the pages show of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from plastinate.archive.archive import Archive
from plastinate.archive.tables import Build
from plastinate.services.picture_request import PICTURE_FORMATS
from plastinate.web.estimate_page import estimate_of, estimated_from, length_of_estimate
from plastinate.web.file_names import format_of
from plastinate.web.measures import length, number, volume
from plastinate.web.payloads import Build as Built
from plastinate.web.picture_form import choices_of
from plastinate.web.views import build_whole
from plastinate.web.wording import (
    FORMATS,
    PACKED,
    PLAIN_AGAIN,
    built_of_picture,
    doing,
    organs_in_words,
    part_name,
    translated,
)

CERTIFICATE = "certificate.json"
PICTURES = (
    *("preview", "axial", "coronal", "sagittal", "anterior", "left", "inferior"),
    # Of a model of a picture.
    *("front", "side", "back", "confidence", "reference"),
)
# Steps of a stage that a page calls otherwise than the stage.
STEP_WORDS = {"merge-labels": "label: one structure for each voxel"}
LEVELS = ("full", "medium", "light")
WORST_FIRST = ("red", "amber", "green")
# Files of a build that are read, and not made into anything: for people before programs.
PAPERS = ("certificate.html", "certificate.json")


def build_shown(build: Build) -> dict[str, Any]:
    """A build with its organs, pictures and downloads, ready for a template."""
    whole = build_whole(build)
    organs = list(whole.summary.get("organs", []))
    not_found = list(whole.summary.get("not_found", []))
    files = [{"name": each.name, "size": each.size, "url": each.url} for each in whole.files]
    urls = {each.name: each.url for each in whole.files}
    means = [each["distance_mean_mm"] for each in organs if each.get("distance_mean_mm") is not None]
    far = [each["distance_p95_mm"] for each in organs if each.get("distance_p95_mm") is not None]
    formats = _formats(whole.id, files, packed=str(whole.request.get("compression", "")))
    left_out = whole.summary.get("formats_left_out", {})
    again: dict[str, Any] = {"case_id": whole.case_id, **choices_of(whole.request).as_query()}
    return {
        "id": whole.id,
        "title": _title_of(whole, organs),
        "created_at": whole.created_at,
        "organs": organs,
        # A build from before this was written down lists what it found, and no more.
        "not_found": not_found,
        "asked": len(organs) + len(not_found),
        "light": worst_light(organs),
        "page": url_for("pages.build", case_id=whole.case_id, build_id=whole.id),
        "view": url_for("pages.view", case_id=whole.case_id, build_id=whole.id),
        # The form with the choices of this build: to have it in another format, or with a change.
        "again": url_for("pages.case", **again, _anchor="build"),
        "picture": urls.get("preview.png", ""),
        "wall_s": whole.summary.get("wall_s"),
        "mean_mm": sum(means) / len(means) if means else None,
        "p95_mm": max(far, default=None),
        "files": files,
        "size": sum(each["size"] for each in files),
        "all_url": url_for("api_builds.read_files", build_id=whole.id) if files else "",
        "certificate": [file for name in PAPERS for file in files if file["name"] == name],
        "formats": formats,
        "left_out": left_out,
        # Of a model of a picture: from where it has its length; "" for what was measured.
        "estimate": length_of_estimate(whole.summary.get("estimate")),
        "estimated_from": estimated_from(whole.summary.get("estimate")),
        "has_all_formats": len(formats) + len(left_out)
        >= len(PICTURE_FORMATS if whole.summary.get("estimate") else FORMATS)
        and not any(each["packed"] for each in formats),
    }


def _title_of(build: Built, organs: Sequence[Mapping[str, Any]]) -> str:
    """What a build is called: single organs by those that were found, all else as it was asked for."""
    if words := built_of_picture(build.request):
        return words
    if build.request.get("organs") and organs:
        return organs_in_words([each["id"] for each in organs])
    return translated(build.title)


def worst_light(organs: Sequence[Mapping[str, Any]]) -> str:
    """The light of a whole build: that of its least trustworthy organ; "" where there is none."""
    shown = {each.get("light") for each in organs}
    return next((light for light in WORST_FIRST if light in shown), "")


def _formats(build_id: str, files: Sequence[Mapping[str, Any]], *, packed: str) -> list[dict[str, Any]]:
    """One line for each format: all organs in one file where that can be, else the files in one zip."""
    by_format: dict[str, list[Mapping[str, Any]]] = {}
    for file in files:
        if name := format_of(file["name"]):
            by_format.setdefault(name, []).append(file)
    return [
        {
            "name": name,
            "title": title,
            "purpose": purpose,
            # Not every program opens a GLB that is packed.
            "packed": str(PACKED[packed]) if name == "glb" and packed in PACKED else "",
            "plain_again": str(PLAIN_AGAIN) if name == "glb" and packed in PACKED else "",
            **_offered(build_id, by_format[name]),
        }
        for name, (title, purpose) in FORMATS.items()
        if name in by_format
    ]


def _offered(build_id: str, files: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The whole scene where there is one; with what it refers to, where it refers to something."""
    # A picture's model may stand beside the whole one in the colours of its confidence.
    beside = ("-confidence", *(f"-{level}" for level in LEVELS[1:]))
    whole = [
        each for each in files if "/" not in each["name"] and not any(mark in each["name"] for mark in beside)
    ] or files
    if len(whole) == 1:
        return {"url": whole[0]["url"], "size": whole[0]["size"]}
    names = ",".join(each["name"] for each in whole)
    return {
        "url": url_for("api_builds.read_files", build_id=build_id, names=names),
        "size": sum(each["size"] for each in whole),
    }


def pictures_of(build: Mapping[str, Any]) -> dict[str, str]:
    """Name of a picture -> its address, of those the build has."""
    urls = {each["name"]: each["url"] for each in build["files"]}
    places = {name: (f"pictures/{name}.png", f"{name}.png") for name in PICTURES}
    return {name: urls[place] for name, both in places.items() for place in both if place in urls}


def report_of(archive: Archive, build: Build) -> dict[str, Any] | None:
    """The certificate of a build, ready for a template; None where there is none."""
    file = next((each for each in build.files if each.name == CERTIFICATE), None)
    if file is None:
        return None
    report = json.loads(archive.files.read(file.sha256))
    if "estimate" in report["inputs"]:
        return estimate_of(report)
    geometry = report["inputs"]["geometry"]
    in_mm = geometry["unit"] == "mm"
    structures = {each["id"]: each for each in report["structures"]}
    return {
        "in_mm": in_mm,
        "grid": _grid(geometry, in_mm=in_mm),
        "organs": [
            _organ(structures[name], report, in_mm=in_mm) for name in report["verdicts"] if name in structures
        ],
        # Certificates from before this was written down lack it.
        "not_found": report.get("not_found", []),
        "findings": report["findings"],
        "steps": [
            {
                **step,
                "words": doing(STEP_WORDS.get(step["method"], step["stage"])),
                "results": ", ".join(part_name(each) for each in step["structures"]),
            }
            for step in report["steps"]
        ],
        "frame": _(
            "STL, OBJ, PLY and 3MF are in the patient's LPS frame, in millimetres; GLB is in metres, Y up, "
            "and carries the matrix back."
        )
        if in_mm
        else _(
            "STL, OBJ, PLY and 3MF are in the patient's LPS frame, in voxels; GLB carries the matrix back."
        ),
        "hashes": [
            *report["outputs"].items(),
            (_("input"), report["inputs"]["sha256"]),
            (_("recipe"), report["inputs"]["recipe"]["sha256"]),
        ],
        "version": report["inputs"].get("plastinate_version", ""),
        "content_sha256": report["content_sha256"],
    }


def _grid(geometry: Mapping[str, Any], *, in_mm: bool) -> str:
    shape = " × ".join(str(each) for each in geometry["shape_slice_row_column"])
    if not in_mm:
        return str(_("Built on a grid of %(shape)s voxels (slices × rows × columns).", shape=shape))
    spacing = " × ".join(number(each, 2) for each in geometry["spacing_slice_row_column"])
    return str(
        _(
            "Built on a grid of %(shape)s voxels (slices × rows × columns), each %(spacing)s mm.",
            shape=shape,
            spacing=spacing,
        )
    )


def _organ(structure: Mapping[str, Any], report: Mapping[str, Any], *, in_mm: bool) -> dict[str, Any]:
    quality = report["quality"].get(structure["id"], {})
    verdict = report["verdicts"][structure["id"]]
    full = quality.get("full")
    names = {"full": _("full"), "medium": _("medium"), "light": _("light")}
    code = structure.get("code")
    return {
        "id": structure["id"],
        "name": structure["name"],
        "colour": structure["colour_srgb"],
        "code": f"{code['scheme']} {code['value']}" if code else "",
        "light": verdict["light"],
        "reasons": verdict["reasons"],
        "full": full,
        "range": next((value for _term, value, _beside in _span(_range_of(structure, report))), ""),
        "mean": _distance(full, "mean", in_mm=in_mm)[0] if full else "",
        "figures": _figures(full, _range_of(structure, report), in_mm=in_mm) if full else [],
        "levels": [{**quality[level], "name": names[level]} for level in LEVELS if level in quality],
    }


def _range_of(structure: Mapping[str, Any], report: Mapping[str, Any]) -> Mapping[str, float] | None:
    span: Mapping[str, float] | None = report.get("volume_ranges", {}).get(structure["id"])
    return span


def _distance(full: Mapping[str, Any], which: str, *, in_mm: bool) -> tuple[str, str]:
    voxels = _("%(count)s voxel", count=number(full[f"distance_{which}_voxel"], 2))
    return (length(full[f"distance_{which}_mm"]), voxels) if in_mm else (voxels, "")


def _span(span: Mapping[str, float] | None) -> list[tuple[str, str, str]]:
    if span is None:
        return []
    low, high = volume(span["least_ml"]), volume(span["greatest_ml"])
    return [(_("Between, by likelihood"), _("%(low)s and %(high)s", low=low, high=high), "")]


def _figures(
    full: Mapping[str, Any], span: Mapping[str, float] | None, *, in_mm: bool
) -> list[tuple[str, str, str]]:
    closed = full["is_closed"] and full["is_manifold"]
    area = full["area_cm2"]
    return [
        (_("Volume of the surface"), volume(full["volume_ml"]), ""),
        (_("Volume of the voxels"), volume(full["mask_volume_ml"]), ""),
        *_span(span),
        (_("Area"), "–" if area is None else f"{number(area)} cm²", ""),
        (_("Surface to mask, mean"), *_distance(full, "mean", in_mm=in_mm)),
        (_("95 % of it within"), *_distance(full, "p95", in_mm=in_mm)),
        (_("Farthest point"), *_distance(full, "max", in_mm=in_mm)),
        (_("Closed, 2-manifold"), _("yes") if closed else _("no"), ""),
        (_("Self-crossings"), number(full["self_crossings"]), ""),
        (_("Thinnest wall"), length(full["thinnest_wall_mm"]), ""),
    ]
