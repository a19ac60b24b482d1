"""A surface and the mask it came from become measured facts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.evidence import SurfaceQuality
from plastinate.model.geometry import Geometry
from plastinate.model.surface import Surface
from plastinate.native.crossings import self_crossings
from plastinate.native.topology import pieces_of, topology_of
from plastinate.stages.verify.mesh_distance import (
    MaskBoundary,
    MeshTree,
    Points,
    Spread,
    mask_boundary,
    mesh_points,
    mesh_tree,
)

# Points each way. Four times as many move the mean of a bone by 1 %.
DISTANCE_POINTS = 50_000
WALL_POINTS = 25_000
# A wall counts as opposite if it stands within 45 degrees of square to the
# ray; a ray that grazes a ridge or a crease measures no wall.
WALL_COSINE_MIN = 0.7071
# So much of the surface may stand on thinner walls: below it lie single
# needles of noise, which say nothing about the organ.
WALL_SHARE_PERCENT = 1.0


def measure_surface(
    surface: Surface,
    *,
    mask: npt.NDArray[np.bool_],
    geometry: Geometry,
    mask_volume_ml: float | None = None,
) -> SurfaceQuality:
    """Measure everything the geometry certificate states about one surface.

    Definitions:

    - Boundary of the mask: the surface half-way between the centres of voxels
      inside and of voxels outside (marching cubes of the bare mask, never
      smoothed). A grey-value surface may differ from it by up to half a voxel
      and be right: that is what partial volume is for.
    - Distance: from points spread by area over the mesh to the nearest point
      of that boundary, and from the middles between inside voxels and their
      outside 6-neighbours (every n-th in raster order) to the nearest point of
      the mesh; of mean, 95th percentile and maximum the larger of both ways.
      In voxels: divided by the cube root of the voxel's volume.
    - Volume drift: mesh volume over mask volume (voxels times voxel volume), minus one.
    - Thinnest wall: from points spread by area straight inward along the
      triangle's normal to the opposite wall, if that stands within 45 degrees
      of square; 99 % of the surface stands on a wall at least this thick.
    - Pieces: surfaces that share no vertex; the wall of a cavity is one too.

    Args:
        surface: to be measured, LPS mm.
        mask: (S, R, C) bool, what it should show.
        geometry: where the mask lies. In "px" all that needs millimetres is None.
        mask_volume_ml: the mask's volume if something other than all its voxels is meant.

    Returns:
        The facts; None where not known.

    Raises:
        EmptyMask: the mask or the surface is empty.

    Source: wall thickness after the shape diameter function: Shapira, Shamir,
        Cohen-Or 2008, The Visual Computer 24, section 3, with one ray instead of a cone.
    """
    if mask.shape != geometry.shape:
        raise ValueError(f"the mask is {mask.shape}, the geometry {geometry.shape}")
    if len(surface.triangles) == 0:
        raise EmptyMask(surface.structure, "the surface has no triangle")
    points, own = mesh_points(surface, count=DISTANCE_POINTS)
    if len(points) == 0:
        raise EmptyMask(surface.structure, "the surface has no area")
    with (
        mask_boundary(mask, spacing=geometry.spacing) as boundary,
        mesh_tree(surface) as tree,
    ):
        if boundary is None:
            raise EmptyMask(surface.structure)
        distance = _both_ways(points, tree, boundary, geometry)
        wall = _thinnest_wall(tree, points, own)
        voxels = boundary.voxel_count
    topology = topology_of(surface)
    pieces = pieces_of(surface)
    in_mm = geometry.unit == "mm"
    if in_mm and mask_volume_ml is None:
        mask_volume_ml = voxels * geometry.voxel_ml
    volume = float(pieces.volume_ml.sum())
    drift = None if not in_mm or not mask_volume_ml else 100.0 * (volume / mask_volume_ml - 1.0)
    voxel_edge = float(np.prod(geometry.spacing)) ** (1 / 3)
    in_voxels = distance.scaled(1.0 / voxel_edge)
    return SurfaceQuality(
        triangles=len(surface.triangles),
        vertices=len(surface.vertices),
        is_closed=topology.is_closed,
        is_manifold=topology.is_manifold,
        self_crossings=self_crossings(surface.vertices, surface.triangles)[0],
        pieces=len(pieces),
        volume_ml=volume if in_mm else None,
        mask_volume_ml=mask_volume_ml if in_mm else None,
        volume_drift_percent=drift,
        area_cm2=float(pieces.area_cm2.sum()) if in_mm else None,
        distance_mean_mm=distance.mean if in_mm else None,
        distance_p95_mm=distance.p95 if in_mm else None,
        distance_max_mm=distance.max if in_mm else None,
        distance_mean_voxel=in_voxels.mean,
        distance_p95_voxel=in_voxels.p95,
        distance_max_voxel=in_voxels.max,
        thinnest_wall_mm=wall if in_mm else None,
    )


def surface_distance(first: Surface, second: Surface, *, points: int = DISTANCE_POINTS) -> Spread:
    """How far two surfaces are apart: the larger of both ways of mean, 95th percentile and maximum.

    Args:
        first: one surface.
        second: the other, in the same frame and unit.
        points: spread by area over each.

    Raises:
        ValueError: one of them has no triangles or no area.
    """
    from_first, _ = mesh_points(first, count=points)
    from_second, _ = mesh_points(second, count=points)
    if len(from_first) == 0 or len(from_second) == 0:
        raise ValueError("a surface without area is nowhere")
    with mesh_tree(first) as first_tree, mesh_tree(second) as second_tree:
        there = Spread.of(second_tree.distances(from_first))
        back = Spread.of(first_tree.distances(from_second))
    return there.larger(back)


def thinnest_wall(surface: Surface) -> float | None:
    """How thick the thinnest walls are, in the unit of the vertices; None where nothing lies opposite.

    Raises:
        EmptyMask: it has no area.
    """
    points, own = mesh_points(surface, count=DISTANCE_POINTS)
    if len(points) == 0:
        raise EmptyMask(surface.structure, "the surface has no area")
    with mesh_tree(surface) as tree:
        return _thinnest_wall(tree, points, own)


def _both_ways(points: Points, tree: MeshTree, boundary: MaskBoundary, geometry: Geometry) -> Spread:
    there = boundary.distances(geometry.lps_to_index(points))
    middles = geometry.index_to_lps(boundary.middles(most=DISTANCE_POINTS))
    return Spread.of(there).larger(Spread.of(tree.distances(middles)))


def _thinnest_wall(tree: MeshTree, points: Points, own: npt.NDArray[np.int64]) -> float | None:
    every = max(1, len(points) // WALL_POINTS)
    way, cosine = tree.walls(points[::every], own[::every])
    opposite = way[np.isfinite(way) & (cosine >= WALL_COSINE_MIN)]
    if opposite.size == 0:
        return None
    return float(np.percentile(opposite, WALL_SHARE_PERCENT))
