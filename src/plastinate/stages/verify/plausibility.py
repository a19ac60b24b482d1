"""Mask, grey values and measured quality -> a traffic light with its reasons.

Green: nothing speaks against the result. Amber: look before you rely on it.
Red: something is wrong with it, or with the scan it was made from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Light, SurfaceQuality, Verdict
from plastinate.model.labels import LabelMap
from plastinate.model.recipe import Expectation
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.native.components import Components
from plastinate.native.voxels import bounding_box
from plastinate.stages.verify import blemishes
from plastinate.stages.verify.metal import METAL, shares_planes

Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice, slice]
Doubt = tuple[Light, str]

# A loose voxel or two is noise; a piece of a hundredth of the organ is something a person would see.
PIECE_MIN_SHARE = 0.01
# Outside the plausible range by more than this factor, it is not an unusual organ but another thing.
VOLUME_RED_FACTOR = 2.0
# Promises of the certificate, in voxels and percent (docs/explanation/certificate.md).
DISTANCE_MEAN_VOXEL_MAX = 0.5
DISTANCE_P95_VOXEL_MAX = 1.0
VOLUME_DRIFT_PERCENT_MAX = 3.0
# A natural organ ends in a rounded cap; a plane that holds this share of its widest section is a cut.
FLAT_CUT_SHARE = 0.25
MIDLINE_STEP = 4
# The ends of a scan along LPS, of the falling and of the rising coordinate.
FACES = (("right side", "left side"), ("front", "back"), ("lower end", "upper end"))
# The smallest body with an inside: 2 voxels each way. Of less, a surface says more than was measured.
VOXELS_MIN = 8
# What was noticed while the scan was read or the structure made that leaves doubt, whatever its surface.
DOUBTS_NOTICED = {
    "ingest.no-position": (
        "The scan does not say where its slices lie: their order, and left and right, may be wrong."
    ),
    "ingest.no-orientation": (
        "The scan does not say how the patient lies in it: left and right may be exchanged."
    ),
    "segment.no-contrast": "Without contrast agent, its border to organs that touch it is an estimate.",
    "segment.unsure-organ": (
        "It is unusual in place, size or shape: it may be another organ, or only part of one."
    ),
    "segment.one-kidney": "Only one of the two kidneys was found.",
    "segment.estimated-border": "Much of its border lies where hardly any edge shows, and is an estimate.",
    "segment.unsure-border": "Little in the scan shows where it ends: part of its border is an estimate.",
    "segment.network-unsure": "The network that found it was not sure of it.",
    "segment.open-skull": "Bone is missing around it, where its edge is an estimate.",
    "segment.other-contrast": (
        "The scan is no T1-weighted head; other contrasts were tried as computed pictures only."
    ),
    "segment.smaller-patches": (
        "For want of memory, the network saw less around each place than it was made for."
    ),
    "segment.lung-mass": (
        "A solid mass was counted as lung: it may be a tumour, or more or less of it may belong there."
    ),
    "segment.lung-fluid": "Fluid or lung without air lies behind a lung, and is not in the model.",
    "segment.unlike-adult": (
        "The trunk has not the size of an adult's: it is a child's, or every length and volume is wrong."
    ),
    "segment.contrast": (
        "The scan holds contrast agent as bright as bone, or metal: what touches bone may be taken for it."
    ),
}
# What makes every place in the scan wrong, whatever the surface.
WRONGS_NOTICED = {
    "segment.back-to-front": "The scan looks turned back to front: its sides may all be wrong.",
    "segment.upside-down": "The scan looks upside down: its sides may all be wrong.",
    "segment.impossible-size": (
        "No person is of the size that the scan gives: every length and volume of it must be wrong."
    ),
    "segment.mirrored": "The scan looks mirrored from left to right, unless the organs of the patient are.",
}


def judge_structure(
    structure: str,
    *,
    mask: Mask,
    volume: Volume,
    labels: LabelMap,
    expectation: Expectation,
    quality: SurfaceQuality,
    noticed: Collection[str] = (),
    given: Collection[Doubt] = (),
) -> Verdict:
    """Weigh one structure against what its recipe expects and what its surface promises.

    Args:
        structure: structure id.
        mask: (S, R, C) bool, its voxels.
        volume: the grey values, same grid.
        labels: the whole map, for the patient's midline.
        expectation: the recipe's word on a sound result.
        quality: measured facts of the finest surface.
        noticed: codes of what was found while the scan was read and the structure made.
        given: doubts from elsewhere; a green one is a note.

    Returns:
        The worst light found and every reason for it.
    """
    box = bounding_box(mask)
    if box is None:
        return Verdict("red", ("Not one voxel belongs to it.",))
    doubts: list[Doubt] = [*_scan(volume, noticed), *given, *_size(mask[box])]
    doubts += _surface(quality)
    cuts = list(_flat_cuts(mask, box, volume, expectation))
    doubts += _volume(mask, volume, expectation, is_cut=bool(cuts))
    doubts += _side(structure, mask, volume, labels, expectation)
    doubts += _pieces(mask, expectation)
    doubts += _grey_values(mask[box], volume.array[box], volume.quantity, expectation)
    doubts += cuts or _edge_of_scan(box, volume, expectation)
    doubts += _filled(mask, volume)
    doubts += blemishes.unmeasured(mask, volume, may_touch_edge=expectation.may_touch_edge)
    doubts += _streaks(mask, volume, noticed)
    order: list[Light] = ["green", "amber", "red"]
    worst: Light = max((light for light, _ in doubts), key=order.index, default="green")
    return Verdict(worst, tuple(reason for _, reason in doubts))


def _scan(volume: Volume, noticed: Collection[str]) -> Iterator[Doubt]:
    for code, words in WRONGS_NOTICED.items():
        if code in noticed:
            yield "red", words
    for code, words in DOUBTS_NOTICED.items():
        if code in noticed:
            yield "amber", words
    if volume.geometry.unit != "mm":
        yield "amber", "The scan does not say its pixel size, so no length and no volume of it is known."


def _size(mask: Mask) -> Iterator[Doubt]:
    voxels = int(np.count_nonzero(mask))
    if voxels < VOXELS_MIN:
        yield "red", f"It is too small to be measured: {voxels} voxel{'s' if voxels > 1 else ''}."


def _surface(quality: SurfaceQuality) -> Iterator[Doubt]:
    if not quality.is_closed or not quality.is_manifold:
        yield "red", "The surface is not closed, so its volume means nothing and it cannot be printed."
    if quality.self_crossings:
        yield (
            "amber",
            f"The surface crosses itself in {quality.self_crossings} places; a printer may complain.",
        )
    if (
        quality.distance_mean_voxel > DISTANCE_MEAN_VOXEL_MAX
        or quality.distance_p95_voxel > DISTANCE_P95_VOXEL_MAX
    ):
        mean, p95 = quality.distance_mean_voxel, quality.distance_p95_voxel
        yield (
            "amber",
            f"The surface strays from the marked voxels: {mean:.2f} voxels on average, {p95:.2f} at p95.",
        )
    drift = quality.volume_drift_percent
    if drift is not None and abs(drift) > VOLUME_DRIFT_PERCENT_MAX:
        size = "larger" if drift > 0 else "smaller"
        limit = f"the limit is {VOLUME_DRIFT_PERCENT_MAX:.0f} %; thin walls in coarse voxels often pass it"
        yield (
            "amber",
            f"The surface encloses a volume {abs(drift):.1f} % {size} than that of its voxels ({limit}).",
        )


def _volume(mask: Mask, volume: Volume, expectation: Expectation, *, is_cut: bool) -> Iterator[Doubt]:
    if expectation.volume_ml is None or volume.geometry.unit != "mm":
        return
    low, high = expectation.volume_ml
    found = int(np.count_nonzero(mask)) * volume.geometry.voxel_ml
    # What the scan cuts is smaller for that reason, and the cut is said.
    if low <= found <= high or (found < low and is_cut):
        return
    far = found < low / VOLUME_RED_FACTOR or found > high * VOLUME_RED_FACTOR
    size = "smaller" if found < low else "larger"
    yield (
        "red" if far else "amber",
        f"{found:,.0f} ml is {size} than the {low:,.0f} to {high:,.0f} ml that are usual in adults.",
    )


def _side(
    structure: str, mask: Mask, volume: Volume, labels: LabelMap, expectation: Expectation
) -> Iterator[Doubt]:
    if not expectation.side:
        return
    own = _centre_x(mask, labels)
    twin = structure.replace("left", "right") if "left" in structure else structure.replace("right", "left")
    if twin != structure and twin in labels.structures.values():
        midline = (own + _centre_x(labels.mask(twin), labels)) / 2
    else:
        midline = _patient_centre_x(volume)
    # LPS: x grows towards the patient's left.
    side = "left" if own > midline else "right"
    if side != expectation.side:
        yield "red", f"It lies on the patient's {side}, and belongs on the {expectation.side}."


def _patient_centre_x(volume: Volume) -> float:
    # Every fourth voxel each way is plenty for a midline. What is brighter than half way from the
    # darkest to the mean of the scan is patient: in CT that parts air from flesh, in MR noise from both.
    step = MIDLINE_STEP
    some = volume.array[::step, ::step, ::step]
    measured = some[some != UNMEASURED_INT16] if some.dtype == np.int16 else some[~np.isnan(some)]
    if measured.size == 0:
        return float(volume.geometry.corners_lps_mm[:, 0].mean())
    # "At least": in a scan of one value everything is patient.
    bright = some >= (float(measured.min()) + float(measured.mean(dtype=np.float64))) / 2
    centre = np.array([float(places.mean()) * step for places in np.nonzero(bright)])
    return float(volume.geometry.index_to_lps(centre)[0])


def _centre_x(mask: Mask, labels: LabelMap) -> float:
    box = bounding_box(mask)
    if box is None:
        return 0.0
    inside = mask[box]
    lines = [np.count_nonzero(inside, axis=axes).astype(np.float64) for axes in ((1, 2), (0, 2), (0, 1))]
    centre = [
        span.start + float((line * np.arange(line.size)).sum() / line.sum())
        for span, line in zip(box, lines, strict=True)
    ]
    return float(labels.geometry.index_to_lps(np.array(centre))[0])


def _pieces(mask: Mask, expectation: Expectation) -> Iterator[Doubt]:
    if expectation.max_pieces is None:
        return
    sizes = Components(mask).sizes
    pieces = int(np.count_nonzero(sizes >= PIECE_MIN_SHARE * sizes.sum()))
    if pieces > expectation.max_pieces:
        yield "amber", f"It is in {pieces} pieces; {expectation.max_pieces} would be usual."


def _grey_values(
    mask: Mask, values: npt.NDArray[np.generic], quantity: str, expectation: Expectation
) -> Iterator[Doubt]:
    if expectation.mean_range is None:
        return
    low, high = expectation.mean_range
    mean = float(values[mask].mean(dtype=np.float64))
    if not low <= mean <= high:
        # Farther outside than the range is wide, it is not an unusual organ but another thing.
        far = max(low - mean, mean - high) > high - low
        yield (
            "red" if far else "amber",
            f"Its mean is {mean:,.0f} {quantity}, outside the usual {low:,.0f} to {high:,.0f}.",
        )


def _edge_of_scan(box: Box, volume: Volume, expectation: Expectation) -> Iterator[Doubt]:
    if _ends(box, volume) and not expectation.may_touch_edge:
        yield "amber", "It reaches the edge of the scan: what lies beyond is not in the model."


def _flat_cuts(mask: Mask, box: Box, volume: Volume, expectation: Expectation) -> Iterator[Doubt]:
    if expectation.may_have_flat_cut:
        return
    for axis, is_far in _ends(box, volume):
        sections = np.count_nonzero(mask[box], axis=tuple(other for other in range(3) if other != axis))
        if sections[-1 if is_far else 0] > FLAT_CUT_SHARE * sections.max():
            face = _face(axis, volume, is_far=is_far)
            yield (
                "amber",
                f"It is cut off flat at the {face} of the scan: what lies beyond is not in the model.",
            )


def _ends(box: Box, volume: Volume) -> list[tuple[int, bool]]:
    """At which ends of the scan a box lies: (axis, whether at the last index)."""
    spans = list(enumerate(zip(box, volume.geometry.shape, strict=True)))
    return [
        (axis, is_far)
        for axis, (span, length) in spans
        for is_far, touches in ((False, span.start == 0), (True, span.stop == length))
        if touches
    ]


def _face(axis: int, volume: Volume, *, is_far: bool) -> str:
    """Which end of the scan that is, as the patient lies."""
    near, far = volume.geometry.index_to_lps(np.array([(0, 0, 0), np.eye(3)[axis]], dtype=np.float64))
    outward = far - near if is_far else near - far
    patient_axis = int(np.abs(outward).argmax())
    return FACES[patient_axis][int(outward[patient_axis] > 0)]


def _filled(mask: Mask, volume: Volume) -> Iterator[Doubt]:
    filled = np.flatnonzero(volume.filled_slices)
    share = sum(int(np.count_nonzero(mask[index])) for index in filled) / max(int(np.count_nonzero(mask)), 1)
    if share > 0:
        yield "amber", f"{share:.0%} of it lies in slices that were missing and had to be interpolated."


def _streaks(mask: Mask, volume: Volume, noticed: Collection[str]) -> Iterator[Doubt]:
    if METAL in noticed and shares_planes(mask, volume):
        yield (
            "amber",
            (
                "Metal lies in the same planes: its streaks may hide or feign the edge, "
                "and parts may be missing."
            ),
        )
