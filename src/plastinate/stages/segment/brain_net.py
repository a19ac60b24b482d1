"""T1-weighted MR of a head -> brain, by two networks: one finds the box, one the brain in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.depot import model_file
from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import Finding
from plastinate.model.geometry import lps_affine_to_ras
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.native.components import fill_cavities, largest_components
from plastinate.native.distance import closed, erode, opened
from plastinate.native.resample import resample_affine
from plastinate.native.voxels import Mask, bounding_box
from plastinate.nets.deepbet_unet import MODEL, deepbet_graph
from plastinate.nets.session import Session, open_session
from plastinate.nets.sliding_patch import untold
from plastinate.stages.segment.boxes import cut_out, put_back
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


@dataclass(frozen=True)
class _Frame:
    """The scan's own axes, in the order and direction closest to right, front, head.

    Attributes:
        to_index: (3, 3) of 0 and +-1: steps along (right, front, head) -> steps along (slice, row, column).
        origin: (3,) the index where all three begin.
        shape: voxels along (right, front, head).
    """

    to_index: npt.NDArray[np.float64]
    origin: npt.NDArray[np.float64]
    shape: tuple[int, int, int]

    def index_map(
        self, start: Sequence[float], size: Sequence[float], shape: Sequence[int]
    ) -> npt.NDArray[np.float64]:
        """(3, 4) from a grid of that shape over a box of this frame to the scan's index."""
        step = np.array(size, dtype=np.float64) / np.array(shape)
        first = np.array(start, dtype=np.float64) + step / 2 - 0.5
        return np.hstack([self.to_index * step, (self.to_index @ first + self.origin)[:, None]])


def brain_net(
    volume: Volume,
    head: Mask,
    *,
    least_sureness: float = 0.5,
    doubtful_sureness: float = 0.85,
    least_ml: float = 200.0,
    rim_mm: float = 3.0,
    darkness: float = 0.5,
    progress: Callable[[float], None] = untold,
) -> Remarked:
    """Brain with cerebellum, brain stem and the fluid in and between them, from a T1-weighted head.

    The networks take the fluid around the brain for brain as far as the skull; a rim of it is taken off.

    Made for T1: fluid dark, white matter bright. Of other contrasts it makes too much or too little.

    Args:
        volume: MR.
        head: the head as one solid; what lies outside is not brain.
        least_sureness: mean of |2p - 1| where there may be brain, below which there is none.
        doubtful_sureness: below it, the finding says so.
        least_ml: a smaller piece is not taken for a brain.
        rim_mm: how deep below the network's edge fluid is looked for.
        darkness: of the brain's own brightness; below it is fluid, bone or membrane.
        progress: told what share is done; what it raises ends the work.

    Returns:
        One mask, (S, R, C) bool, with the likelihood of each voxel.

    Raises:
        EmptyMask: no brain, or the scan is a CT.
        ModelError: the networks' weights are not to be had.

    Source:
        Fisch et al., Computers in Biology and Medicine 179 (2024) 108845.
    """
    if volume.quantity == "HU":
        raise EmptyMask(ORGAN, "the network for it was made for MR")
    networks = [open_session(deepbet_graph(model_file(MODEL, part=part))) for part in ("box", "net")]
    likelihood = brain_likelihood(
        volume, networks[0], networks[1], progress=lambda share: progress(0.9 * share)
    )
    return brain_from(
        volume,
        head,
        likelihood,
        least_sureness=least_sureness,
        doubtful_sureness=doubtful_sureness,
        least_ml=least_ml,
        rim_mm=rim_mm,
        darkness=darkness,
    )


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
    frame = _frame(volume)
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
    volume: Volume,
    head: Mask,
    likelihood: Floats,
    *,
    least_sureness: float,
    doubtful_sureness: float,
    least_ml: float,
    rim_mm: float,
    darkness: float,
) -> Remarked:
    """What the networks said -> the brain, one piece without cavities; arguments as of `brain_net`.

    Raises:
        EmptyMask: what they found is no brain.
    """
    asked = likelihood[likelihood > IN_QUESTION]
    sureness = float(np.abs(2 * asked - 1).mean()) if asked.size else 0.0
    mask = largest_components((likelihood >= BRAIN) & head, connectivity=6)
    if sureness < least_sureness or mask.sum() * volume.geometry.voxel_ml < least_ml:
        raise EmptyMask(ORGAN, "the network recognises none in this scan")
    mask = fill_cavities(mask)
    box = bounding_box(mask, margin=2)
    assert box is not None  # noqa: S101 - the mask is not empty
    part = cut_out(volume, box)
    trimmed, brightness = _trimmed(part, mask[box], rim_mm, darkness)
    agreed = likelihood.copy()
    agreed[box] = np.minimum(agreed[box], brightness)
    mask = put_back(trimmed, box, mask.shape)
    agreed = np.where(mask, np.maximum(agreed, 0.5), np.minimum(agreed, 0.499))
    findings: tuple[Finding, ...] = ()
    if sureness < doubtful_sureness:
        findings = (
            Finding(
                "segment.network-unsure",
                "warning",
                f"The network was not sure of the brain: {100 * sureness:.0f} of 100.",
                "It was kept; compare it with the slices.",
                {"sureness": round(sureness, 4)},
            ),
        )
    return Remarked((mask,), findings, (agreed.astype(np.float16),))


def _trimmed(part: Volume, mask: Mask, rim_mm: float, darkness: float) -> tuple[Mask, Floats]:
    """Without the fluid below its surface, and without what hangs on it by a thread then.

    Returns:
        The mask, and how likely each voxel is tissue by its brightness: 1 beyond the rim.
    """
    spacing = part.geometry.spacing_mm
    array = np.where(part.measured, part.array, 0).astype(np.float32)
    values = smoothed(array, SMOOTH_MM, spacing)
    deep = erode(mask, DEEP_MM, spacing)
    core = erode(mask, rim_mm, spacing)
    tissue = np.ones(mask.shape, dtype=np.float32)
    if not deep.any():
        return mask, tissue
    rim = mask & ~core
    share = values[rim] / float(np.median(values[deep]))
    tissue[rim] = 1 / (1 + np.exp((darkness - share) / SHARE_SPREAD))
    kept = mask & (tissue >= TISSUE)
    kept = closed(opened(kept, THREAD_MM, spacing), CLOSING_MM, spacing) | core
    kept &= mask
    return fill_cavities(largest_components(kept, connectivity=6)), tissue


def _frame(volume: Volume) -> _Frame:
    # Rows: right, front, head; of each the index axis that runs closest to it, each axis once.
    towards = lps_affine_to_ras(volume.geometry.to_lps_mm)[:3, :3] / np.array(volume.geometry.spacing)
    to_index = np.zeros((3, 3))
    left = np.abs(towards)
    for _ in range(3):
        patient, axis = np.unravel_index(left.argmax(), left.shape)
        to_index[axis, patient] = np.sign(towards[patient, axis])
        left[patient, :] = left[:, axis] = -1
    shape = np.array(volume.geometry.shape)
    origin = np.where(to_index.sum(axis=1) < 0, shape - 1, 0).astype(np.float64)
    x, y, z = (int(n) for n in np.abs(to_index).T @ shape)
    return _Frame(to_index, origin, (x, y, z))


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
