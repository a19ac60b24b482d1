"""An STL or a GLB flows in, what it really holds comes out, read by none of Plastinate's code."""

from __future__ import annotations

import functools
import itertools
import json
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import trimesh
from scipy.spatial import cKDTree

from phantoms import Faces, Phantom

SAMPLES = 12_000

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Mesh:
    """Triangles in LPS mm."""

    points: Floats
    triangles: npt.NDArray[np.int64]

    @property
    def corners(self) -> Floats:
        return self.points[self.triangles]


@dataclass(frozen=True)
class Judgement:
    """What was measured; errors are measured minus true, in mm unless they say otherwise.

    Attributes:
        voxel_mm: edge of the cube of a voxel's volume.
        size_errors_voxel: radius of equal volume for a ball, from face to face where there are faces.
        extremes_error_voxel: (2, 3), each in the voxel's size along that axis.
        mean_voxel, p95_voxel: from the mesh to the true surface and back, the worse of the two.
        pose: signed permutation under which it fits best; "+x+y+z" is as it should be.
    """

    triangles: int
    is_closed: bool
    is_outward: bool
    pieces: int
    voxel_mm: float
    volume_error_percent: float
    centre_error_voxel: float
    size_errors_voxel: tuple[float, ...]
    extremes_error_voxel: npt.NDArray[np.float64] = field(repr=False)
    mean_voxel: float = 0.0
    p95_voxel: float = 0.0
    volume_bound_percent: float = 1.0
    pose: str = "+x+y+z"

    def faults(self, *, closed: bool = True) -> list[str]:
        """What misses the bounds that the project promises; nothing where all is well."""
        extremes = float(np.abs(self.extremes_error_voxel).max())
        volume = self.volume_error_percent
        size = max(map(abs, self.size_errors_voxel), default=0.0)
        checks = [
            (closed and not self.is_closed, "it is not a closed 2-manifold"),
            (not self.is_outward, "its winding points inwards"),
            (self.pose != "+x+y+z", f"it is turned or mirrored: {self.pose}"),
            (abs(volume) >= self.volume_bound_percent, f"volume is off by {volume:+.2f} %"),
            (size >= 0.1, f"size is off by {size:.3f} voxel"),
            (self.centre_error_voxel >= 0.1, f"the centre is off by {self.centre_error_voxel:.3f} voxel"),
            (extremes >= 0.35, f"an extreme is off by {extremes:.3f} voxel"),
            (self.mean_voxel >= 0.25, f"mean distance is {self.mean_voxel:.3f} voxel"),
            (self.p95_voxel >= 1.0, f"95th percentile is {self.p95_voxel:.3f} voxel"),
        ]
        return [text for is_wrong, text in checks if is_wrong]


def judge(phantom: Phantom, path: Path, *, voxel_axes_mm: Floats) -> Judgement:
    """Measure the model in a file against the phantom it should be.

    Args:
        phantom: the truth.
        path: .stl, or .glb (its finest level).
        voxel_axes_mm: (3, 3) edges of a voxel as columns, LPS mm.
    """
    return judge_mesh(phantom, read_mesh(path), voxel_axes_mm=voxel_axes_mm)


def judge_mesh(phantom: Phantom, mesh: Mesh, *, voxel_axes_mm: Floats) -> Judgement:
    """The same for triangles in memory."""
    voxel = float(abs(np.linalg.det(voxel_axes_mm))) ** (1.0 / 3.0)
    # Along a direction n a voxel reaches |A^T n|: its spacing, where n is one of its axes.
    along = np.linalg.norm(voxel_axes_mm, axis=1)
    merged = weld(mesh)
    volume, centroid = volume_and_centroid(mesh)
    centre = fit_sphere(merged.points) if phantom.is_sphere else centroid
    samples = sample_surface(mesh, SAMPLES)[0]
    there = np.abs(phantom.signed_distance(samples))
    back = distance_to_mesh(mesh, true_surface(phantom))
    extremes = np.stack([mesh.points.min(axis=0), mesh.points.max(axis=0)])
    radius = [(np.cbrt(abs(volume) * 0.75 / np.pi) - phantom.radius_mm) / voxel] if phantom.is_sphere else []
    faces = [face_error(mesh, f, samples) / float(along[f.axis]) for f in phantom.faces]
    return Judgement(
        triangles=len(mesh.triangles),
        is_closed=is_closed(merged),
        is_outward=volume > 0,
        pieces=piece_count(merged),
        voxel_mm=voxel,
        volume_error_percent=100.0 * (volume / phantom.volume_mm3 - 1.0),
        centre_error_voxel=float(np.linalg.norm(centre - phantom.centre_lps_mm)) / voxel,
        size_errors_voxel=(*radius, *faces),
        extremes_error_voxel=(extremes - phantom.extremes_lps_mm) / along,
        mean_voxel=max(float(there.mean()), float(back.mean())) / voxel,
        p95_voxel=max(float(np.percentile(there, 95)), float(np.percentile(back, 95))) / voxel,
        volume_bound_percent=phantom.volume_bound_percent,
        pose=best_pose(phantom, samples[::10]),
    )


def weld(mesh: Mesh) -> Mesh:
    """Join corners at the same place: STL knows no shared vertices, and GLB may split them for normals."""
    points, index = np.unique(mesh.points, axis=0, return_inverse=True)
    return Mesh(points, index.reshape(-1)[mesh.triangles])


def is_closed(mesh: Mesh) -> bool:
    """True if every edge runs once each way and no triangle is degenerate."""
    t = mesh.triangles
    if len(t) == 0 or (t == t[:, [1, 2, 0]]).any():
        return False
    start, end = t.reshape(-1), t[:, [1, 2, 0]].reshape(-1)
    count = len(mesh.points)
    forward, backward = np.sort(start * count + end), np.sort(end * count + start)
    return bool((np.diff(forward) > 0).all() and np.array_equal(forward, backward))


def piece_count(mesh: Mesh) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start, end = mesh.triangles.reshape(-1), mesh.triangles[:, [1, 2, 0]].reshape(-1)
    graph = coo_array((np.ones(len(start)), (start, end)), shape=(len(mesh.points),) * 2)
    return int(connected_components(graph, directed=False)[0])


def volume_and_centroid(mesh: Mesh) -> tuple[float, Floats]:
    """Signed volume (mm3) and centre of mass by the divergence theorem."""
    about = mesh.points.mean(axis=0)
    a, b, c = np.moveaxis(mesh.corners - about, 1, 0)
    sixths = np.einsum("ij,ij->i", a, np.cross(b, c))
    volume = float(sixths.sum() / 6.0)
    return volume, about + (sixths[:, None] * (a + b + c)).sum(axis=0) / 24.0 / volume


def fit_sphere(points: Floats) -> Floats:
    """Centre of the least-squares sphere."""
    about = points.mean(axis=0)
    local = points - about
    system = np.column_stack([2.0 * local, np.ones(len(local))])
    return about + np.linalg.lstsq(system, (local**2).sum(axis=1), rcond=None)[0][:3]


def sample_surface(mesh: Mesh, count: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Points spread evenly over the area, the same ones every time, and the triangle of each."""
    corners = mesh.corners
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    random = np.random.default_rng(3)
    chosen = np.searchsorted(np.cumsum(area), random.uniform(0.0, area.sum(), count)).clip(0, len(area) - 1)
    u, v = random.uniform(size=(2, count))
    over = u + v > 1.0
    u[over], v[over] = 1.0 - u[over], 1.0 - v[over]
    a, b, c = np.moveaxis(corners[chosen], 1, 0)
    return a + u[:, None] * (b - a) + v[:, None] * (c - a), chosen


def distance_to_mesh(mesh: Mesh, points: Floats) -> Floats:
    """From each point to the nearest of the triangles that lie closest, by middles and a dense sample."""
    samples, owner = sample_surface(mesh, 4 * SAMPLES)
    samples = np.concatenate([samples, mesh.corners.mean(axis=1)])
    owner = np.concatenate([owner, np.arange(len(mesh.triangles))])
    candidates = owner[cKDTree(samples).query(points, k=6)[1]]
    corners, repeated = mesh.corners[candidates].reshape(-1, 3, 3), np.repeat(points, 6, axis=0)
    nearest = trimesh.triangles.closest_point(corners, repeated)
    return np.linalg.norm(nearest - repeated, axis=1).reshape(-1, 6).min(axis=1)


@functools.lru_cache(maxsize=4)
def true_surface(phantom: Phantom) -> Floats:
    """Points on the phantom itself, nearly even over its area: a thin shell around it, walked down.

    The shell is thin because all that lies outside a sharp edge walks down to that edge.
    """
    low, high = phantom.extremes_lps_mm
    cloud = np.random.default_rng(5).uniform(low - 1.0, high + 1.0, (20 * SAMPLES, 3))
    cloud = cloud[np.abs(phantom.signed_distance(cloud)) < 0.3][:SAMPLES]
    step = 1e-4
    for _ in range(3):
        distance = phantom.signed_distance(cloud)
        axes = [phantom.signed_distance(cloud + step * unit) - distance for unit in np.eye(3)]
        slope = np.stack(axes, axis=1) / step
        cloud = cloud - (distance / np.maximum((slope**2).sum(axis=1), 0.25))[:, None] * slope
    return cloud[np.abs(phantom.signed_distance(cloud)) < 0.01]


def face_error(mesh: Mesh, faces: Faces, samples: Floats) -> float:
    """Distance from face to face, measured over their flat parts, minus the true one, mm."""
    others = [axis for axis in range(3) if axis != faces.axis]
    middle = np.asarray(faces.centre_mm)
    flat = (np.abs(samples[:, others] - middle[others]) < faces.flat_half_mm).all(axis=1)
    height = samples[flat, faces.axis]
    is_high = height > middle[faces.axis]
    return float(height[is_high].mean() - height[~is_high].mean()) - (faces.high_mm - faces.low_mm)


def best_pose(phantom: Phantom, samples: Floats) -> str:
    """Of the 48 ways to turn and mirror a cube about the phantom's centre, the one that fits best."""
    local = samples - phantom.centre_lps_mm
    found, least = "+x+y+z", float(np.abs(phantom.signed_distance(samples)).mean())
    if not phantom.has_pose:
        return found
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1, -1), repeat=3):
            moved = local[:, order] * signs + phantom.centre_lps_mm
            mean = float(np.abs(phantom.signed_distance(moved)).mean())
            if mean < 0.999 * least:
                names = ["+" if s > 0 else "-" for s in signs]
                found, least = "".join(n + "xyz"[o] for n, o in zip(names, order, strict=True)), mean
    return found


def read_mesh(path: Path) -> Mesh:
    """The triangles of a file in LPS mm; of a GLB the level with most triangles."""
    data = Path(path).read_bytes()
    if data[:4] == b"glTF":
        from judge_glb import read_glb

        meshes = read_glb(data)
        return max(meshes.values(), key=lambda mesh: len(mesh.triangles))
    return _read_stl(data)


def _read_stl(data: bytes) -> Mesh:
    (count,) = struct.unpack_from("<I", data, 80)
    assert len(data) == 84 + 50 * count, "the STL's length does not fit its count"
    record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    corners = np.frombuffer(data, record, count, 84)["corners"].astype(np.float64)
    return Mesh(corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3))


def as_json(judgement: Judgement) -> str:
    """For printing beside a failure."""
    plain: dict[str, Any] = {
        k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in vars(judgement).items()
    }
    return json.dumps(plain, default=float)
