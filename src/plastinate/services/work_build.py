"""A build job: the case's files and a wish flow in, models in every format and their certificate come out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plastinate.engine.kinds import Task
from plastinate.engine.outcome import is_full
from plastinate.model.case_errors import StoreFull
from plastinate.model.errors import CannotWrite
from plastinate.pipeline.progress import Progress
from plastinate.stages import catalog

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from plastinate.archive.files import StoredFile
    from plastinate.archive.tables import Job
    from plastinate.model.scene import Scene
    from plastinate.services.build_models import BuildResult

# Beside the models, for lists of cases; not one of the build's own files.
THUMBNAIL = "thumbnail.png"


def build(task: Task, *, progress: Progress) -> dict[str, Any]:
    """Build the models into the task's folder of results; in the child.

    Returns:
        {"title", "summary", "result_key"}, JSON values.

    Raises:
        PlastinateError: as `build_models` and `build_picture`; StoreFull where the disk is.
    """
    try:
        result = _built(task, progress)
        preview = task.out / "preview.png"
        if preview.is_file():
            small = catalog.door("shrink-picture")(preview.read_bytes())
            catalog.door("write-bytes")(task.out / THUMBNAIL, small)
    except CannotWrite as error:
        if is_full(error):
            raise StoreFull from error
        raise
    scene = result.scene
    return {
        "title": scene.title,
        "result_key": str(scene.evidence.inputs["result_key"]),
        "summary": {
            "organs": organ_rows(scene),
            "not_found": [missing.as_dict() for missing in scene.evidence.not_found],
            "findings": [finding.as_dict() for finding in scene.evidence.findings],
            "formats_left_out": dict(result.left_out),
            "wall_s": round(result.run.wall_s, 2),
            # Of a picture: what was invented, and from where it has a length.
            **({"estimate": dict(estimate)} if (estimate := scene.evidence.inputs.get("estimate")) else {}),
        },
    }


def _built(task: Task, progress: Progress) -> BuildResult:
    if task.request.get("picture"):
        from plastinate.services.build_picture import build_picture
        from plastinate.services.picture_wish import picture_request

        return build_picture(picture_request(task), progress=progress)
    from plastinate.services.build_models import build_models
    from plastinate.services.build_wish import build_request
    from plastinate.services.early_look import EarlyLook

    progress.found = EarlyLook(task.folder).add
    return build_models(build_request(task), progress=progress)


def organ_rows(scene: Scene) -> list[dict[str, Any]]:
    """What a list of organs shows, from the certificate; JSON values."""
    rows = []
    for node in scene.nodes:
        quality = scene.evidence.quality.get(node.id, {}).get("full")
        verdict = scene.evidence.verdicts.get(node.id)
        rows.append(
            {
                "id": node.id,
                "name": node.structure.name,
                "colour": "#{:02x}{:02x}{:02x}".format(*node.structure.colour),
                "light": "amber" if verdict is None else verdict.light,
                "reasons": [] if verdict is None else list(verdict.reasons),
                "volume_ml": None if quality is None else _rounded(quality.volume_ml),
                "triangles": None if quality is None else quality.triangles,
                "distance_mean_mm": None if quality is None else _rounded(quality.distance_mean_mm),
                "distance_p95_mm": None if quality is None else _rounded(quality.distance_p95_mm),
            }
        )
    return rows


def request_key(wish: Mapping[str, Any], inputs: list[str], *, version: str) -> str:
    """Equal keys in one case mean equal results: the wish, the files' content, and the program's version."""
    text = json.dumps({"wish": dict(wish), "inputs": sorted(inputs), "version": version}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def publish(
    session: Session, job: Job, *, result: Mapping[str, Any], files: Mapping[str, StoredFile]
) -> None:
    """Write the build and its files down, in the transaction that ends the job."""
    from sqlalchemy import update

    from plastinate.archive.tables import Build, BuildFile, Case, now

    shown = files.get(THUMBNAIL)
    session.add(
        Build(
            case_id=job.case_id,
            job_id=job.id,
            title=result["title"][:300],
            request=job.request,
            summary=result["summary"],
            result_key=result["result_key"],
            files=[
                BuildFile(name=name, sha256=stored.sha256, size=stored.size)
                for name, stored in files.items()
                if name != THUMBNAIL
            ],
        )
    )
    # Not through the row's object: this is no change that a person's edit could conflict with.
    values: dict[str, Any] = {"changed_at": now()}
    if shown is not None:
        values["thumbnail_sha256"] = shown.sha256
    session.execute(update(Case).where(Case.id == job.case_id).values(**values))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
