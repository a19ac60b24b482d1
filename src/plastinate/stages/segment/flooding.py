"""Relief and numbered seeds -> one region for each number, meeting where the relief is highest."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def flooded(relief: npt.NDArray[Any], seeds: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Flood a relief from its seeds until every voxel belongs to one.

    Args:
        relief: (S, R, C) numbers; low is flooded first.
        seeds: (S, R, C) uint8, 0 where nothing is known.

    Returns:
        (S, R, C) uint8, the seed that each voxel fell to.

    Source:
        Beucher & Meyer, "The morphological approach to segmentation: the watershed transformation"
        (1993), in SimpleITK's implementation.
    """
    import SimpleITK as Sitk

    image = Sitk.GetImageFromArray(np.ascontiguousarray(relief, dtype=np.float32))
    basins = Sitk.MorphologicalWatershedFromMarkers(image, Sitk.GetImageFromArray(seeds), False, False)
    return np.asarray(Sitk.GetArrayFromImage(basins), dtype=np.uint8)
