"""A case's rows -> what its page shows: the series and their findings, and the work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask import url_for

from plastinate.model.errors import GapInSeries
from plastinate.web.build_form import Choices
from plastinate.web.payloads import Job
from plastinate.web.picture_form import choices_of
from plastinate.web.wording import KINDS, MODALITIES, PLANES, built_of_picture, organs_in_words, translated
from plastinate.web.wording_pictures import LENSES, PAIR_OF_PICTURES, PICTURE_KINDS

ACTIVE = frozenset({"queued", "running"})
ENDED_BADLY = frozenset({"failed", "cancelled"})
# What lies in the scan or in what was asked of it fails the same way every time.
FAILS_AGAIN = ("input.", "limit.", "recipe.", "result.")


def found_in(inspection: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What the import doctor found, ready for a template; None until it has looked."""
    if not inspection or "series" not in inspection:
        return None
    # Names are listed up to a point; the count is of all. An earlier inspection lists them all.
    aside = [{"count": len(each["files"]), **each} for each in inspection.get("set_aside", [])]
    return {
        "files_looked_at": inspection.get("files_looked_at", 0),
        "findings": inspection.get("findings", []),
        "picture": _picture(inspection["picture"]) if inspection.get("picture") else None,
        "path": inspection.get("path", ""),
        "series": [_series(each) for each in inspection["series"]],
        "set_aside": aside,
        "set_aside_count": sum(each["count"] for each in aside),
    }


def _picture(picture: Mapping[str, Any]) -> dict[str, Any]:
    kind, lens = str(picture.get("kind", "")), str(picture.get("focal_from", ""))
    return {
        **picture,
        "kind_words": str(
            PAIR_OF_PICTURES if picture.get("second") else PICTURE_KINDS.get(kind, PICTURE_KINDS["photo"])
        ),
        "lens_words": str(LENSES.get(lens, LENSES["guess"])),
    }


def _series(series: Mapping[str, Any]) -> dict[str, Any]:
    shape, spacing = series["shape_slice_row_column"], series["spacing_mm_slice_row_column"]
    phases = list(series["phases"])
    modality = series["modality"]
    return {
        "number": series["number"],
        "modality": modality,
        # Where the file does not say: what its values look like.
        "likely_modality": series["tags"].get("likely_modality", ""),
        "modality_words": str(MODALITIES.get(modality, modality)),
        "description": series["description"],
        "body_part": str(series["tags"].get("body_part", "")),
        "frame_count": series["frame_count"],
        "shape": shape,
        "spacing": spacing,
        "extent": [count * step for count, step in zip(shape, spacing, strict=True)] if spacing else None,
        "phases": len(phases),
        "phase_names": phases if len(phases) > 1 else [],
        "plane": str(PLANES.get(series["tags"].get("plane", ""), "")),
        "is_usable": series["is_usable"],
        "findings": series["findings"],
    }


def work_of(jobs: Sequence[Job]) -> dict[str, Any]:
    """The jobs that wait or run; the newest of all, where it did not end well; the newest first look."""
    newest = jobs[0] if jobs else None
    ended = newest if newest is not None and newest.state in ENDED_BADLY else None
    return {
        "active": [job for job in jobs if job.state in ACTIVE],
        "ended": ended,
        "remedy": remedy_of(ended) if ended is not None else None,
        "last_look": next((job for job in jobs if job.kind == "inspect"), None),
        "jobs_known": [[job.id, job.state, str(job.attempt)] for job in jobs],
    }


def remedy_of(job: Job) -> dict[str, Any] | None:
    """What may help where the same build can only fail again; None where it need not.

    Returns:
        "change", the choices to look at again in the form; "bridged", the same with missing slices bridged,
        empty where that is not what it failed for.
    """
    if job.kind != "build" or not can_only_fail_again(job):
        return None
    choices = choices_of(job.request)
    is_gap = job.error is not None and job.error.code == GapInSeries.code
    return {
        "change": choices.as_query(),
        "bridged": replace(choices, allow_gaps="yes").as_query()
        if is_gap and isinstance(choices, Choices)
        else {},
    }


def can_only_fail_again(job: Job) -> bool:
    """Whether a job failed for a reason that stays."""
    return job.state == "failed" and job.error is not None and job.error.code.startswith(FAILS_AGAIN)


def last_wish(jobs: Sequence[Job]) -> Mapping[str, Any] | None:
    """What the newest build asked for, however it ended; None where none was asked for."""
    return next((job.request for job in jobs if job.kind == "build"), None)


def history_of(jobs: Sequence[Job], builds: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What happened in a case before its newest result and its newest job, the latest first.

    Args:
        jobs: the newest first.
        builds: as `build_shown` gives them, the newest first.
    """
    lines: list[dict[str, Any]] = [{"at": each["created_at"], "build": each} for each in builds[1:]]
    asked_later: list[Any] = []
    for number, job in enumerate(jobs):
        if job.kind == "build" and job.state in ENDED_BADLY and number > 0:
            # What was asked for again since then needs no button any more.
            may_again = job.request not in asked_later and not can_only_fail_again(job)
            lines.append({"at": job.created_at, "job": job, "may_again": may_again})
        asked_later.append(job.request)
    return sorted(lines, key=lambda line: line["at"], reverse=True)


def job_title(job: Job) -> str:
    """What a job is about, in a few words."""
    from plastinate.recipes.load import list_recipes
    from plastinate.recipes.totalsegmentator import PREFIX, totalsegmentator_tasks

    kind = str(KINDS.get(job.kind, job.kind))
    if job.kind != "build":
        return kind
    asked = job.request
    if words := built_of_picture(asked):
        return words
    if asked.get("recipe"):
        titles = {each.name: each.title for each in list_recipes()}
        titles |= {f"{PREFIX}{name}": task.title for name, task in totalsegmentator_tasks().items()}
        return translated(titles.get(asked["recipe"], asked["recipe"]))
    if asked.get("organs"):
        return organs_in_words(asked["organs"])
    return str(asked.get("name") or kind)


def slices_of(case_id: str, slices: Mapping[int, str]) -> dict[int, str]:
    """Number of a series -> the address of its picture, which changes with the picture."""
    return {
        number: url_for("api_cases.series_picture", case_id=case_id, number=number, v=sha256[:16])
        for number, sha256 in slices.items()
    }


def thumbnail_of(case_id: str, sha256: str | None) -> str:
    """The address of a case's picture; it changes with the picture, so that browsers may keep it."""
    return url_for("api_cases.thumbnail", case_id=case_id, v=sha256[:16]) if sha256 else ""
