"""Volume -> the voxels of an intensity window, given in numbers or by the name of a tissue."""

from __future__ import annotations

import math
from dataclasses import dataclass

from plastinate.model.errors import ParameterError
from plastinate.model.volume import Volume
from plastinate.native import voxels
from plastinate.stages.segment.checks import Mask, found, require_masks, require_window


@dataclass(frozen=True)
class Preset:
    """A Hounsfield window and who measured it."""

    low_hu: float
    high_hu: float
    source: str


PRESETS: dict[str, Preset] = {
    "lung": Preset(
        -1024,
        -400,
        "Kemerink et al., J Comput Assist Tomogr 22 (1998): -400 HU parts lung from the chest wall; "
        "consolidated lung lies above it.",
    ),
    "emphysema": Preset(
        -1024, -950, "Gevenois et al., Am J Respir Crit Care Med 154 (1996): -950 HU on thin slices."
    ),
    "fat": Preset(
        -190, -30, "Yoshizumi et al., Radiology 211 (1999), after Kvist et al. (1988): -190 to -30 HU."
    ),
    "muscle": Preset(-29, 150, "Mitsiopoulos et al., J Appl Physiol 85 (1998): -29 to 150 HU."),
    "calcium": Preset(
        130, math.inf, "Agatston et al., J Am Coll Cardiol 15 (1990): 130 HU, on scans without contrast."
    ),
    "bone": Preset(
        226,
        math.inf,
        "The window most used for printing, reviewed by van Eijnatten et al., Med Eng Phys 51 (2018): "
        "226 HU; contrast-filled vessels lie above it too.",
    ),
}


def threshold(volume: Volume, *inside: Mask, low: float = -math.inf, high: float = math.inf) -> Mask:
    """The voxels whose value lies in a closed window; unmeasured voxels never match.

    Args:
        volume: what to look at.
        inside: at most one mask, outside of which nothing matches.
        low: least value, in the volume's quantity.
        high: greatest value.

    Returns:
        (S, R, C) bool.

    Raises:
        ParameterError: the window is empty.
        EmptyMask: no voxel lies in it.
    """
    require_window(low, high)
    require_masks(volume, inside, least=0)
    mask = voxels.threshold(volume.array, low, high)
    for other in inside:
        mask &= other
    return found(mask, f"the window {low:g} to {high:g}", "no voxel has such a value")


def preset(volume: Volume, *inside: Mask, tissue: str) -> Mask:
    """The voxels in the Hounsfield window of a tissue, as the literature gives it (see PRESETS).

    Args:
        volume: a CT.
        inside: at most one mask, outside of which nothing matches.
        tissue: a name in PRESETS.

    Raises:
        ParameterError: no such tissue, or the volume is not in Hounsfield units.
        EmptyMask: no voxel lies in the window.
    """
    if tissue not in PRESETS:
        raise ParameterError(f"There is no preset {tissue!r}; there are {', '.join(sorted(PRESETS))}.")
    if volume.quantity != "HU":
        raise ParameterError(f"The preset {tissue!r} is in Hounsfield units, and this volume is not.")
    window = PRESETS[tissue]
    return threshold(volume, *inside, low=window.low_hu, high=window.high_hu)
