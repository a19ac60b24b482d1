"""One case -> its organs built as for anybody, scored against its reference, with time and memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, RecipeNotFound
from plastinate.model.evaluation import EvaluationCase
from plastinate.model.geometry import Geometry
from plastinate.model.labels import LabelMap
from plastinate.model.scores import StructureScore
from plastinate.model.volume import Volume
from plastinate.pipeline.progress import Progress
from plastinate.pipeline.run import RunResult, run_recipe
from plastinate.recipes.load import load_structures, recipe_for_organs
from plastinate.services.evaluation_scans import read_reference
from plastinate.services.memory_watch import memory_watch
from plastinate.services.needed_models import fetch_needed_models
from plastinate.stages import catalog

NO_RECIPE = "no recipe makes it"
# What is done for the scoring alone, and costs nobody who builds.
NOT_BUILDING = ("fetch the scan", "fetch", "read the reference")


def score_case(
    case: EvaluationCase, scan: Path, reference: Path, *, progress: Progress
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Build the organs of a case and score each.

    Args:
        case: what to score.
        scan, reference: where they lie.
        progress: told of every step, and asked whether to stop.

    Returns:
        The result as plain JSON values, and pictures of the worst slices: file name -> PNG.

    Raises:
        PlastinateError: the scan or the reference cannot be read, or the build fails.
    """
    with memory_watch(lambda: progress.running) as peaks:
        with progress.step("read the scan", share=0.08):
            read = catalog.door("read-volume")(scan, modality=case.modality)
        volume: Volume = read.volume
        # Before the long work, so that a reference that is none is told at once; packed, a bit for each
        # voxel, so that the build is weighed and not what waits for its end.
        with progress.step("read the reference", share=0.05):
            grid, references = _packed(case, *read_reference(case, reference, volume))
        noticed = [finding.code for finding in read.findings]
        result = _built(case, volume, noticed, progress)
    built_wall_s = {
        name: spent for name, spent in progress.wall_s.items() if name.partition(":")[0] not in NOT_BUILDING
    }
    with progress.step("score", share=0.2):
        ours = _on_grid(None if result is None else result.labels, grid)
        scores, pictures = _scores(case, references, ours, _grey_on(volume, grid))
    for name, score in scores.items():
        score.update(_doubts(name, result))
    return {
        "scan": {
            "shape_slice_row_column": list(volume.geometry.shape),
            "spacing_mm": [round(step, 4) for step in volume.geometry.spacing_mm],
        },
        "findings": [*noticed, *(finding.code for finding in (result.findings if result else ()))],
        "scores": scores,
        "stages": _stages(built_wall_s, peaks),
        "steps": [
            {"name": name, "wall_s": round(seconds, 3), "peak_mb": _rounded(peaks.get(name))}
            for name, seconds in built_wall_s.items()
        ],
    }, pictures


def _packed(
    case: EvaluationCase, labels: npt.NDArray[np.uint16], grid: Geometry
) -> tuple[Geometry, dict[str, npt.NDArray[np.uint8]]]:
    return grid, {name: np.packbits(np.isin(labels, values)) for name, values in case.labels.items()}


def _built(case: EvaluationCase, volume: Volume, noticed: list[str], progress: Progress) -> RunResult | None:
    organs = tuple(organ for organ in case.organs if _is_made(organ, case.modality))
    if not organs:
        return None
    try:
        recipe = recipe_for_organs(organs, case.modality)
        fetch_needed_models(recipe, progress=progress)
        return run_recipe(volume, recipe, progress=progress, noticed=frozenset(noticed))
    except EmptyMask:
        # Not one of them was found. Whether that is right, the reference says.
        return None


def _is_made(organ: str, modality: str) -> bool:
    try:
        recipe_for_organs((organ,), modality)
    except RecipeNotFound:
        return False
    return True


def _on_grid(labels: LabelMap | None, grid: Geometry) -> LabelMap:
    """Our labels at the reference's voxels: a figure is taken on the grid that its reference was drawn on."""
    if labels is None:
        return LabelMap(grid, np.zeros(grid.shape, dtype=np.uint16), {})
    return LabelMap(grid, catalog.door("onto-grid")(labels.array, labels.geometry, grid), labels.structures)


def _grey_on(volume: Volume, grid: Geometry) -> Volume:
    outside = -32768 if volume.array.dtype == np.int16 else np.nan
    grey = catalog.door("onto-grid")(volume.array, volume.geometry, grid, outside=outside)
    return Volume(grid, grey, volume.quantity, volume.modality)


def _scores(
    case: EvaluationCase, references: Mapping[str, npt.NDArray[np.uint8]], ours: LabelMap, grey: Volume
) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
    scores: dict[str, dict[str, Any]] = {}
    pictures: dict[str, bytes] = {}
    for name, packed in references.items():
        missing = [organ for organ in name.split("+") if not _is_made(organ, case.modality)]
        title = " and ".join(load_structures()[organ].name for organ in name.split("+"))
        if missing:
            scores[name] = {"name": title, "unscored": NO_RECIPE}
            continue
        reference = np.unpackbits(packed, count=ours.array.size).view(np.bool_).reshape(ours.array.shape)
        own = _mask(ours, name)
        score: StructureScore = catalog.door("score-masks")(own, reference, geometry=ours.geometry)
        scores[name] = {"name": title, **score.as_dict()}
        worst = catalog.door("worst-slice")(grey, own, reference)
        if worst is not None:
            file = f"{case.name}-{name.replace('+', '-')}.png"
            pictures[file] = worst.png
            scores[name]["picture"] = {
                "file": file,
                "slice": worst.number,
                "missed_cm2": round(worst.missed_cm2, 2),
                "extra_cm2": round(worst.extra_cm2, 2),
            }
    return scores, pictures


def _mask(labels: LabelMap, name: str) -> npt.NDArray[np.bool_]:
    wanted = [label for label, structure in labels.structures.items() if structure in name.split("+")]
    return np.isin(labels.array, wanted)


def _doubts(name: str, result: RunResult | None) -> dict[str, Any]:
    """What we said ourselves, without knowing the reference: the worst light of the parts, and the range."""
    parts = name.split("+")
    verdicts = [result.verdicts[part] for part in parts if result and part in result.verdicts]
    if not verdicts:
        return {}
    worst = max(verdicts, key=lambda verdict: ("green", "amber", "red").index(verdict.light))
    said: dict[str, Any] = {"light": worst.light, "reasons": list(worst.reasons)}
    ranges = [result.volume_ranges[part] for part in parts if result and part in result.volume_ranges]
    if len(ranges) == len(parts):
        least, greatest = (sum(getattr(each, end) for each in ranges) for end in ("least_ml", "greatest_ml"))
        said["range_ml"] = [round(least, 1), round(greatest, 1)]
    return said


def _stages(wall_s: Mapping[str, float], peaks: Mapping[str, float]) -> list[dict[str, Any]]:
    """Seconds and peak memory by stage: "segment: lungs" counts for "segment"."""
    stages: dict[str, dict[str, Any]] = {}
    for step, seconds in wall_s.items():
        name = step.partition(":")[0]
        stage = stages.setdefault(name, {"name": name, "wall_s": 0.0, "peak_mb": None})
        stage["wall_s"] = round(stage["wall_s"] + seconds, 3)
        if step in peaks:
            stage["peak_mb"] = _rounded(max(peaks[step], stage["peak_mb"] or 0.0))
    return list(stages.values())


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
