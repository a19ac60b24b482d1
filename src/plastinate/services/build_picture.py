"""One picture and a wish -> a 3D model in a folder that says it is an estimate: read, run, compose, write."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from plastinate import __version__
from plastinate.model.errors import NoMillimetres
from plastinate.model.evidence import Evidence, RunRecord
from plastinate.model.geometry import Geometry, Unit
from plastinate.model.picture import Picture, field_of_focal
from plastinate.model.picture_recipe import PictureRecipe
from plastinate.model.reference import Coin, Reference, Ruler
from plastinate.model.scene import Scene, SceneNode
from plastinate.model.structure import Structure
from plastinate.native.side_by_side import side_by_side
from plastinate.pipeline.keys import recipe_digest, result_key
from plastinate.pipeline.picture_run import TABLES, PictureRun, run_picture
from plastinate.pipeline.progress import Progress
from plastinate.services.build_models import BuildResult, picture_files
from plastinate.services.former_build import former_files
from plastinate.services.needed_models import fetch_models, models_record
from plastinate.services.output_folder import output_folder, require_writable
from plastinate.services.picture_pairs import require_pair, told_once
from plastinate.services.picture_request import (
    DEFAULT_FORMATS,
    FORMATS_WHERE_POSSIBLE,
    PLATES,
    PictureRequest,
    recipe_of,
)
from plastinate.services.run_record import run_record
from plastinate.stages import catalog

NAMES = {"scene": "Scene", "object": "Object", "lithophane": "Lithophane", "relief": "Relief"}
LENGTHS_FROM = {
    Reference: "the reference that was given",
    Coin: "a coin in the picture",
    Ruler: "the marks of a ruler in the picture",
}
COLOURS = {"scene": (186, 178, 166), "object": (186, 178, 166), "lithophane": (236, 234, 228)}


def build_picture(request: PictureRequest, *, progress: Progress | None = None) -> BuildResult:
    """Make one body of one picture and write it with a certificate that calls it an estimate.

    Nothing appears under a final name until all of it is written.

    Raises:
        PlastinateError: see `model/errors.py`; nothing is left half-written.
    """
    progress = progress or Progress()
    begun, started_utc = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    recipe = recipe_of(request)
    if request.output is not None:
        require_writable(request.output)
    with progress.step("read the picture", share=0.05):
        read, second = _read(request)
    reference = _found(request, read.picture, progress)
    unit = _unit(request, recipe)
    if unit != "mm" and "3mf" in request.formats:
        raise _no_length()
    cards = fetch_models(models_of(recipe), progress=progress, saying=request.agreed)
    run = run_picture(
        read.picture,
        recipe,
        structure=recipe.kind,
        levels=request.levels,
        second=None if second is None else second.picture,
        baseline_mm=request.baseline_mm,
        reference=reference,
        longest_mm=request.print_mm,
        unit=unit,
        check=request.check,
        progress=progress,
    )
    evidence = _evidence(
        request, recipe, (read, second), run, unit, reference=reference, models=models_record(cards)
    )
    scene = _scene(recipe, run, unit, evidence, name=read.picture.name)
    shown = _shown(request, read.picture, reference)
    del read, second
    if request.output is None:
        progress.finish()
        return BuildResult(scene, run_record(begun, started_utc, progress))
    formats, left_out = _formats(request, unit)
    former = former_files(request.output)
    with output_folder(request.output, former=former) as folder:
        result = _write(
            request, folder, scene, formats, shown=shown, begun=(begun, started_utc), progress=progress
        )
    progress.finish()
    removed = tuple(name for name in former if name not in result.files)
    return replace(result, left_out=left_out, removed=removed)


def _read(request: PictureRequest) -> tuple[Any, Any]:
    """The picture, and the one from a little to the right where two are asked for."""
    read = partial(catalog.door("read-flat-picture"), focal_35mm=request.focal_35mm)
    left = (request.which or 0) if request.is_pair else request.which
    first: Any = read(request.path, which=left)
    if request.second is not None:
        return first, read(request.second)
    if not request.is_pair:
        return first, None
    second: Any = read(request.path, which=1 - (left or 0))
    require_pair(request.path, first.picture, second.picture)
    return first, second


def _unit(request: PictureRequest, recipe: PictureRecipe) -> Unit:
    stated = (request.reference, request.print_mm, request.baseline_mm)
    is_known = recipe.kind in PLATES or any(each is not None for each in stated)
    return "mm" if is_known else "px"


def _found(request: PictureRequest, picture: Picture, progress: Progress) -> Reference | None:
    """What was said to be of a known size, found in the picture."""
    if request.reference is None:
        return None
    with progress.step("find the reference", share=0.02):
        found: Reference = catalog.door("find-reference")(picture, request.reference)
    return found


def _shown(request: PictureRequest, picture: Picture, reference: Reference | None) -> dict[str, bytes]:
    """What was found, for whoever wants to see whether it is the right thing."""
    if reference is None or request.output is None or not request.with_preview:
        return {}
    return {"reference": catalog.door("render-reference")(picture, reference)}


def _no_length() -> NoMillimetres:
    error = NoMillimetres("the length that 3mf must state", of="picture")
    error.hint = (
        "Say how large it is: --reference X1,Y1,X2,Y2,MM or coin:NAME,X,Y, "
        "or how large to print it: --print-mm MM."
    )
    return error


def _formats(request: PictureRequest, unit: Unit) -> tuple[tuple[str, ...], dict[str, str]]:
    if request.formats:
        return request.formats, {}
    if unit == "mm":
        return (*DEFAULT_FORMATS, *FORMATS_WHERE_POSSIBLE), {}
    error = _no_length()
    return DEFAULT_FORMATS, dict.fromkeys(FORMATS_WHERE_POSSIBLE, f"{error.sentence} {error.hint}")


def models_of(recipe: PictureRecipe) -> list[str]:
    """What the models are called that a recipe for pictures takes, each once."""
    names: dict[str, None] = {}
    for stage, step in recipe.steps:
        if isinstance(chosen := step.params.get("model"), str):
            names[chosen] = None
        else:
            names.update(dict.fromkeys(catalog.find(TABLES[stage], f"{stage} method", step.method).models))
    return list(names)


def _scene(recipe: PictureRecipe, run: PictureRun, unit: Unit, evidence: Evidence, *, name: str) -> Scene:
    colour = COLOURS.get(recipe.kind, COLOURS["lithophane"])
    structure = Structure(recipe.kind, f"{NAMES[recipe.kind]}, ESTIMATED", None, colour)
    # What the cells lie on is no grid in the room: the scene's own says only its unit.
    geometry = Geometry(run.solid.grid.shape, run.solid.grid.to_lps_mm, unit)
    node = SceneNode(structure, dict(run.solid.surfaces), dict(run.skins))
    return Scene(f"ESTIMATED: {NAMES[recipe.kind].lower()} from {name}", geometry, (node,), (), evidence)


def _evidence(
    request: PictureRequest,
    recipe: PictureRecipe,
    reads: tuple[Any, Any],
    run: PictureRun,
    unit: Unit,
    *,
    reference: Reference | None,
    models: list[dict[str, Any]],
) -> Evidence:
    read, second = reads
    options = {
        # Of another right picture another model comes.
        **({"second_sha256": second.inputs["sha256"]} if second is not None else {}),
        "levels": dict(request.levels),
        "check": request.check,
        "focal_35mm": request.focal_35mm,
        "reference": None if request.reference is None else request.reference.as_dict(),
        "print_mm": request.print_mm,
        "baseline_mm": request.baseline_mm,
        **({"models": {model["name"]: model["sha256"] for model in models}} if models else {}),
    }
    inputs = {
        **read.inputs,
        **({"second_sha256": second.inputs["sha256"]} if second is not None else {}),
        "estimate": {
            **_estimate(request, recipe, read, run, unit),
            **({} if reference is None else {"scale": _scale(reference, run)}),
        },
        "recipe": {"name": recipe.name, "sha256": recipe_digest(recipe)},
        "result_key": result_key(input_sha256=read.inputs["sha256"], recipe=recipe, options=options),
        "plastinate_version": __version__,
        **({"models": models} if models else {}),
    }
    return Evidence(
        inputs,
        told_once(read.findings, second.findings if second is not None else ()),
        run.steps,
        {recipe.kind: run.quality} if run.quality else {},
        {recipe.kind: run.verdict},
    )


def _estimate(
    request: PictureRequest, recipe: PictureRecipe, read: Any, run: PictureRun, unit: Unit
) -> dict[str, Any]:
    """What every file says about how its shape came about."""
    picture = read.picture
    seen = run.skins["full"].is_invented if run.skins else None
    length = "" if request.reference is None else LENGTHS_FROM[type(request.reference)]
    length = length or (_by_cameras(picture.focal_source) if request.baseline_mm else "")
    length = length or ("the size chosen for the print" if unit == "mm" else "unknown")
    return {
        "word": "ESTIMATED",
        "kind": recipe.kind,
        "invented": recipe.invented,
        "invented_share_of_triangles": None if seen is None else round(float(seen.mean()), 4),
        "picture_rows_columns": list(picture.shape),
        "picture_kind": picture.kind,
        "focal_px": round(picture.focal_px, 2),
        "field_degrees": round(field_of_focal(picture.shape, picture.focal_px), 2),
        "focal_from": picture.focal_source,
        "unit": unit,
        "length_from": length,
        "mean_confidence": run.depth.facts.get("mean_confidence"),
        "pictures": 2 if request.has_two else 1,
        # Of two pictures: how much of the one was found in the other.
        "measured_share": run.depth.facts.get("measured_share"),
    }


def _by_cameras(focal_source: str) -> str:
    # Across the view a length is as good as that distance; along it, no better than the lens.
    known = "the distance of the two cameras"
    return f"{known}, through an assumed lens" if focal_source == "guess" else known


def _scale(reference: Reference, run: PictureRun) -> dict[str, Any]:
    """How long things are, and within which bounds, as far as the reference alone says it.

    A thing's interval begins at its outline as the picture saw it: behind it the rays of the lens spread, and
    the far side, which is invented, is wider.
    """
    import numpy as np

    surface, projection = run.solid.surfaces["full"], run.solid.projection
    low, high = surface.bounds_lps_mm
    figures = {"mm_per_px": projection.unit_per_px, "longest_side_mm": float((high - low).max())}
    least = dict(figures)
    if run.foreground is not None:
        outline_px = np.ptp(projection.to_places(surface.vertices), axis=0) * projection.shape[::-1]
        outline_mm = float(outline_px.max()) * projection.unit_per_px
        least["longest_side_mm"] = min(outline_mm, least["longest_side_mm"])
    return {
        "found_by": reference.found_by,
        **reference.as_dict(),
        **dict(reference.facts),
        "doubt_share": round(reference.doubt, 4),
        **{name: float(f"{value:.5g}") for name, value in figures.items()},
        **{
            f"{name}_interval": [
                float(f"{least[name] * (1.0 - reference.doubt):.5g}"),
                float(f"{value * (1.0 + reference.doubt):.5g}"),
            ]
            for name, value in figures.items()
        },
    }


def _write(
    request: PictureRequest,
    folder: Any,
    scene: Scene,
    formats: tuple[str, ...],
    *,
    shown: dict[str, bytes],
    begun: tuple[float, str],
    progress: Progress,
) -> BuildResult:
    files: dict[str, str] = {}
    pictures = dict(shown)

    def write() -> None:
        with progress.step("write the models", share=0.06) as within:
            files.update(
                catalog.door("write-formats")(
                    scene,
                    folder,
                    (*formats, *(("viewer",) if request.with_view else ())),
                    compression=request.compression,
                    progress=lambda done, total: within(done / total),
                )
            )

    def render() -> None:
        with progress.step("render the picture", share=0.1):
            only = None if request.check else ("preview",)
            pictures.update(catalog.door("render-estimate")(scene, only=only))

    side_by_side([write, render] if request.with_preview else [write])
    whole = replace(scene, evidence=replace(scene.evidence, outputs=dict(files)))
    run: RunRecord = run_record(*begun, progress)
    if request.check:
        with progress.step("write the certificate", share=0.02):
            files |= catalog.door("write-certificate")(whole, folder, run=run, pictures=pictures)
    elif "preview" in pictures:
        files["preview.png"] = catalog.door("write-bytes")(folder / "preview.png", pictures["preview"])
    if request.with_view:
        files |= picture_files(folder, pictures)
    return BuildResult(whole, run, files)
