"""CT volume -> liver, by a network and the scan's own edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.depot import model_file
from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import dilate, erode
from plastinate.native.voxels import Mask
from plastinate.nets.liver_unet import MODEL, liver_graph
from plastinate.nets.session import open_session
from plastinate.nets.sliding_patch import untold
from plastinate.stages.segment.boxes import cut_out, put_back
from plastinate.stages.segment.liver_field import AUTHORS_FIELD, LIVER, ORGAN, LiverField, liver_likelihood
from plastinate.stages.segment.patient_grid import box_between, moved
from plastinate.stages.segment.settle_edge import (
    EdgeRules,
    Floats,
    GreyModel,
    grey_model,
    joined,
    ring,
    settle_edge,
    smoothed,
)

# Fat lies beside the liver nearly everywhere: half way to it is the edge, where a voxel holds both.
FAT_HU = -100.0
EDGE_VOXEL_MM = 1.3
DARK_WITHIN_MM = 1.6
# Where the liver lies against muscle or heart of its own grey value, noise decides for single voxels.
CHANCE_MM = 1.5
# The grey values learnt: well inside against close around, in bins over what soft tissue may have.
WELL_INSIDE_MM, AROUND_MM = 6.0, (5.0, 14.0)
GREY_RANGE_HU, GREY_STEP_HU = (-150.0, 350.0), 5.0


def liver_net(
    volume: Volume,
    *,
    sure_enough: float = 0.7,
    least_sureness: float = 0.35,
    doubtful_sureness: float = 0.55,
    least_ml: float = 60.0,
    grey_hu: tuple[float, float] = (-20.0, 250.0),
    smooth_mm: float = 0.7,
    reach_mm: float = 6.0,
    trust: float = 1.0,
    grey: float = 0.3,
    coupling: float = 8.0,
    contrast_hu: float = 15.0,
    progress: Callable[[float], None] = untold,
) -> Remarked:
    """The liver with its vessels and tumours, without gall bladder.

    A network finds it at 3 mm; within a band around its edge, each voxel of the scan then weighs the
    network's word, its grey value and its neighbours. The vena cava where it runs in the liver's groove has
    the liver's own grey value and may stay in. Not for MR, not for scans that show no more than a rim of it.

    Args:
        volume: CT.
        sure_enough: mean sureness of the network, 0 to 1, at which its second field is not tried.
        least_sureness: below it, what was found is not taken for a liver.
        doubtful_sureness: below it, the finding says so.
        least_ml: a smaller piece is not taken for a liver.
        grey_hu: median that a liver may have, from fatty without contrast to the portal phase.
        smooth_mm: blur before grey values are compared.
        reach_mm: how far the edge may move from the network's.
        trust, grey, coupling, contrast_hu: see `EdgeRules`.
        progress: told what share is done; what it raises ends the work.

    Returns:
        One mask, (S, R, C) bool, with the likelihood of each voxel.

    Raises:
        EmptyMask: no liver; or no CT.
        MemoryShort: there is not even memory for the network's smaller field.
        ModelError: the network's weights are not to be had.
        NoMillimetres: the scan never said its pixel size.
    """
    if volume.quantity != "HU":
        raise EmptyMask(ORGAN, "the network for it was made for CT")
    volume.geometry.require_mm("where an organ lies")
    session = open_session(liver_graph(model_file(MODEL)))
    found = liver_likelihood(
        volume, session, sure_enough=sure_enough, progress=lambda share: progress(0.8 * share)
    )
    del session
    made = liver_from(
        volume,
        found,
        least_sureness=least_sureness,
        least_ml=least_ml,
        grey_hu=grey_hu,
        smooth_mm=smooth_mm,
        edge=EdgeRules(reach_mm, trust, grey, coupling, contrast_hu),
    )
    findings = []
    if found.sureness < doubtful_sureness:
        findings.append(_unsure(found))
    if "author's" not in found.tried:
        findings.append(_smaller(found))
    return Remarked(made.masks, tuple(findings), made.likelihoods)


def liver_from(
    volume: Volume,
    found: LiverField,
    *,
    least_sureness: float,
    least_ml: float,
    grey_hu: tuple[float, float],
    smooth_mm: float,
    edge: EdgeRules,
) -> Remarked:
    """What the network said -> the liver at the scan's own resolution; arguments as of `liver_net`.

    Raises:
        EmptyMask: what the network found is no liver.
    """
    core = largest_components(found.likelihood >= LIVER, connectivity=6)
    if found.sureness < least_sureness or core.sum() * found.geometry.voxel_ml < least_ml:
        raise EmptyMask(ORGAN, "the network recognises none in this scan")
    kept = np.where(core | (found.likelihood < LIVER), found.likelihood, np.float32(0))
    margin_mm = AROUND_MM[1] + edge.reach_mm
    box = box_between(core, found.geometry, volume.geometry, margin_mm=margin_mm)
    part = cut_out(volume, box)
    likelihood = moved(kept, found.geometry, part.geometry)
    likelihood[np.isnan(likelihood)] = 0
    measured = part.measured
    values = smoothed(_with_air(part.array, measured), smooth_mm, part.geometry.spacing_mm)
    model, median = _learnt(values, likelihood, part)
    if not grey_hu[0] <= median <= grey_hu[1]:
        raise EmptyMask(ORGAN, f"what the network takes for it has {median:.0f} HU, as no liver has")
    settled = settle_edge(values, likelihood, part.geometry.spacing_mm, model=model, rules=edge)
    evened = smoothed(settled, CHANCE_MM, part.geometry.spacing_mm)
    mask = _finished(evened, values, part, edge_hu=(median + FAT_HU) / 2)
    mask &= measured
    # Mask and likelihood agree about which side of a half each voxel is on.
    agreed = joined(likelihood, settled)
    agreed = np.where(mask, np.maximum(agreed, 0.5), np.minimum(agreed, 0.499))
    levels = np.zeros(volume.geometry.shape, dtype=np.float16)
    levels[box] = agreed
    return Remarked((put_back(mask, box, volume.geometry.shape),), (), (levels,))


def _with_air(array: npt.NDArray[Any], measured: Mask) -> npt.NDArray[Any]:
    air = array.dtype.type(-1000)
    return np.where(measured, array, air)


def _learnt(values: Floats, likelihood: Floats, part: Volume) -> tuple[GreyModel, float]:
    """What the liver's grey values are against those around, and their median, HU."""
    spacing = part.geometry.spacing_mm
    core = likelihood >= LIVER
    deep = erode(core, WELL_INSIDE_MM, spacing)
    inside = values[deep if deep.any() else core]
    around = values[ring(core, *AROUND_MM, spacing)]
    model = grey_model(inside, around, low=GREY_RANGE_HU[0], high=GREY_RANGE_HU[1], step=GREY_STEP_HU)
    return model, float(np.median(inside))


def _finished(settled: Floats, values: Floats, part: Volume, *, edge_hu: float) -> Mask:
    """One piece, without cavities, with the voxels of its edge that hold more liver than fat or air."""
    spacing = part.geometry.spacing_mm
    mask = largest_components(settled > 0.5, connectivity=6)
    edge = dilate(mask, EDGE_VOXEL_MM, spacing)
    edge &= values > edge_hu
    edge &= dilate(values <= edge_hu, DARK_WITHIN_MM, spacing)
    return fill_cavities(mask | edge)


def _smaller(found: LiverField) -> Finding:
    sizes = [" x ".join(map(str, field)) for field in (AUTHORS_FIELD, found.sizes)]
    return Finding(
        "segment.smaller-patches",
        "warning",
        f"There was not enough memory for patches of {sizes[0]} voxels; the network looked at {sizes[1]}.",
        "It saw less around each place than it was made for; build again with more memory.",
        {"wished": list(AUTHORS_FIELD), "taken": list(found.sizes)},
    )


def _unsure(found: LiverField) -> Finding:
    return Finding(
        "segment.network-unsure",
        "warning",
        f"The network was not sure of the liver: {100 * found.sureness:.0f} of 100.",
        "It was kept; compare it with the slices.",
        {"sureness": found.sureness, "fields": dict(found.tried)},
    )
