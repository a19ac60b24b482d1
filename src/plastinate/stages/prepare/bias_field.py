"""MR volume -> the same volume without the slow shading of the receive coil (N4)."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.volume import Volume
from plastinate.native import voxels

# Below a tenth of the bright end an MR holds air: noise that has no shading to learn.
TISSUE_SHARE = 0.1


def n4_bias_field(
    volume: Volume,
    *,
    shrink: int = 4,
    iterations: int = 50,
    levels: int = 3,
    above: float | None = None,
) -> Volume:
    """Estimate the bias field on a shrunk copy and divide it out at full resolution.

    The field's mean over the tissue is 1, so values keep their scale.

    Args:
        volume: an MR; zero and negative values have no logarithm and are left out.
        shrink: the copy keeps every n-th voxel where the axis is long enough; the field is smooth.
        iterations: at most, on each level.
        levels: each doubles the number of spline pieces.
        above: tissue is brighter than this; None takes a tenth of the 99th percentile.

    Returns:
        float32 volume.

    Raises:
        ParameterError: a parameter without meaning.
        EmptyMask: no tissue.

    Source:
        Tustison et al., IEEE Trans Med Imaging 29 (2010) 1310-1320, in SimpleITK's implementation.
    """
    import SimpleITK as Sitk

    for name, value in (("shrink", shrink), ("iterations", iterations), ("levels", levels)):
        if value < 1:
            raise ParameterError(f"{name} must be 1 or more, not {value}.")
    tissue = _tissue(volume, above)
    spacing = volume.geometry.spacing
    # A thin axis is not shrunk to nothing: the spline needs four points and more.
    steps = [min(shrink, max(1, n // 16)) for n in volume.geometry.shape]
    grey = np.where(tissue, volume.array, 0).astype(np.float32)
    coarse = [
        Sitk.GetImageFromArray(part[:: steps[0], :: steps[1], :: steps[2]])
        for part in (grey, tissue.astype(np.uint8))
    ]
    for image in coarse:
        image.SetSpacing([step * size for step, size in zip(steps[::-1], spacing[::-1], strict=True)])
    correct = Sitk.N4BiasFieldCorrectionImageFilter()
    correct.SetMaximumNumberOfIterations([int(iterations)] * int(levels))
    # The sums of the spline fit depend on how threads share them; one thread gives the same bytes always.
    correct.SetNumberOfThreads(1)
    correct.Execute(coarse[0], coarse[1])
    whole = Sitk.GetImageFromArray(grey)
    whole.SetSpacing(spacing[::-1])
    log_field = Sitk.GetArrayFromImage(correct.GetLogBiasFieldAsImage(whole))
    return volume.with_array(_divided(volume, tissue, log_field))


def _tissue(volume: Volume, above: float | None) -> npt.NDArray[np.bool_]:
    measured = volume.array[volume.measured]
    if measured.size == 0:
        raise EmptyMask("tissue", "nothing was measured")
    cut = TISSUE_SHARE * float(np.percentile(measured, 99)) if above is None else float(above)
    least = math.nextafter(max(cut, 0.0), math.inf)
    tissue = voxels.threshold(volume.array, least, math.inf)
    if not tissue.any():
        raise EmptyMask("tissue", f"nothing is brighter than {cut:g}")
    return tissue


def _divided(
    volume: Volume, tissue: npt.NDArray[np.bool_], log_field: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    log_field -= np.float32(log_field[tissue].mean(dtype=np.float64))
    out = np.exp(np.negative(log_field, out=log_field), out=log_field)
    for s, values in enumerate(volume.array):
        out[s] *= values
    out[~volume.measured] = np.nan
    return out
