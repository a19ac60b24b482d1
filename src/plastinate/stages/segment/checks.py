"""What every segmentation method insists on: parameters that mean something, and a mask that is not empty."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask, ParameterError
from plastinate.model.volume import Volume

Mask = npt.NDArray[np.bool_]


def found(mask: Mask, what: str, why: str = "") -> Mask:
    """The mask itself.

    Raises:
        EmptyMask: not one voxel is set.
    """
    if not mask.any():
        raise EmptyMask(what, why)
    return mask


def require_positive(name: str, value: float, *, or_zero: bool = False) -> float:
    """The value itself.

    Raises:
        ParameterError: it is not a finite number above zero (or zero, where that has a meaning).
    """
    if not math.isfinite(value) or value < 0 or (value == 0 and not or_zero):
        raise ParameterError(f"{name} must be a number above zero, not {value:g}.")
    return float(value)


def require_window(low: float, high: float) -> None:
    """Refuse a window that nothing can lie in.

    Raises:
        ParameterError: a bound is no number, or the bounds are the wrong way round.
    """
    if math.isnan(low) or math.isnan(high) or low > high:
        raise ParameterError(f"The window {low:g}:{high:g} is empty: the lower bound comes first.")


def require_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Refuse what is not on the list.

    Raises:
        ParameterError: the value is not one of the choices.
    """
    if value not in choices:
        raise ParameterError(f"{name} is one of {', '.join(map(str, choices))}, not {value}.")


def require_masks(volume: Volume, masks: tuple[Mask, ...], *, least: int = 1) -> None:
    """Refuse masks that are too few or lie on another grid.

    Raises:
        ParameterError: fewer masks than needed, or one that does not fit the volume.
    """
    if len(masks) < least:
        raise ParameterError(f"The method needs {least} mask(s) as inputs and got {len(masks)}.")
    for mask in masks:
        if mask.shape != volume.geometry.shape or mask.dtype != np.bool_:
            raise ParameterError(f"A mask is bool on the volume's grid {volume.geometry.shape}.")
