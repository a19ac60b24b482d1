"""CT -> the metal in it, and the planes that its streaks cross."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.model.volume import Volume
from plastinate.native.components import Components

Mask = npt.NDArray[np.bool_]

METAL = "scan.metal"
# Twelve bits of HU end at 3071; metals lie at the end of it or beyond, bone and lime far below. Enamel and
# undiluted contrast agent come as high: what fills teeth is small, and the agent lies in a vein.
METAL_HU = 3000
# A vein 8 mm wide holds 8 ml in 16 cm; measured: 4 ml above 3000 HU in an arm's vein of a chest CT.
LEAST_ML = 8.0
# Streaks run in the planes in which the scanner turns; a plane is as thick as its beam.
BEAM_MM = 10.0


def find_metal(volume: Volume) -> tuple[Finding, ...]:
    """What is to say of metal in a scan; nothing of a scan that is no CT, or of unknown size.

    Args:
        volume: of any kind.
    """
    metal = _pieces(volume)
    if metal is None:
        return ()
    planes = np.flatnonzero(metal.any(axis=_across(volume)))
    ml = float(np.count_nonzero(metal)) * volume.geometry.voxel_ml
    return (
        Finding(
            METAL,
            "warning",
            f"The scan holds metal ({ml:.0f} ml above {METAL_HU} HU): its streaks hide or feign edges.",
            "Every structure in its planes is in doubt; look at the slices.",
            {"metal_ml": round(ml, 1), "first_plane": int(planes[0]), "last_plane": int(planes[-1])},
        ),
    )


def shares_planes(mask: Mask, volume: Volume) -> bool:
    """Whether a structure lies in planes in which there is metal, or near these.

    Args:
        mask: (S, R, C) bool.
        volume: CT, same grid.
    """
    metal = _pieces(volume)
    if metal is None:
        return False
    across = _across(volume)
    planes = metal.any(axis=across)
    axis = ({0, 1, 2} - set(across)).pop()
    reach = int(np.ceil(BEAM_MM / volume.geometry.spacing_mm[axis]))
    near = np.convolve(planes, np.ones(2 * reach + 1, dtype=int))[reach : reach + planes.size] > 0
    return bool((near & mask.any(axis=across)).any())


def _pieces(volume: Volume) -> Mask | None:
    if volume.quantity != "HU" or volume.geometry.unit != "mm":
        return None
    bright = volume.array >= METAL_HU
    ml = volume.geometry.voxel_ml
    if np.count_nonzero(bright) * ml < LEAST_ML:
        return None
    pieces = Components(bright)
    large = pieces.sizes * ml >= LEAST_ML
    return pieces.mask(large) if large.any() else None


def _across(volume: Volume) -> tuple[int, int]:
    """The two axes of the grid that lie nearest to the patient's axial plane."""
    along = int(np.abs(volume.geometry.to_lps_mm[2, :3] / np.array(volume.geometry.spacing_mm)).argmax())
    one, two = (axis for axis in range(3) if axis != along)
    return one, two
