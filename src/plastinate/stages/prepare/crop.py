"""Volume -> the box that holds the body; the voxels that stay keep their place to the last bit."""

from __future__ import annotations

import math

import numpy as np

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.volume import Volume
from plastinate.native import components, voxels

# Skin is above -300 HU and the air around it below -900; partial volume lies between. Any cut between
# them moves the box by less than a voxel.
BODY_HU = -300.0
# Air in an MR is noise: well below a tenth of the bright end of what was measured.
BODY_SHARE = 0.1
BRIGHT_PERCENT = 99.0


def crop_to_body(volume: Volume, *, margin_mm: float = 5.0, above: float | None = None) -> Volume:
    """Cut the volume down to the box around the body.

    The body is the largest connected piece above a value. A table that touches
    it may stay inside the box; nothing of the body is ever cut off.

    Args:
        volume: CT or MR.
        margin_mm: kept around the body on every side, as far as the scan reaches.
        above: what is darker is no body; None takes -300 HU in a CT, and a tenth of the 99th
            percentile elsewhere.

    Returns:
        A volume of the same voxels, values and directions.

    Raises:
        ParameterError: a negative margin.
        EmptyMask: nothing is bright enough.
    """
    if not math.isfinite(margin_mm) or margin_mm < 0:
        raise ParameterError(f"margin_mm must be 0 or more, not {margin_mm:g}.")
    if above is None:
        above = BODY_HU if volume.quantity == "HU" else BODY_SHARE * _percentile(volume, BRIGHT_PERCENT)
    parts = components.Components(voxels.threshold(volume.array, above, math.inf), connectivity=6)
    if parts.count == 0:
        raise EmptyMask("the body", f"nothing is brighter than {above:g}")
    start, stop = parts.boxes[int(parts.by_size()[0])]
    margin = np.ceil(margin_mm / np.array(volume.geometry.spacing_mm) - 1e-9).astype(np.int64)
    start = np.maximum(start - margin, 0)
    stop = np.minimum(stop + margin, volume.geometry.shape)
    s, r, c = start.tolist()
    ns, nr, nc = (stop - start).tolist()
    box = volume.crop((s, r, c), (ns, nr, nc))
    # A copy, so that the whole scan can be let go of.
    return box.with_array(np.ascontiguousarray(box.array))


def _percentile(volume: Volume, percent: float) -> float:
    measured = volume.array[volume.measured]
    if measured.size == 0:
        raise EmptyMask("the body", "nothing was measured")
    return float(np.percentile(measured, percent))
