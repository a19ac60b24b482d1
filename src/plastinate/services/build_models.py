"""A path and a wish -> organ models in a folder: read, run the recipe, compose, write, certify."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from plastinate import __version__
from plastinate.model.errors import InputError, ParameterError, WrongModality
from plastinate.model.evidence import Evidence, Finding, NotFound, RunRecord
from plastinate.model.recipe import Recipe
from plastinate.model.scene import Scene
from plastinate.model.series import UNSAID
from plastinate.model.structure import Structure
from plastinate.model.volume import Volume
from plastinate.native.side_by_side import side_by_side
from plastinate.pipeline.keys import recipe_digest, result_key
from plastinate.pipeline.plan import plan
from plastinate.pipeline.progress import Progress
from plastinate.pipeline.run import RunOptions, RunResult, run_recipe
from plastinate.recipes.load import (
    load_recipe,
    recipe_for_prompts,
    recipe_for_what_is_made,
    structures_of,
    threshold_recipe,
)
from plastinate.services.former_build import former_files
from plastinate.services.needed_models import fetch_needed_models, models_record
from plastinate.services.output_folder import output_folder, require_writable
from plastinate.services.run_record import run_record
from plastinate.services.totalsegmentator_weights import fetch_totalsegmentator
from plastinate.stages import catalog

DEFAULT_FORMATS = ("glb", "stl")
# What a person may say that a scan is, where its files do not: what there are recipes for.
MODALITIES = ("CT", "MR")
NAME_LENGTH_MAX = 64
# What one format takes of a whole build: all eight of them, on a chest, as long as its segmentation.
WRITE_SHARE = 0.02


@dataclass(frozen=True)
class BuildRequest:
    """What a person asks for. One of recipe, organs, threshold and prompts says what to build.

    Attributes:
        path: folder, zip, DICOMDIR or file.
        output: folder to write into; None builds in memory only.
        recipe: name of a recipe, path of a TOML file, or "own:" and the name of a model of one's own.
        organs: structure ids; the recipes that make them are found by modality.
        by: whose networks find the organs: "totalsegmentator"; "" for Plastinate's own recipes.
        prompts: structure -> what was drawn on slices of it; see `docs/reference/prompts.md`.
        threshold: (low, high) in the volume's quantity; None leaves a side open.
        name: what to call the surface of a threshold.
        largest_only: keep only the largest piece of a threshold.
        series, phase: which of several, as `inspect` numbers them.
        modality: "CT" or "MR", as the person says, where the files do not; "" to leave it to them.
        allow_gaps: interpolate across missing slices instead of refusing.
        any_modality: run a recipe on a modality it was not written for.
        formats: names of the export table; "seg" needs a scan read from DICOM files that stay in reach.
        formats_where_possible: further formats, left out where the scan cannot give what they need.
        unpack_into: an empty folder where what archives hold stays during the build, in reach of "seg".
        compression: of the GLB: "meshopt", "draco" or "none".
        options: detail levels and checks.
        with_preview: render the picture.
        picture_files: write the certificate's pictures as files of their own as well.
    """

    path: Path
    output: Path | None = None
    recipe: str | None = None
    organs: tuple[str, ...] = ()
    by: str = ""
    prompts: Mapping[str, Any] | None = None
    threshold: tuple[float | None, float | None] | None = None
    name: str = "surface"
    largest_only: bool = False
    series: int | None = None
    phase: int | None = None
    modality: str = ""
    allow_gaps: bool = False
    any_modality: bool = False
    formats: tuple[str, ...] = DEFAULT_FORMATS
    formats_where_possible: tuple[str, ...] = ()
    unpack_into: Path | None = None
    compression: str = "meshopt"
    options: RunOptions = field(default_factory=RunOptions)
    with_preview: bool = True
    picture_files: bool = False


@dataclass(frozen=True)
class BuildResult:
    """What was built, where it lies, and how long it took.

    Attributes:
        scene: the organs with their evidence.
        run: time and memory.
        files: name -> SHA-256.
        left_out: format -> why it was not possible.
        removed: files of a former build in the same folder that are gone.
    """

    scene: Scene
    run: RunRecord
    files: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


def names_in(values: str | Iterable[str]) -> tuple[str, ...]:
    """Names given one by one, separated by commas, or both; each once, in the order given.

    >>> names_in(["lung-left, lung-right", "trachea"])
    ('lung-left', 'lung-right', 'trachea')
    """
    parts = [values] if isinstance(values, str) else values
    names = (name.strip() for part in parts for name in part.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def not_one_wish() -> ParameterError:
    """What to raise where nothing is asked for, or several things that exclude each other."""
    error = ParameterError(
        "Say what to build: a recipe, organs, an intensity threshold or prompts, and only one of them."
    )
    error.hint = "In a shell that is --recipe, --organ, --threshold or --prompts; see `plastinate recipes`."
    return error


def build_models(request: BuildRequest, *, progress: Progress | None = None) -> BuildResult:
    """Build every organ asked for and write it with its certificate.

    Nothing appears under a final name until all of it is written.

    Raises:
        PlastinateError: see `model/errors.py`; nothing is left half-written.
    """
    progress = progress or Progress()
    begun, started_utc = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    wish = _require_sound(request)
    with progress.step("read the scan", share=0.08) as within:
        read = catalog.door("read-volume")(
            request.path,
            series=request.series,
            phase=request.phase,
            modality=request.modality,
            allow_gaps=request.allow_gaps,
            unpack_into=request.unpack_into,
            progress=lambda done, total, what: within(done / max(total, 1)),
        )
    left_out: dict[str, str] = {}
    if request.output is not None:
        request, left_out = _with_possible_formats(request, read)
    recipe, not_made = _fitting(request, wish, read.volume.modality)
    models = models_record(fetch_needed_models(recipe, progress=progress))
    models += fetch_totalsegmentator(recipe, progress=progress)
    noticed = frozenset(finding.code for finding in read.findings)
    result = run_recipe(read.volume, recipe, options=request.options, progress=progress, noticed=noticed)
    evidence = _evidence(request, recipe, read, result, models=models, not_made=not_made)
    scene: Scene = catalog.door("compose-scene")(
        recipe.title,
        result.volume.geometry,
        result.surfaces,
        structures=_structures(request, recipe),
        evidence=evidence,
        label_map=result.labels,
    )
    source_files = read.source_files
    # Half a gigabyte that the writing does not need; the run may have made another volume of it.
    del read
    record = partial(run_record, begun, started_utc, progress)
    if request.output is None:
        progress.finish()
        return BuildResult(scene, record())
    former = former_files(request.output)
    with output_folder(request.output, former=former) as folder:
        result_on_disk = _write(
            request,
            folder,
            scene,
            volume=result.volume,
            source_files=source_files,
            progress=progress,
            run_record=record,
        )
    progress.finish()
    removed = tuple(name for name in former if name not in result_on_disk.files)
    return replace(result_on_disk, left_out=left_out, removed=removed)


def _with_possible_formats(request: BuildRequest, read: Any) -> tuple[BuildRequest, dict[str, str]]:
    """The request with all that can be written of this scan, and why the rest cannot."""

    def check(formats: Iterable[str]) -> None:
        catalog.door("check-formats")(
            formats,
            unit=read.volume.geometry.unit,
            has_source_files=bool(read.source_files),
            source_files=read.source_files,
        )

    check(request.formats)
    formats, left_out = list(request.formats), {}
    for name in request.formats_where_possible:
        try:
            check([name])
        except InputError as error:
            left_out[name] = error.sentence
        else:
            formats.append(name)
    return replace(request, formats=tuple(dict.fromkeys(formats))), left_out


def _require_sound(request: BuildRequest) -> Recipe | None:
    """Refuse at once what needs no scan to be refused; the recipe, where it does not depend on the scan."""
    wishes = [bool(request.recipe), bool(request.organs), request.threshold is not None]
    if sum(wishes) + (request.prompts is not None) != 1:
        raise not_one_wish()
    if request.modality not in ("", *MODALITIES):
        raise ParameterError(f"The modality is one of {', '.join(MODALITIES)}, not {request.modality!r:.40}.")
    catalog.door("check-formats")(request.formats, unit="mm", has_source_files=True)
    if request.output is not None:
        require_writable(request.output)
    if request.organs:
        # Which recipe depends on the modality; that there is one at all does not.
        recipe_for_what_is_made(request.organs, "", by=request.by, any_modality=True)
        return None
    if request.by:
        raise ParameterError("Whose networks are to find them is said of organs.")
    if request.prompts is not None:
        # What is plausible depends on the modality; whether it can be taken does not.
        plan(recipe_for_prompts(request.prompts, ""))
        return None
    recipe = _threshold(request) if request.threshold is not None else load_recipe(request.recipe or "")
    plan(recipe)
    return recipe


def _threshold(request: BuildRequest) -> Recipe:
    # As floats, whatever was given: 200 and 200.0 are one wish and must give the same bytes.
    low, high = (None if end is None else float(end) for end in request.threshold or (None, None))
    if low is None and high is None:
        raise ParameterError("A threshold needs a lower end, an upper end, or both.")
    return threshold_recipe(low, high, name=request.name, largest=request.largest_only)


def _fitting(request: BuildRequest, recipe: Recipe | None, modality: str) -> tuple[Recipe, Mapping[str, str]]:
    """The recipe, and what was asked for that it cannot make, each with its reason."""
    if request.prompts is not None:
        return recipe_for_prompts(request.prompts, modality), {}
    not_made: Mapping[str, str] = {}
    if recipe is None:
        known = "" if modality in UNSAID else modality
        recipe, not_made = recipe_for_what_is_made(
            request.organs, known, by=request.by, any_modality=request.any_modality
        )
    if recipe.modality and modality != recipe.modality and not request.any_modality:
        raise WrongModality(recipe.name, needs=recipe.modality, got=modality, organs=request.organs)
    return recipe, not_made


def _structures(request: BuildRequest, recipe: Recipe) -> Mapping[str, Structure]:
    known = structures_of(recipe)
    if request.threshold is None:
        return known
    only = recipe.structures[0]
    return {**known, only: replace(known[only], name=shown_name(request.name))}


def shown_name(name: str) -> str:
    """A name that can stand in a table and in a file: one line, nothing that steers a terminal, not endless.

    >>> shown_name("left   femur ")
    'left femur'
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in name)
    return " ".join(printable.split())[:NAME_LENGTH_MAX]


def _evidence(
    request: BuildRequest,
    recipe: Recipe,
    read: Any,
    result: RunResult,
    *,
    models: list[dict[str, Any]],
    not_made: Mapping[str, str],
) -> Evidence:
    options = {**request.options.as_dict(), "series": request.series, "phase": request.phase}
    # Where no model was used there is nothing to say, and the certificate is as it was without.
    if models:
        options["models"] = {model["name"]: model["sha256"] for model in models}
    if not_made:
        options["not_made"] = sorted(not_made)
    is_stated = any(finding.code == "ingest.stated-modality" for finding in read.findings)
    if is_stated:
        options["modality"] = request.modality
    inputs = {
        **read.inputs,
        "series": {
            "modality": read.series.modality,
            "modality_from": "person" if is_stated else "files",
            "description": read.series.description,
            **read.series.tags,
        },
        "geometry": result.volume.geometry.as_dict(),
        "quantity": result.volume.quantity,
        "recipe": {"name": recipe.name, "sha256": recipe_digest(recipe)},
        "result_key": result_key(input_sha256=read.inputs["sha256"], recipe=recipe, options=options),
        "plastinate_version": __version__,
        **({"models": models} if models else {}),
    }
    findings: tuple[Finding, ...] = (*read.findings, *result.findings)
    structures = _structures(request, recipe)
    not_found = tuple(
        NotFound(name, structures[name].name, reason)
        for name, reason in {**result.not_found, **not_made}.items()
    )
    return Evidence(
        inputs,
        findings,
        result.steps,
        result.quality,
        result.verdicts,
        not_found,
        volume_ranges=result.volume_ranges,
    )


def _write(
    request: BuildRequest,
    folder: Path,
    scene: Scene,
    *,
    volume: Volume,
    source_files: tuple[Path, ...],
    progress: Progress,
    run_record: Callable[[], RunRecord],
) -> BuildResult:
    files: dict[str, str] = {}
    pictures: dict[str, bytes] = {}

    def write() -> None:
        with progress.step("write the models", share=WRITE_SHARE * len(request.formats)) as within:
            files.update(
                catalog.door("write-formats")(
                    scene,
                    folder,
                    request.formats,
                    compression=request.compression,
                    source_files=source_files,
                    volume=volume,
                    lighten=catalog.door("lighten-surface"),
                    progress=lambda done, total: within(done / total),
                )
            )

    def render() -> None:
        with progress.step("render the picture", share=0.12) as within:
            pictures.update(
                catalog.door("render-pictures")(
                    scene,
                    volume,
                    only=None if request.options.check else ("preview",),
                    progress=lambda done, total: within(done / total),
                )
            )

    side_by_side([write, render] if request.with_preview else [write])
    scene = replace(scene, evidence=replace(scene.evidence, outputs=dict(files)))
    run = run_record()
    if request.options.check:
        with progress.step("write the certificate", share=0.02):
            files |= catalog.door("write-certificate")(scene, folder, run=run, pictures=pictures)
    elif pictures:
        files["preview.png"] = catalog.door("write-bytes")(folder / "preview.png", pictures["preview"])
    if request.picture_files:
        files |= picture_files(folder, pictures)
    return BuildResult(scene, run, files)


def picture_files(folder: Path, pictures: Mapping[str, bytes]) -> dict[str, str]:
    """Write all but the preview under `pictures/`; name -> SHA-256."""
    (folder / "pictures").mkdir(exist_ok=True)
    return {
        f"pictures/{name}.png": catalog.door("write-bytes")(folder / "pictures" / f"{name}.png", data)
        for name, data in pictures.items()
        if name != "preview"
    }
