"""CT -> how likely each place is liver, on cubes of 3 mm along the patient's axes, by a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, MemoryShort
from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.native import filters
from plastinate.native.components import fill_holes_2d, largest_components
from plastinate.native.distance import opened
from plastinate.native.spare_memory import spare_memory_bytes
from plastinate.native.voxels import Box, bounding_box
from plastinate.nets.liver_unet import RIM, STEP
from plastinate.nets.session import Floats, Session
from plastinate.stages.segment.patient_grid import moved, patient_grid

ORGAN = "liver"
# How the network was trained: median of 3x3x3 on cubes of 1.5 mm, then every second of them; HU within
# +-200 become +-0.5, and a field that the scan does not fill holds zeros.
FINE_MM = 1.5
LIMIT_HU = 200.0
AIR_HU = -1000.0
OUTSIDE = 0.0
# The author's field, in voxels along (slice, row, column): 486 x 486 x 567 mm.
Field = tuple[int, int, int]
AUTHORS_FIELD: Field = (162, 162, 189)
# Fat and brighter is body; what an opening of that radius takes off is table and tubes.
BODY_HU, BODY_OPENING_MM = -150.0, 6.0
# What a run holds for each voxel of its field, measured: 2.1 to 2.3 GB on the author's.
BYTES_PER_VOXEL = 480
# No scanner's planes are wider.
MOST_PLANE_MM = 900.0
# Lung above the liver or gas in the bowel. A limb of one grey value all through is where the network sees a
# liver that is not there.
LEAST_GAS_ML = 10.0
# Voxels with some liver in question count for the network's sureness.
IN_QUESTION = 0.05
# What is judged: surely more than half.
LIVER = 0.5


@dataclass(frozen=True, eq=False)
class LiverField:
    """What the network said.

    Attributes:
        geometry: cubes of 3 mm, slices down, rows to the back, columns to the left.
        likelihood: (S, R, C) float32, 0 to 1.
        sureness: mean of |2p - 1| over voxels above IN_QUESTION: 1 where each is sure, 0 where none is.
        field: "author's" or "body's", which of the two was kept.
        tried: field -> sureness.
        sizes: of the field that was kept, voxels.
    """

    geometry: Geometry
    likelihood: Floats
    sureness: float
    field: str
    tried: dict[str, float]
    sizes: tuple[int, int, int] = AUTHORS_FIELD


def liver_likelihood(
    volume: Volume,
    session: Session,
    *,
    sure_enough: float,
    progress: Callable[[float], None],
    spare_bytes: int | None = None,
) -> LiverField:
    """Run the network on one field or two, and keep the answer it is surer of.

    The network normalises by the mean and spread of its whole field, so the field is part of the
    question. First comes the author's, around the body; where the network is not sure enough on it, the
    smallest that holds the body as well. On both scans with a liver outlined by others, the surer answer
    was the better one; the test needs no such outline.

    Args:
        volume: CT, in HU.
        session: the network.
        sure_enough: with that sureness on the first field, the second is not tried.
        progress: told what share is done; what it raises ends the work.
        spare_bytes: memory that may be taken; None for what there is. A field that does not fit is left out.

    Raises:
        EmptyMask: the scan shows no trunk, or its planes are wider than any scanner's.
        MemoryShort: there is memory for neither field.
    """
    x, y, _z = np.ptp(volume.geometry.corners_lps_mm, axis=0)
    if max(x, y) > MOST_PLANE_MM:
        raise EmptyMask(ORGAN, f"the planes of the scan are {max(x, y):.0f} mm wide, more than any scanner's")
    values, geometry = network_values(volume)
    body = _trunk_box(values)
    tries = _that_fit({"author's": AUTHORS_FIELD, "body's": _smallest_field(body)}, spare_bytes)
    best: LiverField | None = None
    sureness: dict[str, float] = {}
    for number, (name, field) in enumerate(tries.items()):
        if best is not None and best.sureness >= sure_enough:
            break

        def told(share: float, *, before: int = number) -> None:
            progress((before + share) / len(tries))

        found = _over_windows(values, body, field, session, told)
        sureness[name] = round(_sureness(found), 4)
        if best is None or sureness[name] > best.sureness:
            best = LiverField(geometry, found, sureness[name], name, sureness, field)
    assert best is not None  # noqa: S101 - there is a first field
    return best


def network_values(volume: Volume) -> tuple[Floats, Geometry]:
    """What the network looks at: (S, R, C) float32 within +-0.5, and where it lies."""
    fine = patient_grid(volume.geometry, FINE_MM)
    array = moved(volume.array, volume.geometry, fine)
    unmeasured = array == UNMEASURED_INT16 if array.dtype == np.int16 else np.isnan(array)
    array[unmeasured] = AIR_HU
    array = filters.median(array)[::2, ::2, ::2]
    matrix = fine.to_lps_mm.copy()
    matrix[:3, :3] *= 2
    values = np.clip(array, -LIMIT_HU, LIMIT_HU).astype(np.float32) / np.float32(2 * LIMIT_HU)
    return values, Geometry(values.shape, matrix)


def _trunk_box(values: Floats) -> Box:
    """The box of the body, where it holds gas as a trunk does; along the body the scan decides.

    Raises:
        EmptyMask: there is no body, or no gas in it.
    """
    edge_mm = 2 * FINE_MM
    body = opened(values > BODY_HU / (2 * LIMIT_HU), BODY_OPENING_MM, (edge_mm,) * 3)
    body = largest_components(body, connectivity=6)
    box = bounding_box(body)
    if box is None:
        raise EmptyMask(ORGAN, "there is no body in the scan")
    gas = fill_holes_2d(body, axis=0) & (values <= -0.5)
    if np.count_nonzero(gas) * edge_mm**3 / 1000 < LEAST_GAS_ML:
        raise EmptyMask(ORGAN, "the body in it holds no gas, as a trunk does in lungs and bowel")
    return slice(0, values.shape[0]), box[1], box[2]


def _smallest_field(body: Box) -> Field:
    z, y, x = (-(-(part.stop - part.start + 2 * RIM) // STEP) * STEP for part in body)
    return (min(z, AUTHORS_FIELD[0]), y, x)


def _that_fit(fields: dict[str, Field], spare_bytes: int | None) -> dict[str, Field]:
    spare = spare_memory_bytes() if spare_bytes is None else spare_bytes
    # The second is for what the first is too wide for, and never an excuse to take more memory.
    most = min(spare // BYTES_PER_VOXEL, math.prod(AUTHORS_FIELD))
    fit = {name: field for name, field in fields.items() if math.prod(field) <= most}
    if not fit:
        needed = BYTES_PER_VOXEL * min(math.prod(field) for field in fields.values())
        raise MemoryShort(f"the network of the liver: it takes {needed / 1e9:.1f} GB")
    return fit


def _over_windows(
    values: Floats,
    body: Box,
    field: Sequence[int],
    session: Session,
    progress: Callable[[float], None],
) -> Floats:
    """The answer on the whole grid; a scan longer than the field is looked at in windows.

    Of each place the window counts in whose middle it lies more: at a field's end the network sees less.
    """
    answer = np.zeros(values.shape, dtype=np.float32)
    reach = field[0] - 2 * RIM
    length = values.shape[0]
    count = 1 if length <= reach else 1 + -(-2 * (length - reach) // reach)
    starts = np.linspace(0, max(0, length - reach), count).round().astype(int)
    weight = np.zeros((length, 1, 1), dtype=np.float32)
    for number, start in enumerate(starts):
        window = (slice(int(start), min(length, int(start) + reach)), body[1], body[2])
        middle = (np.arange(window[0].stop - window[0].start, dtype=np.float32) + 0.5) / reach
        bell = np.exp(-0.5 * ((middle - 0.5) / 0.25) ** 2).reshape(-1, 1, 1)
        answer[window] += bell * _in_field(values[window], field, session)
        weight[window[0]] += bell
        progress((number + 1) / count)
    return answer / weight


def _in_field(values: Floats, field: Sequence[int], session: Session) -> Floats:
    """The network's answer on values put into the middle of a field, or the middle of them cut to it."""
    given = np.full(tuple(field), OUTSIDE, dtype=np.float32)
    taken, placed = [], []
    for size, room in zip(values.shape, field, strict=True):
        kept = min(size, room - 2 * RIM)
        taken.append(slice((size - kept) // 2, (size - kept) // 2 + kept))
        placed.append(slice((room - kept) // 2, (room - kept) // 2 + kept))
    given[tuple(placed)] = values[tuple(taken)]
    # Ours run down, back, left; the network's run up, forward, right.
    turned = np.ascontiguousarray(given[::-1, ::-1, ::-1])[None, None]
    inner = session.run({"in": turned})[0, 0, ::-1, ::-1, ::-1]
    answer = np.zeros(values.shape, dtype=np.float32)
    within = tuple(slice(part.start - RIM, part.stop - RIM) for part in placed)
    answer[tuple(taken)] = inner[within]
    return answer


def _sureness(likelihood: npt.NDArray[np.float32]) -> float:
    asked = likelihood[likelihood > IN_QUESTION]
    return float(np.abs(2 * asked - 1).mean()) if asked.size else 0.0
