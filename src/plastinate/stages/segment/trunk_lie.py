"""CT volume -> what looks turned over, mirrored or of a wrong size, as spine, ribs, liver and aorta tell."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.native import filters
from plastinate.native.components import Components, fill_holes_2d, largest_components
from plastinate.native.distance import dilate, erode, opened
from plastinate.native.voxels import Mask
from plastinate.stages.segment.orientation import body_middle_mm
from plastinate.stages.segment.patient_grid import AIR_HU, averaged, moved, patient_grid
from plastinate.stages.segment.spinal_canal import LEAST_ENCLOSED, Canal, roll_of, spinal_canal
from plastinate.stages.segment.trunk import GRID_MM, Trunk, is_beyond_people
from plastinate.stages.segment.trunk_size import odd_sizes

Floats = npt.NDArray[np.float32]

# Half way from fat to an organ, and a little darker: noise of 20 HU riddles nothing.
TISSUE_HU, SOFT_HU = -300.0, -30.0
# A cortex of 1 to 2 mm, averaged over 2.5 mm.
BONE_HU = 180.0
BONE_MM = 6.0
LUNG_HU = (-980.0, -500.0)
LEAST_LUNG_ML = 150.0
TABLE_MM = 5.0
# The canal lies behind the middle of the body: by 0.4 to 0.6 of half its depth in three scans, however
# rolled, tilted or scaled. Less than this says nothing.
BEHIND_SHARE = 0.2
LEAST_SPINE_MM = 60.0
BESIDE_SPINE_MM = 20.0
# Ribs run down to the front: sine and cosine of their edges agree to 0.03 (slices of 8 mm) to 0.36.
RIBS_ASIDE_MM, RIBS_NEAR_LUNG_MM = 60.0, 60.0
FULL_SLANT = 0.1
LEAST_RIBS_ML = 40.0
# A ball of this radius fits into liver, full stomach and large spleens, and hardly elsewhere.
THICK_MM = 25.0
ABOVE_FLOOR_MM, BELOW_FLOOR_MM = 60.0, 120.0
LEAST_THICK_ML = 150.0
# Left of the vertebral bodies and before them lies the aorta; on the right, at that place, lung.
AORTA_BACK_MM, AORTA_LEFT_MM = (-60.0, -22.0), (12.0, 35.0)
FULL_AORTA = 0.4
LUNG_CM2 = 20.0
LEAST_CHEST_MM = 60.0
# Upside down, or mirrored, is said only where the signs together are that sure.
SURE = 0.8


@dataclass(frozen=True)
class Signs:
    """What speaks for the way that the scan claims (positive), and against it; None where nothing is seen.

    Attributes:
        back: how far the spinal canal lies behind the middle, as a share of half the body's depth.
        ribs: -1 to 1, they run down to the front.
        belly: -1 to 1, what is thick lies below the lungs.
        liver: -1 to 1, what is thick below the lungs lies on the right.
        aorta: -1 to 1, what lies beside the spine in the chest lies on the left.
    """

    back: float | None = None
    ribs: float | None = None
    belly: float | None = None
    liver: float | None = None
    aorta: float | None = None


@dataclass(frozen=True, eq=False)
class _Seen:
    """A scan on a patient grid: slices down, rows back, columns left."""

    grid: Geometry
    values: Floats
    body: Mask
    lung: Mask
    bone: Mask

    def turned(self, axis: int) -> _Seen:
        """The same with one axis the other way round."""
        return _Seen(
            self.grid,
            np.ascontiguousarray(np.flip(self.values, axis)),
            np.ascontiguousarray(np.flip(self.body, axis)),
            np.ascontiguousarray(np.flip(self.lung, axis)),
            np.ascontiguousarray(np.flip(self.bone, axis)),
        )


def trunk_lie(volume: Volume) -> tuple[Finding, ...]:
    """What of a trunk lies otherwise than the scan says: back to front, upside down, mirrored, too large.

    The patient's own directions are judged, so prone and supine, head first and feet first are all
    right where the scan says so. What holds no spine of a trunk is not judged; neither is up
    and down without lungs, nor left and right without a liver.

    Args:
        volume: CT in millimetres; of any other, and of what is larger than people, nothing is said.
    """
    if volume.quantity != "HU" or volume.geometry.unit != "mm" or is_beyond_people(volume.geometry):
        return ()
    seen = _seen(volume)
    canal = _canal(seen)
    spine = np.zeros(seen.grid.shape[0], dtype=bool) if canal is None else canal.enclosed >= LEAST_ENCLOSED
    found = [*odd_sizes(volume, grid=seen.grid, body=seen.body, lung=seen.lung, spine=spine)]
    signs = _signs(seen, canal)
    if signs.back is not None and signs.back < 0:
        found.append(
            Finding(
                "segment.back-to-front",
                "warning",
                "The scan looks turned back to front: the spine lies where the belly should be.",
                "Compare the slices with how the scan says that the patient lay, before you trust a side.",
                {"behind_share": round(signs.back, 2)},
            )
        )
    if (signs.ribs or 0) + (signs.belly or 0) <= -SURE:
        found.append(
            Finding(
                "segment.upside-down",
                "warning",
                "The scan looks upside down: the belly lies where the chest should be.",
                "Compare the slices with how the scan says that the patient lay, before you trust a side.",
                {"ribs": signs.ribs, "belly": signs.belly},
            )
        )
    if signs.liver is not None and signs.liver <= -0.5 and signs.liver + (signs.aorta or 0) <= -SURE:
        found.append(
            Finding(
                "segment.mirrored",
                "warning",
                "The scan looks mirrored from left to right: the liver lies on the left.",
                "Either the scan is mirrored, or the organs of the patient are (situs inversus).",
                {"liver": signs.liver, "aorta": signs.aorta},
            )
        )
    return tuple(found)


def read_signs(volume: Volume) -> Signs:
    """Look at a CT for what tells how a trunk lies.

    Each sign is read in the frame that those before it have set right, so that a scan which is
    turned over twice is not called mirrored for it.
    """
    seen = _seen(volume)
    return _signs(seen, _canal(seen))


def _signs(seen: _Seen, canal: Canal | None) -> Signs:
    if canal is None:
        return Signs()
    back = _behind(seen, canal)
    if back is None:
        return Signs()
    if back < 0:
        seen = seen.turned(1)
        canal = _canal(seen)
        if canal is None:
            return Signs(back=back)
    ribs, belly = _ribs(seen, canal), _belly(seen)
    if (ribs or 0) + (belly or 0) < 0:
        seen = seen.turned(0)
        canal = Canal(canal.rows[::-1], canal.columns[::-1], canal.enclosed[::-1])
    none = np.zeros_like(seen.lung)
    trunk = Trunk(seen.grid, seen.values, seen.body & ~seen.lung, seen.lung, none, canal)
    # Blood with contrast is as bright as bone, and the heart is no mirror image of itself: bone is thin.
    thin = seen.bone & ~opened(seen.bone, BONE_MM, seen.grid.spacing_mm)
    trunk = replace(trunk, roll=roll_of(thin, canal, seen.grid))
    return Signs(back, ribs, belly, _liver(trunk), _aorta(trunk))


def _seen(volume: Volume) -> _Seen:
    grid = patient_grid(volume.geometry, GRID_MM)
    coarse = averaged(volume, GRID_MM)
    array = np.maximum(coarse.array, AIR_HU).astype(np.float32)
    values = np.nan_to_num(moved(array, coarse.geometry, grid), nan=AIR_HU).astype(np.float32)
    spacing = grid.spacing_mm
    tissue = values > TISSUE_HU
    core = largest_components(erode(tissue, TABLE_MM, spacing), connectivity=6)
    body = fill_holes_2d(dilate(core, TABLE_MM + GRID_MM, spacing) & tissue, axis=0)
    air = opened(body & (values > LUNG_HU[0]) & (values < LUNG_HU[1]), 1.01 * GRID_MM, spacing)
    pieces = Components(air, connectivity=6)
    lung = pieces.mask(pieces.sizes * grid.voxel_ml >= LEAST_LUNG_ML)
    return _Seen(grid, values, body, lung, body & (values > BONE_HU))


def _canal(seen: _Seen) -> Canal | None:
    if not seen.body.any():
        return None
    middle = (body_middle_mm(seen.body, seen.grid) - seen.grid.to_lps_mm[0, 3]) / GRID_MM
    return spinal_canal(seen.bone, seen.grid, middle_column=middle)


def _behind(seen: _Seen, canal: Canal) -> float | None:
    """How far the canal lies behind the middle of the body around it."""
    planes = np.flatnonzero(canal.enclosed >= LEAST_ENCLOSED)
    if planes.size * GRID_MM < LEAST_SPINE_MM:
        return None
    reach = round(BESIDE_SPINE_MM / GRID_MM)
    shares = []
    for plane in planes:
        column = round(float(canal.columns[plane]))
        rows = np.flatnonzero(seen.body[plane, :, max(0, column - reach) : column + reach + 1].any(axis=1))
        if rows.size > 1:
            shares.append((canal.rows[plane] - rows[[0, -1]].mean()) / ((rows[-1] - rows[0]) / 2))
    share = float(np.median(shares)) if shares else 0.0
    return share if abs(share) >= BEHIND_SHARE else None


def _ribs(seen: _Seen, canal: Canal) -> float | None:
    """How the edges of bone far from the spine lean, in the planes of the lungs and near them."""
    planes = np.flatnonzero(seen.lung.any(axis=(1, 2)))
    if planes.size == 0:
        return None
    near = round(RIBS_NEAR_LUNG_MM / GRID_MM)
    cut = slice(max(0, planes[0] - near), planes[-1] + near + 1)
    aside = np.abs(np.arange(seen.bone.shape[2])[None] - canal.columns[cut, None]) * GRID_MM > RIBS_ASIDE_MM
    bone = seen.bone[cut] & aside[:, None, :]
    if np.count_nonzero(bone) * seen.grid.voxel_ml < LEAST_RIBS_ML:
        return None
    soft = filters.gaussian(bone.astype(np.float32), GRID_MM, seen.grid.spacing_mm)
    down, back = (np.gradient(soft, axis=axis) for axis in (0, 1))
    slant = 2 * (down * back).sum() / max(1e-6, float((down**2 + back**2).sum()))
    return round(float(np.clip(slant / FULL_SLANT, -1, 1)), 2)


def _belly(seen: _Seen) -> float | None:
    """Thick tissue near the lower end of the lungs against such near their upper end."""
    thick = _thick(seen.values, seen.body & ~seen.lung)
    planes = np.flatnonzero(seen.lung.any(axis=(1, 2)))
    if planes.size == 0:
        return None
    reach = round(BELOW_FLOOR_MM / GRID_MM)
    middle = round(float(np.average(np.arange(seen.lung.shape[0]), weights=seen.lung.sum(axis=(1, 2)))))
    # The domes of the diaphragm reach up between the lungs' planes.
    above = _count(thick[max(0, planes[0] - reach) : middle])
    below = _count(thick[middle : planes[-1] + reach])
    return _balance(below, above, seen.grid)


def _thick(values: Floats, inner: Mask) -> Mask:
    return opened(inner & (values > SOFT_HU), THICK_MM, (GRID_MM, GRID_MM, GRID_MM))


def _count(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def _balance(one: int, other: int, grid: Geometry) -> float | None:
    if (one + other) * grid.voxel_ml < LEAST_THICK_ML:
        return None
    return round((one - other) / (one + other), 2)


def _liver(trunk: Trunk) -> float | None:
    """Thick tissue on the right against such on the left, below the lungs."""
    lung, shape = trunk.lung_left, trunk.grid.shape
    planes = np.flatnonzero(lung.any(axis=(1, 2)))
    last = int(planes[-1]) if planes.size else -1
    floor = np.where(lung.any(axis=0), shape[0] - 1 - lung[::-1].argmax(axis=0), last)
    at = np.arange(shape[0])[:, None, None]
    under = (at > np.maximum(floor, last - round(ABOVE_FLOOR_MM / GRID_MM))[None]) & (
        at < last + round(BELOW_FLOOR_MM / GRID_MM)
    )
    thick = _thick(trunk.values, trunk.inner) & under
    left, right = _count(thick & (trunk.left_mm > 10)), _count(thick & (trunk.left_mm < -10))
    return _balance(right, left, trunk.grid)


def _aorta(trunk: Trunk) -> float | None:
    """Soft tissue left of the vertebral bodies against such on the right, where lungs lie on both sides."""
    left, back = trunk.left_mm, trunk.back_mm
    areas = [np.count_nonzero(trunk.lung_left & side, axis=(1, 2)) for side in (left > 0, left < 0)]
    chest = np.minimum(*areas) * GRID_MM**2 / 100 >= LUNG_CM2
    if np.count_nonzero(chest) * GRID_MM < LEAST_CHEST_MM:
        return None
    soft = trunk.inner & (trunk.values > SOFT_HU) & chest[:, None, None]
    soft &= (back > AORTA_BACK_MM[0]) & (back < AORTA_BACK_MM[1])
    near, far = AORTA_LEFT_MM
    one, other = (_count(soft & (side > near) & (side < far)) for side in (left, -left))
    return round(float(np.clip((one - other) / max(1, one + other) / FULL_AORTA, -1, 1)), 2)
