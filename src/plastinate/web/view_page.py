"""A build -> the page on which it is turned in the hand, and what it says where nothing can be turned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for

from plastinate.archive.tables import Build
from plastinate.services.builds import SCENE_FILE
from plastinate.web.engine_words import reworded
from plastinate.web.wording import translated


def scene_of(build: Build) -> str:
    """The name of the file that says what the viewer may load; "" for a build made without."""
    return SCENE_FILE if any(each.name == SCENE_FILE for each in build.files) else ""


def files_address(build: Build) -> str:
    """What a file's name is put behind to fetch it."""
    return url_for("api_builds.read_file", build_id=build.id, name="x").removesuffix("x")


def said_in_3d(build: Build, shown: Mapping[str, Any], *, can_edit: bool) -> dict[str, Any]:
    """What scripts cannot translate by themselves: names and reasons, and what can be downloaded."""
    return {
        "organs": {
            each["id"]: {
                "name": translated(each["name"]),
                "reasons": [_plain(reason) for reason in each.get("reasons", [])],
            }
            for each in shown["organs"]
        },
        "groups": {each: translated(name) for each, name in _groups().items()},
        "notFound": {
            each["id"]: {"name": translated(each["name"]), "reason": _plain(each["reason"])}
            for each in build.summary.get("not_found", [])
        },
        "formats": [_format(each, can_edit=can_edit) for each in shown["formats"]],
        # Of a model of a picture: from where it has its length.
        "lengthFrom": str(shown.get("estimate", "")),
    }


def _format(shown: Mapping[str, Any], *, can_edit: bool) -> dict[str, Any]:
    """One format; whoever may not build is not told to."""
    told = {key: value for key, value in shown.items() if key != "plain_again"}
    packed = f"{shown['packed']} {shown['plain_again']}" if can_edit else shown["packed"]
    return {**told, "purpose": str(shown["purpose"]), "packed": packed.strip()}


def _groups() -> dict[str, str]:
    """What structures hang under, by id: a build tells no names of its groups."""
    from plastinate.recipes.load import load_structures

    known = load_structures()
    parents = {each.parent for each in known.values()}
    return {each.id: each.name for each in known.values() if each.id in parents}


def _plain(sentence: str) -> str:
    return reworded(sentence) or sentence
