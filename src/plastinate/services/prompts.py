"""What somebody draws on a slice of a case -> the mask it means, by the process that keeps the scan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plastinate.archive.archive import Archive
from plastinate.engine.prompt_queue import PromptQueue
from plastinate.model.case_errors import Conflict
from plastinate.model.prompts import checked_prompts
from plastinate.services.access import Actor, case_for, require_person
from plastinate.stages.ingest.workspace import private_folder

# What says which volume of a scan is meant.
SCAN_FIELDS = ("series", "phase", "modality")


def mask_on_slice(
    archive: Archive, queue: PromptQueue, actor: Actor, case_id: str, *, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """The mask that prompts on one slice mean.

    Args:
        archive: where the case is.
        queue: to the process that answers.
        actor: who asks; needs to be allowed to edit.
        case_id: of the case.
        asked: {"prompts", and optional "series", "phase", "modality"}.

    Raises:
        NotThere, NotAllowed, SignInNeeded: as `case_for`.
        Conflict: the case is in the trash, or its scan has not been looked at yet.
        PromptFlaw, PromptOutside: what cannot be taken, or lies beside the scan.
        EmptyMask: it means nothing.
        PrompterBusy, PromptReplaced, PrompterLost: no answer.
        InputError, ModelError: the scan or the network cannot be had.
    """
    inputs = _inputs(archive, actor, case_id)
    prompts = checked_prompts(asked.get("prompts"))
    return _answered(archive, queue, actor, inputs, {**_scan(asked), "prompts": prompts})


def look_at_slice(
    archive: Archive, queue: PromptQueue, actor: Actor, case_id: str, *, asked: Mapping[str, Any]
) -> dict[str, Any]:
    """Have the network see a slice before anybody draws on it.

    Args:
        archive, queue, actor, case_id: as for `mask_on_slice`.
        asked: {"plane", "slice", and optional "series", "phase", "modality"}.

    Raises:
        PlastinateError: as `mask_on_slice`.
    """
    inputs = _inputs(archive, actor, case_id)
    wanted = {"plane": asked.get("plane", "axial"), "slice": asked["slice"]}
    return _answered(archive, queue, actor, inputs, {**_scan(asked), **wanted})


def take_back(archive: Archive, queue: PromptQueue, actor: Actor, case_id: str) -> None:
    """End what this person still waits for.

    Raises:
        NotThere, NotAllowed, SignInNeeded: as `case_for`.
    """
    asker = require_person(actor)
    with archive.database.read() as session:
        case_for(session, actor, case_id, need="edit")
    queue.take_back(asker)


def _scan(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: asked.get(name) for name in SCAN_FIELDS}


def _inputs(archive: Archive, actor: Actor, case_id: str) -> list[tuple[str, str]]:
    with archive.database.read() as session:
        case = case_for(session, actor, case_id, need="edit")
        if case.trashed_at is not None:
            raise Conflict("The case is in the trash.", hint="Restore it first.")
        if case.inspection is None:
            raise Conflict("The scan has not been looked at yet.", hint="Wait until its inspection is there.")
        return [(each.name, each.sha256) for each in case.inputs]


def _answered(
    archive: Archive,
    queue: PromptQueue,
    actor: Actor,
    inputs: list[tuple[str, str]],
    request: dict[str, Any],
) -> dict[str, Any]:
    which = repr([sorted(sha256 for _, sha256 in inputs), [request[name] for name in SCAN_FIELDS]])
    request = {**request, "scan": hashlib.sha256(which.encode()).hexdigest(), "path": None}
    with queue.turn(require_person(actor)) as ask:
        answer = ask(request)
        if "needs_scan" not in answer:
            return answer
        scratch = archive.settings.home / "scratch"
        scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with private_folder(scratch) as folder:
            # The reader says what a file is by its bytes; some formats of two files need their names.
            for number, (name, sha256) in enumerate(inputs):
                place = Path(folder) / (f"{number:05d}" if len(inputs) > 1 else "scan")
                place.mkdir()
                archive.files.fetch(sha256, place / _harmless(name))
            path = next(place.iterdir()) if len(inputs) == 1 else Path(folder)
            return ask({**request, "path": str(path)})


def _harmless(name: str) -> str:
    last = name.replace("\\", "/").rsplit("/", maxsplit=1)[-1]
    return "".join(letter if letter.isprintable() else "_" for letter in last).strip(" .")[-100:] or "file"
