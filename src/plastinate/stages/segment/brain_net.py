"""MR of a head -> brain: by two networks made for T1, or by one for every contrast where they do not fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from plastinate.depot import model_file
from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import closed, erode, opened
from plastinate.native.resample import resample_affine
from plastinate.native.voxels import Mask, bounding_box
from plastinate.nets.deepbet_unet import MODEL, deepbet_graph
from plastinate.nets.mindgrab import MODEL as ANY_MODEL
from plastinate.nets.mindgrab import mindgrab_graph
from plastinate.nets.session import Session, open_session
from plastinate.nets.sliding_patch import untold
from plastinate.stages.segment.boxes import cut_out, put_back
from plastinate.stages.segment.brain_any_contrast import any_contrast_likelihood, white_is_brighter
from plastinate.stages.segment.patient_frame import frame_of
from plastinate.stages.segment.settle_edge import smoothed

Floats = npt.NDArray[np.float32]

ORGAN = "brain"
# The makers' way: the whole scan on 128^3, the brain's box and a tenth more on 256^3, each by the nearest
# voxel, between two percentiles of the coarse one, to a mean and deviation of their choice.
COARSE, FINE = (128, 128, 128), (256, 256, 256)
PERCENT = (0.5, 99.5)
MEAN, DEVIATION = 0.449, 0.226
BOX_MARGIN = 0.1
# A plane belongs to the box where that share of it is brain.
BOX_SHARE = 0.02
BRAIN = 0.5
# Voxels with some brain in question count for the network's sureness.
IN_QUESTION = 0.05
# Well inside the brain, where its own brightness is read; what a thread is; what closes a furrow's mouth.
DEEP_MM, THREAD_MM, CLOSING_MM = 8.0, 1.0, 2.0
SMOOTH_MM = 0.7
# In the rim a voxel is as likely brain as fluid at the darkness given, and 9 to 1 a sixth of the brain's
# brightness away from it: half of the way from fluid to grey matter.
TISSUE, SHARE_SPREAD = 0.5, 0.08
OTHER_CONTRAST = Finding(
    "segment.other-contrast",
    "warning",
    "The scan does not look like a T1-weighted head: the brain was found by a network for every contrast.",
    "Compare it with the slices; where fluid is bright, more of it may be in.",
)


@dataclass(frozen=True)
class Rules:
    """What becomes of likelihoods, as the arguments of `brain_net` say."""

    least_sureness: float
    doubtful_sureness: float
    least_ml: float
    rim_mm: float
    darkness: float
    wide_rim_mm: float
    brightness: float
    usual_ml: float
    most_ml: float
    least_agreement: float


def brain_net(
    volume: Volume,
    head: Mask,
    *,
    least_sureness: float = 0.5,
    doubtful_sureness: float = 0.85,
    least_ml: float = 200.0,
    rim_mm: float = 3.0,
    darkness: float = 0.5,
    wide_rim_mm: float = 5.0,
    brightness: float = 1.6,
    usual_ml: float = 700.0,
    most_ml: float = 2200.0,
    least_agreement: float = 0.7,
    progress: Callable[[float], None] = untold,
) -> Remarked:
    """Brain with cerebellum, brain stem and the fluid in and between them.

    Two networks made for T1 are asked first. Where white matter is not the brighter one in what they found,
    or they are not sure, one is asked that was taught no contrast in particular.
    All of them take the fluid around the brain for brain as far as the skull; a rim of it is taken off.

    Args:
        volume: MR.
        head: the head as one solid; what lies outside is not brain.
        least_sureness: mean of |2p - 1| where there may be brain, below which there is none.
        doubtful_sureness: below it, the other network is asked, or the finding says so.
        least_ml: a smaller piece is not taken for a brain.
        rim_mm: how deep below the networks' edge fluid is looked for.
        darkness: of the brain's own brightness; below it is fluid, bone or membrane.
        wide_rim_mm: the same for the network for every contrast, whose edge lies farther out.
        brightness: of the brain's own; in another contrast than T1, above it is fluid.
        usual_ml: what is smaller, or ends where the scan does, needs both to see it.
        most_ml: what is larger is no brain with its fluid.
        least_agreement: the Dice coefficient of what both see, below which there is no brain.
        progress: told what share is done; what it raises ends the work.

    Returns:
        One mask, (S, R, C) bool, with the likelihood of each voxel.

    Raises:
        EmptyMask: no brain, or the scan is a CT.
        ModelError: the networks' weights are not to be had.

    Source:
        Fisch et al., Computers in Biology and Medicine 179 (2024) 108845; for other contrasts
        arXiv:2506.11860 (2025).
    """
    if volume.quantity == "HU":
        raise EmptyMask(ORGAN, "the network for it was made for MR")
    rules = Rules(
        least_sureness,
        doubtful_sureness,
        least_ml,
        rim_mm,
        darkness,
        wide_rim_mm,
        brightness,
        usual_ml,
        most_ml,
        least_agreement,
    )
    box_network, network = (
        open_session(deepbet_graph(model_file(MODEL, part=part))) for part in ("box", "net")
    )
    try:
        likelihood = brain_likelihood(
            volume, box_network, network, progress=lambda share: progress(0.3 * share)
        )
    except EmptyMask:
        likelihood = np.zeros(volume.geometry.shape, dtype=np.float32)
    del box_network, network

    def second() -> Floats:
        any_network = open_session(mindgrab_graph(model_file(ANY_MODEL)))
        return any_contrast_likelihood(
            volume, head, any_network, progress=lambda share: progress(0.3 + 0.6 * share)
        )

    return settled(volume, head, likelihood, second, rules=rules)


def settled(
    volume: Volume, head: Mask, likelihood: Floats, second: Callable[[], Floats], *, rules: Rules
) -> Remarked:
    """What the networks for T1 said, or the one for every contrast, or nothing where they contradict.

    Args:
        volume: MR.
        head: what lies outside is not brain.
        likelihood: (S, R, C), from the networks for T1.
        second: asks the other network; it is not asked where the first will do.
        rules: as the arguments of `brain_net`.

    Raises:
        EmptyMask: no brain.
    """
    fits = fits_t1(volume, likelihood, rules=rules)
    if fits and not is_partial(volume, likelihood, usual_ml=rules.usual_ml):
        return brain_from(volume, head, likelihood, rules=rules)
    other = second()
    chosen = likelihood if fits else other
    contradict = agreement(likelihood, other) < rules.least_agreement
    if contradict and is_partial(volume, chosen, usual_ml=rules.usual_ml):
        raise EmptyMask(ORGAN, "the networks recognise different things in this scan")
    if fits:
        return brain_from(volume, head, likelihood, rules=rules)
    is_t1 = white_is_brighter(volume, other >= BRAIN)
    wide = replace(rules, rim_mm=rules.wide_rim_mm)
    made = brain_from(volume, head, other, rules=wide, brightness=np.inf if is_t1 else rules.brightness)
    return replace(made, findings=(*made.findings, OTHER_CONTRAST))


def is_partial(volume: Volume, likelihood: Floats, *, usual_ml: float) -> bool:
    """True where what was found ends at the scan's own end, or is smaller than a brain: a part, or none."""
    found = largest_components(likelihood >= BRAIN, connectivity=6)
    ends = any(bool(found.take(end, axis=axis).any()) for axis in range(3) for end in (0, -1))
    return ends or float(np.count_nonzero(found)) * volume.geometry.voxel_ml < usual_ml


def agreement(one: Floats, other: Floats) -> float:
    """Dice coefficient of what two networks call brain."""
    first, last = one >= BRAIN, other >= BRAIN
    shared = float(np.count_nonzero(first & last))
    return 2.0 * shared / max(1.0, float(np.count_nonzero(first)) + float(np.count_nonzero(last)))


def fits_t1(volume: Volume, likelihood: Floats, *, rules: Rules) -> bool:
    """True where the networks for T1 are sure of what can be a brain, bright within as in T1 alone."""
    inside = largest_components(likelihood >= BRAIN, connectivity=6)
    return (
        sureness(likelihood) >= rules.doubtful_sureness
        and float(np.count_nonzero(inside)) * volume.geometry.voxel_ml <= rules.most_ml
        and white_is_brighter(volume, inside)
    )


def sureness(likelihood: Floats) -> float:
    """Mean of |2p - 1| over the voxels with some brain in question, 0 where there are none."""
    asked = likelihood[likelihood > IN_QUESTION]
    return float(np.abs(2 * asked - 1).mean()) if asked.size else 0.0


def brain_likelihood(
    volume: Volume,
    box_network: Session,
    network: Session,
    *,
    progress: Callable[[float], None],
    coarse_shape: tuple[int, int, int] = COARSE,
    fine_shape: tuple[int, int, int] = FINE,
) -> Floats:
    """(S, R, C) float32: how likely each voxel is brain.

    Args:
        volume: MR.
        box_network, network: (1, 1, right, front, head) -> (1, 2, right, front, head).
        progress: told what share is done.
        coarse_shape, fine_shape: what each network is shown.

    Raises:
        EmptyMask: the first network sees no brain.
    """
    array = np.where(volume.measured, volume.array, 0).astype(np.float32)
    frame = frame_of(volume)
    whole = frame.index_map((0, 0, 0), frame.shape, coarse_shape)
    coarse = resample_affine(array, whole, coarse_shape, order=0)
    low, high = np.percentile(coarse, PERCENT)
    if not high > low:
        raise EmptyMask(ORGAN, "the scan holds one value only")
    seen = box_network.run({"in": _scaled(coarse, low, high)})[0, 1] > BRAIN
    progress(0.2)
    if not seen.any():
        raise EmptyMask(ORGAN, "the network recognises none in this scan")
    start, size = _box(largest_components(seen), frame.shape)
    to_scan = frame.index_map(start, size, fine_shape)
    inner = resample_affine(array, to_scan, fine_shape, order=0)
    found = network.run({"in": _scaled(inner, low, high)})[0, 1]
    progress(0.9)
    back = np.linalg.inv(np.vstack([to_scan, [0, 0, 0, 1]]))[:3]
    likelihood = resample_affine(np.ascontiguousarray(found), back, volume.geometry.shape)
    likelihood[np.isnan(likelihood)] = 0
    progress(1.0)
    return np.asarray(likelihood, dtype=np.float32)


def brain_from(
    volume: Volume, head: Mask, likelihood: Floats, *, rules: Rules, brightness: float = np.inf
) -> Remarked:
    """What a network said -> the brain, one piece without cavities; brighter than the last is fluid.

    Raises:
        EmptyMask: what they found is no brain.
    """
    sure = sureness(likelihood)
    mask = largest_components((likelihood >= BRAIN) & head, connectivity=6)
    if sure < rules.least_sureness or mask.sum() * volume.geometry.voxel_ml < rules.least_ml:
        raise EmptyMask(ORGAN, "the network recognises none in this scan")
    mask = fill_cavities(mask)
    box = bounding_box(mask, margin=2)
    assert box is not None  # noqa: S101 - the mask is not empty
    part = cut_out(volume, box)
    trimmed, tissue = _trimmed(part, mask[box], rules, brightness)
    agreed = likelihood.copy()
    agreed[box] = np.minimum(agreed[box], tissue)
    mask = put_back(trimmed, box, mask.shape)
    agreed = np.where(mask, np.maximum(agreed, 0.5), np.minimum(agreed, 0.499))
    findings: tuple[Finding, ...] = ()
    if sure < rules.doubtful_sureness:
        findings = (
            Finding(
                "segment.network-unsure",
                "warning",
                f"The network was not sure of the brain: {100 * sure:.0f} of 100.",
                "It was kept; compare it with the slices.",
                {"sureness": round(sure, 4)},
            ),
        )
    return Remarked((mask,), findings, (agreed.astype(np.float16),))


def _trimmed(part: Volume, mask: Mask, rules: Rules, brightness: float) -> tuple[Mask, Floats]:
    """Without the fluid below its surface, and without what hangs on it by a thread then.

    Returns:
        The mask, and how likely each voxel is tissue by its brightness: 1 beyond the rim.
    """
    spacing = part.geometry.spacing_mm
    array = np.where(part.measured, part.array, 0).astype(np.float32)
    values = smoothed(array, SMOOTH_MM, spacing)
    deep = erode(mask, DEEP_MM, spacing)
    core = erode(mask, rules.rim_mm, spacing)
    tissue = np.ones(mask.shape, dtype=np.float32)
    if not deep.any():
        return mask, tissue
    rim = mask & ~core
    share = values[rim] / float(np.median(values[deep]))
    beyond = np.maximum(rules.darkness - share, share - brightness)
    tissue[rim] = 1 / (1 + np.exp(beyond / SHARE_SPREAD))
    kept = mask & (tissue >= TISSUE)
    kept = closed(opened(kept, THREAD_MM, spacing), CLOSING_MM, spacing) | core
    kept &= mask
    return fill_cavities(largest_components(kept, connectivity=6)), tissue


def _scaled(values: Floats, low: float, high: float) -> Floats:
    part = np.clip((values - low) / (high - low), 0, 1)
    part = (part - part.mean()) / max(float(part.std(ddof=1)), 1e-6)
    return np.ascontiguousarray(DEVIATION * part + MEAN, dtype=np.float32)[None, None]


def _box(seen: Mask, shape: tuple[int, int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Start and size of the brain's box in the frame, with its margin, within the scan."""
    starts, sizes = [], []
    for axis, length in enumerate(shape):
        share = seen.mean(axis=tuple(other for other in range(3) if other != axis))
        planes = np.flatnonzero(share > BOX_SHARE)
        if planes.size == 0:
            raise EmptyMask(ORGAN, "the network recognises none in this scan")
        scale = length / seen.shape[axis]
        centre = round(scale * (planes[-1] + 1 + planes[0]) / 2)
        size = round(scale * (planes[-1] + 1 - planes[0]) * (1 + 2 * BOX_MARGIN))
        start, end = max(0, int(centre - size / 2)), min(length, int(centre + size / 2))
        starts.append(start)
        sizes.append(end - start)
    return tuple(starts), tuple(sizes)
