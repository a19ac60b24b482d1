"""The door for notebooks and scripts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from plastinate.model.reference import Known
from plastinate.model.scene import Scene
from plastinate.pipeline.progress import Progress, ProgressEvent
from plastinate.pipeline.run import DEFAULT_LEVELS, RunOptions
from plastinate.services.build_models import DEFAULT_FORMATS, BuildRequest, names_in
from plastinate.services.build_models import build_models as _build_models


def model_of_picture(
    path: str | os.PathLike[str],
    kind: str = "object",
    *,
    output: str | os.PathLike[str] | None = None,
    without_network: bool = False,
    depth: str | None = None,
    agree: bool = False,
    focal_35mm: float | None = None,
    reference: Known | None = None,
    print_mm: float | None = None,
    second: str | os.PathLike[str] | None = None,
    baseline_mm: float | None = None,
    solid: Mapping[str, Any] | None = None,
    formats: str | Sequence[str] = (),
    compression: str = "meshopt",
    check: bool = True,
    preview: bool = True,
    progress: Callable[[ProgressEvent], None] | None = None,
) -> Scene:
    """Estimate a 3D model of one picture; the scene and all its files say that it is an estimate.

    The same call gives the same bytes as the command line does.

    Args:
        path: a JPEG, PNG, WebP or TIFF, one DICOM picture, or a folder or zip that holds one of these.
        kind: "object", "scene", "lithophane" or "relief".
        output: folder for the files; None keeps everything in memory.
        without_network: outline, shading and brightness alone.
        depth: model that says how far away things are (`plastinate models list`); None for the usual one.
        agree: you have read that model's licence and agree to it; only then is it fetched.
        focal_35mm: the lens as its equivalent on 36 x 24 mm; None believes the file.
        reference: two points whose distance is known, a coin or a ruler (`Reference`, `Coin` and `Ruler` of
            `plastinate.model.reference`); None leaves pixels, and every question in millimetres is refused.
        print_mm: how long a print is to be.
        second, baseline_mm: the same seen from a little to the right, and how far apart the two were taken.
        solid: numbers for the recipe's last step: {"back": "mirror"}.
        formats: "glb", "obj", "stl", "ply", "3mf", "usdz"; all that is possible but the last by default.
        compression: of GLB files.
        check: measure the surface and judge it; without it there is no certificate.
        preview: render the pictures.
        progress: called with each `ProgressEvent`.

    Raises:
        PlastinateError: with a code and a hint; see `plastinate.model.errors`.
    """
    from plastinate.services.build_picture import build_picture
    from plastinate.services.depth_choice import AGREED
    from plastinate.services.picture_request import PictureRequest

    request = PictureRequest(
        path=Path(path),
        output=None if output is None else Path(output),
        kind=kind,
        without_network=without_network,
        depth=depth,
        agreed=AGREED if agree else frozenset(),
        focal_35mm=focal_35mm,
        reference=reference,
        print_mm=print_mm,
        second=None if second is None else Path(second),
        baseline_mm=baseline_mm,
        solid=dict(solid or {}),
        formats=names_in(formats),
        compression=compression,
        check=check,
        with_preview=preview,
    )
    return build_picture(request, progress=Progress(say=progress) if progress else None).scene


def build_model(
    path: str | os.PathLike[str],
    recipe: str | None = None,
    *,
    organs: str | Sequence[str] = (),
    by: str = "",
    threshold: tuple[float | None, float | None] | None = None,
    prompts: Mapping[str, Any] | None = None,
    name: str = "surface",
    largest_only: bool = False,
    output: str | os.PathLike[str] | None = None,
    formats: str | Sequence[str] = DEFAULT_FORMATS,
    compression: str = "meshopt",
    levels: Mapping[str, int | None] = DEFAULT_LEVELS,
    series: int | None = None,
    phase: int | None = None,
    modality: str = "",
    allow_gaps: bool = False,
    any_modality: bool = False,
    check: bool = True,
    preview: bool = True,
    progress: Callable[[ProgressEvent], None] | None = None,
) -> Scene:
    """Turn a scan into organ models that state how far to trust them.

    The same call gives the same bytes as the command line does.

    Args:
        path: a folder of DICOM files, a zip, a DICOMDIR, a multi-frame file, NIfTI, NRRD or MetaImage.
        recipe: name of a recipe ("ct-chest", "own:MODEL", "totalsegmentator:TASK") or path of a recipe file.
        organs: instead of a recipe: ["heart", "lung", "kidney-left"] or "heart,lung"; a pair's name is both.
        by: whose networks find them: "totalsegmentator"; "" for Plastinate's own recipes.
        threshold: (low, high) in HU or grey values instead of either: one surface of all that lies between.
        prompts: what was drawn on slices instead: {"liver": [{"kind": "box", "points_lps_mm": [...]}]}; see
            docs/reference/prompts.md.
        name: what to call the surface of a threshold.
        largest_only: keep only its largest piece.
        output: folder for the files; None keeps everything in memory.
        formats: "glb", "stl", "obj", "ply", "3mf", "nifti", "nrrd", "viewer", "seg" (this one only for scans
            read from loose DICOM files: it refers to them).
        compression: of GLB files: "meshopt", "draco" or "none".
        levels: detail level -> triangles at most; None is bounded by error alone.
        series: which one, as `plastinate inspect` numbers them.
        phase: which one of the series, likewise.
        modality: "CT" or "MR", for files that do not say it themselves; the certificate says that you did.
        allow_gaps: interpolate across missing slices instead of refusing; the certificate marks them.
        any_modality: run a recipe on a modality it was not written for.
        check: measure every surface against its mask; without it there is no certificate.
        preview: render the picture.
        progress: called with each `ProgressEvent`, by one thread at a time, not always by this one.

    Returns:
        The scene: surfaces at each detail level, LPS millimetres, with `scene.evidence`.

    Raises:
        PlastinateError: with a code and a hint; see `plastinate.model.errors`.
    """
    request = BuildRequest(
        path=Path(path),
        output=None if output is None else Path(output),
        recipe=recipe,
        organs=names_in(organs),
        by=by,
        threshold=threshold,
        prompts=prompts,
        name=name,
        largest_only=largest_only,
        series=series,
        phase=phase,
        modality=modality,
        allow_gaps=allow_gaps,
        any_modality=any_modality,
        formats=names_in(formats),
        compression=compression,
        options=RunOptions(levels=dict(levels), check=check),
        with_preview=preview,
    )
    return _build_models(request, progress=Progress(say=progress) if progress else None).scene
