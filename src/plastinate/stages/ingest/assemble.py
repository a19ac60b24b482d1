"""Frames in order -> one array of values on a straight grid, with findings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import NoUsableSeries
from plastinate.model.evidence import Finding
from plastinate.model.geometry import Unit
from plastinate.model.volume import Quantity
from plastinate.stages.ingest.decode import LOSSY, PERHAPS_LOSSY, Words, decode_frames
from plastinate.stages.ingest.frame import Frame
from plastinate.stages.ingest.lattice import refuse_gaps
from plastinate.stages.ingest.regularise import Plan, apply_plan, fill_holes, plan_grid
from plastinate.stages.ingest.rescale import (
    Extent,
    OutsideInt16,
    Transform,
    erase_from_edges,
    erase_outside_circle,
    quantity_of,
    store,
    transform_of,
)
from plastinate.stages.ingest.stack import Stack

# No scanner's scale is so steep, and no stored pixel (32 bits at most) means more by a scale that is not.
STEEPEST_SLOPE = 1e6
FARTHEST_VALUE = float(1 << 32)
# Metal on an extended scale reaches 65 535 at most.
FARTHEST_HU = 1e5

Voxels = npt.NDArray[np.int16] | npt.NDArray[np.float32]
Allocate = Callable[[tuple[int, int, int], np.dtype[np.int16] | np.dtype[np.float32]], Voxels]


@dataclass(frozen=True, eq=False)
class Assembled:
    """A volume in the making, and what was noticed while making it.

    Attributes:
        array: (S, R, C) int16 or float32, unmeasured voxels marked.
        to_lps_mm: (4, 4) index -> LPS mm, orthogonal and right-handed.
        unit: "mm", or "px" where no size is known.
        quantity: "HU" or "a.u.".
        modality: as the frames say.
        filled_slices: (S,) True where a slice was interpolated across a gap.
        findings: what assembling noticed; the stack's own are not repeated.
    """

    array: Voxels
    to_lps_mm: npt.NDArray[np.float64]
    unit: Unit
    quantity: Quantity
    modality: str
    filled_slices: npt.NDArray[np.bool_]
    findings: tuple[Finding, ...]


def allocate(shape: tuple[int, int, int], dtype: np.dtype[np.int16] | np.dtype[np.float32]) -> Voxels:
    """Plain memory: the default for `out`."""
    return np.empty(shape, dtype=dtype)


def assemble(
    stack: Stack,
    *,
    out: Allocate = allocate,
    allow_gaps: bool = False,
    progress: Callable[[float], None] | None = None,
) -> Assembled:
    """Decode, rescale and straighten one stack.

    A straight, even stack is decoded slice by slice into its final place. Any
    other needs its slices side by side first: twice the volume in all.

    Args:
        stack: frames ordered along the slice axis of their lattice.
        out: allocates the final array. It is called a second time, for float32,
            if a value turns out not to fit int16; the last array counts.
        allow_gaps: True to bridge holes of any size.
        progress: gets the share done, 0 to 1; what it raises stops the work.

    Raises:
        GapInSeries: more slices are missing than may be bridged in silence.
        DamagedFile: a frame that cannot be decoded.
        TooLarge: straightening would multiply the volume.
    """
    frames, lattice = stack.frames, stack.lattice
    if not frames:
        raise NoUsableSeries("the input", "it holds no frames")
    if not allow_gaps:
        refuse_gaps(lattice)
    first = frames[0]
    plan = plan_grid(lattice, rows=first.rows, columns=first.columns, name=first.name)
    quantity = quantity_of(frames)
    transforms = [transform_of(frame, quantity=quantity) for frame in frames]
    dtypes = (np.dtype(np.int16), np.dtype(np.float32))
    for dtype in dtypes if all(transform.is_integral for transform in transforms) else dtypes[1:]:
        try:
            array, tally = _fill(frames, plan, transforms, quantity, dtype=dtype, out=out, progress=progress)
        except OutsideInt16:
            continue
        break
    return Assembled(
        array,
        plan.to_lps_mm,
        "mm" if lattice.unit == "mm" else "px",
        quantity,
        first.modality,
        plan.filled_slices,
        tuple(_findings(frames, transforms, quantity, plan, tally, array)),
    )


@dataclass
class _Tally:
    """Sums over the slices, by slice so that threads never share a number."""

    padded: npt.NDArray[np.int64]
    outside_circle: npt.NDArray[np.int64]
    farthest: npt.NDArray[np.float64]


def _fill(
    frames: Sequence[Frame],
    plan: Plan,
    transforms: Sequence[Transform],
    quantity: Quantity,
    *,
    dtype: np.dtype[np.int16] | np.dtype[np.float32],
    out: Allocate,
    progress: Callable[[float], None] | None,
) -> tuple[Voxels, _Tally]:
    """Decode every frame into its place, then fill what lies between."""
    array = out(plan.shape, dtype)
    slots = plan.slots
    measured = (
        array if slots is not None else np.empty((len(frames), frames[0].rows, frames[0].columns), dtype)
    )
    places = slots if slots is not None else np.arange(len(frames))
    tally = _Tally(
        np.zeros(len(frames), np.int64), np.zeros(len(frames), np.int64), np.zeros(len(frames), np.float64)
    )
    is_ct = quantity == "HU"

    def sink(position: int, words: Words) -> None:
        frame, plane = frames[position], measured[places[position]]
        extent: Extent = store(words, transforms[position], plane, name=frame.name)
        tally.padded[position] = extent.unmeasured
        if extent.lowest <= extent.highest:
            tally.farthest[position] = max(-extent.lowest, extent.highest)
        low, high = transforms[position].edge_low, transforms[position].edge_high
        if low <= high:
            tally.padded[position] += erase_from_edges(plane, low=low, high=high)
        if is_ct and extent.lowest <= extent.highest:
            tally.outside_circle[position] = erase_outside_circle(
                plane, lowest=extent.lowest, is_lossy=is_lossy(frame)
            )

    share = 1.0 / len(frames)
    decode_frames(frames, sink, done=None if progress is None else lambda done: progress(done * share))
    if slots is None:
        apply_plan(plan, measured, out=array)
    else:
        fill_holes(plan, array)
    return array, tally


def _range_findings(
    frames: Sequence[Frame], transforms: Sequence[Transform], tally: _Tally, *, farthest: float
) -> list[Finding]:
    """What no scanner measures, with the worst file's name: a slip in one header is easily overlooked."""
    slopes = np.array([abs(transform.slope) for transform in transforms])
    odd = np.flatnonzero((slopes > STEEPEST_SLOPE) | (tally.farthest > farthest))
    if not odd.size:
        return []
    worst = int(odd[np.argmax(tally.farthest[odd])])
    count = f"{odd.size} of the images hold" if odd.size > 1 else "One image holds"
    return [
        Finding(
            "ingest.absurd-values",
            "warning",
            f"{count} values that no scanner gives: {tally.farthest[worst]:.3g} in {frames[worst].name}.",
            "Read as their slope and intercept say; check that file's header.",
            {"images": int(odd.size), "file": frames[worst].name, "slope": float(slopes[worst])},
        )
    ]


def is_lossy(frame: Frame) -> bool:
    """True if the pixels went through a lossy codec, by the transfer syntax or the file's own word."""
    if frame.transfer_syntax_uid in LOSSY:
        return True
    said = str(frame.tags.get("LossyImageCompression") or "")
    return said == "01" or (frame.transfer_syntax_uid in PERHAPS_LOSSY and said != "00")


def _findings(
    frames: Sequence[Frame],
    transforms: Sequence[Transform],
    quantity: Quantity,
    plan: Plan,
    tally: _Tally,
    array: Voxels,
) -> list[Finding]:
    pixels = frames[0].rows * frames[0].columns * len(frames)
    return [
        *_picture_findings(frames, transforms, quantity),
        *_unmeasured_findings(tally, pixels),
        *_value_findings(frames, transforms, quantity, array),
        *_range_findings(
            frames, transforms, tally, farthest=FARTHEST_HU if quantity == "HU" else FARTHEST_VALUE
        ),
        *_filled_findings(plan),
    ]


def _picture_findings(
    frames: Sequence[Frame], transforms: Sequence[Transform], quantity: Quantity
) -> list[Finding]:
    found = []
    lossy = sum(is_lossy(frame) for frame in frames)
    if lossy:
        found.append(
            Finding(
                "ingest.lossy",
                "warning",
                f"{lossy} of {len(frames)} images were compressed with loss.",
                "Read as they are; fine detail and exact values may be wrong.",
                {"images": lossy},
            )
        )
    if any(transform.is_inverted for transform in transforms):
        found.append(
            Finding(
                "ingest.inverted",
                "repaired",
                "The images are stored with white as the lowest value (MONOCHROME1).",
                "Turned round, so that bright means much.",
            )
        )
    elif quantity == "HU" and any(frame.photometric == "MONOCHROME1" for frame in frames):
        found.append(
            Finding(
                "ingest.monochrome1-ct",
                "note",
                "The images ask to be shown inverted (MONOCHROME1).",
                "Ignored: Hounsfield units mean the same however they are shown.",
            )
        )
    if any(transform.has_false_padding for transform in transforms):
        found.append(
            Finding(
                "ingest.false-padding",
                "warning",
                "The value declared as padding is one that tissue has.",
                "Not treated as padding.",
            )
        )
    return found


def _filled_findings(plan: Plan) -> list[Finding]:
    if not plan.filled_slices.any():
        return []
    slices = np.flatnonzero(plan.filled_slices).tolist()
    return [
        Finding(
            "ingest.filled",
            "repaired",
            f"{len(slices)} slice{'s were' if len(slices) > 1 else ' was'} never measured.",
            "Interpolated between their neighbours and marked.",
            {"slices": slices},
        )
    ]


def _unmeasured_findings(tally: _Tally, pixels: int) -> list[Finding]:
    found = []
    for code, count, what in (
        ("ingest.padding", int(tally.padded.sum()), "are padding by the files' own word"),
        ("ingest.outside-circle", int(tally.outside_circle.sum()), "lie outside the scanner's circle"),
    ):
        if count:
            found.append(
                Finding(
                    code,
                    "note",
                    f"{100.0 * count / pixels:.1f} % of the pixels {what}.",
                    "Marked as never measured; no window matches them.",
                    {"pixels": count},
                )
            )
    return found


def _value_findings(
    frames: Sequence[Frame], transforms: Sequence[Transform], quantity: Quantity, array: Voxels
) -> list[Finding]:
    found = []
    lines = {(transform.slope, transform.intercept) for transform in transforms}
    if len(lines) > 1:
        found.append(
            Finding(
                "ingest.rescale-varies",
                "note",
                "The scale of the stored values changes from image to image.",
                "Each image was brought to the common scale by its own slope and intercept.",
                {"scales": len(lines)},
            )
        )
    if frames[0].modality == "CT" and quantity != "HU":
        found.append(
            Finding(
                "ingest.not-hounsfield",
                "warning",
                "This CT does not say how its values become Hounsfield units.",
                "Read as plain numbers; windows in HU do not apply.",
            )
        )
    if array.dtype == np.float32 and all(transform.is_integral for transform in transforms):
        found.append(
            Finding(
                "ingest.wide-values",
                "note",
                "Some values lie beyond 16 bits.",
                "Kept as floating-point numbers.",
            )
        )
    return found
