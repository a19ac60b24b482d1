"""Surface, or net of shared walls -> the same triangles with no two running through each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.surface import Surface
from plastinate.native.crossings import self_crossings

Points = npt.NDArray[np.float32]
Triangles = npt.NDArray[np.uint32]
Pairs = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# How far a vertex may be moved in one pass, as a share of the mean edge around it.
LONGEST_STEP = 0.35
# Cells along each side of the box around a surface, to find what lies near what moved.
GRID_CELLS = 64
# Passes without gain after which there is no more to hope for.
PATIENCE = 8


@dataclass(frozen=True)
class Mended:
    """A surface with as few self-crossings as could be reached.

    Attributes:
        surface: same triangles, some vertices moved.
        crossings_before, crossings_after: pairs of triangles that run through each other.
        notes: what could not be mended, in words; empty when nothing is left.
    """

    surface: Surface
    crossings_before: int
    crossings_after: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Untangled:
    """Vertices moved so that fewer triangles cross, and how many crossed before and after."""

    vertices: Points
    before: int
    after: int


def mend(surface: Surface, *, rest: Points | None = None, max_passes: int = 24) -> Mended:
    """Move vertices near self-crossings until there are none; the mesh is never cut.

    Args:
        surface: closed or not.
        rest: (V, 3) float32 mm, where the vertices were before smoothing, if that is known:
            crossing patches then go back towards it, which is the surest way.
        max_passes: rounds of moving and looking again.

    Returns:
        The surface and how many crossings it had and has.
    """
    found = untangle(surface.vertices, surface.triangles, rest=rest, max_passes=max_passes)
    if found.before == 0:
        return Mended(surface, 0, 0)
    notes = (f"{found.after} self-crossings could not be mended",) if found.after else ()
    mended = Surface(found.vertices, surface.triangles, surface.structure)
    return Mended(mended, found.before, found.after, notes)


def untangle(
    vertices: Points,
    triangles: Triangles,
    labels: npt.NDArray[np.uint16] | None = None,
    *,
    rest: Points | None = None,
    max_passes: int = 24,
) -> Untangled:
    """Move the vertices of crossing triangles, and of a growing ring about them, until none cross.

    Passes take turns: relaxing pulls each vertex to the mean of its neighbours,
    which undoes folds; parting pushes two sheets to their own sides of each
    other. A patch that a pass leaves with more crossings than before is put
    back. Vertices on junction curves relax along the curve only; corners stay.

    Args:
        vertices: (V, 3) float32 mm.
        triangles: (T, 3) uint32.
        labels: (T, 2) uint16, the labels each triangle of a shared net parts.
        rest: (V, 3) float32 mm, positions without crossings to go back to; then nothing else is tried.
        max_passes: rounds of moving and looking again.

    Returns:
        The vertices, and the crossings before and after.
    """
    before, pairs = self_crossings(vertices, triangles)
    if before == 0:
        return Untangled(vertices, 0, 0)
    points = vertices.copy()
    near = _Nearby(points if rest is None else rest, triangles)
    fewest, since = before, 0
    for attempt in range(max_passes):
        if len(pairs) == 0 or since == PATIENCE:
            break
        patch = _Patch(points, triangles, labels, pairs, rings=attempt // 4)
        moved = points.copy()
        if rest is not None:
            moved[patch.vertices] += 0.3 * (rest[patch.vertices] - points[patch.vertices])
        elif attempt % 2:
            moved[patch.vertices] += patch.parting(moved, pairs)
        else:
            moved[patch.vertices] += patch.relaxing(moved)
        found = near.crossings_of(moved, patch.triangle_touches, pairs)
        if rest is None:
            worse = patch.patches_with_more(pairs, found)
            if worse.any():
                moved[patch.vertices[worse]] = points[patch.vertices[worse]]
                found = near.crossings_of(moved, patch.triangle_touches, pairs)
        points, pairs = moved, found
        since = since + 1 if len(pairs) >= fewest else 0
        fewest = min(fewest, len(pairs))
    return Untangled(points, before, len(pairs))


class _Nearby:
    """Which triangles could cross those that moved: whose boxes share a cell of a coarse grid with theirs."""

    def __init__(self, points: Points, triangles: Triangles) -> None:
        self._low = points.min(axis=0)
        self._cell = np.maximum((points.max(axis=0) - self._low) / GRID_CELLS, 1e-6)
        self._triangles = triangles
        self._first, self._last = self._boxes(points[triangles])

    def crossings_of(self, points: Points, is_moved: Flags, known: Pairs) -> Pairs:
        """All crossings after the flagged triangles moved, of which `known` were there before."""
        self._first[is_moved], self._last[is_moved] = self._boxes(points[self._triangles[is_moved]])
        covered = _covered(self._first[is_moved], self._last[is_moved])
        chosen = np.flatnonzero(_box_sums(covered, self._first, self._last) > 0)
        _, local = self_crossings(points, self._triangles[chosen])
        found = chosen[local]
        kept = known[~is_moved[known].any(axis=1)]
        return np.concatenate([kept, found[is_moved[found].any(axis=1)]])

    def _boxes(self, corners: Points) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        return self._cells(corners.min(axis=1)), self._cells(corners.max(axis=1)) + np.int32(1)

    def _cells(self, positions: Points) -> npt.NDArray[np.int32]:
        cells = np.clip((positions - self._low) / self._cell, 0, GRID_CELLS - 1)
        return np.asarray(cells, dtype=np.int32)


def _covered(first: npt.NDArray[np.int32], last: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
    """(G + 1,) * 3 running sums of the cells that lie in any of the boxes [first, last)."""
    steps = np.zeros((GRID_CELLS + 1,) * 3, dtype=np.int32)
    for corner in np.ndindex(2, 2, 2):
        place = np.where(np.array(corner, dtype=bool), last, first)
        np.add.at(steps, tuple(place.T), (-1) ** sum(corner))
    for axis in range(3):
        steps = np.cumsum(steps, axis=axis, dtype=np.int32)
    sums = np.zeros((GRID_CELLS + 1,) * 3, dtype=np.int64)
    sums[1:, 1:, 1:] = (steps[:-1, :-1, :-1] > 0).cumsum(axis=0).cumsum(axis=1).cumsum(axis=2)
    return sums


def _box_sums(
    sums: npt.NDArray[np.int64], first: npt.NDArray[np.int32], last: npt.NDArray[np.int32]
) -> npt.NDArray[np.int64]:
    """How many covered cells each box [first, last) holds, from the running sums."""
    total = np.zeros(len(first), dtype=np.int64)
    for corner in np.ndindex(2, 2, 2):
        place = np.where(np.array(corner, dtype=bool), last, first)
        total += (-1) ** (3 - sum(corner)) * sums[tuple(place.T)]
    return total


class _Patch:
    """The vertices about the crossings that may move, their neighbours, and which lie together."""

    def __init__(
        self,
        points: Points,
        triangles: Triangles,
        labels: npt.NDArray[np.uint16] | None,
        pairs: Pairs,
        *,
        rings: int,
    ) -> None:
        is_near: Flags = np.zeros(len(points), dtype=np.bool_)
        is_near[triangles[pairs.ravel()]] = True
        for _ in range(rings):
            is_near[triangles[is_near[triangles].any(axis=1)]] = True
        self.triangle_touches: Flags = np.asarray(is_near[triangles].any(axis=1))
        self._triangles = triangles
        self._labels = labels
        self.vertices = np.flatnonzero(is_near)
        self._number = np.full(len(points), -1, dtype=np.int64)
        self._number[self.vertices] = np.arange(len(self.vertices))
        self._from, self._to = self._links()
        self._group = self._groups()
        steps = points[self._to] - points[self.vertices[self._from]]
        total = np.bincount(self._from, np.linalg.norm(steps, axis=1), len(self.vertices))
        self._longest = LONGEST_STEP * total / np.maximum(1, self._links_per_vertex())

    def _links_per_vertex(self) -> npt.NDArray[np.int64]:
        return np.bincount(self._from, minlength=len(self.vertices))

    def _links(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Edges from a patch vertex to what it relaxes towards: junctions bind to themselves."""
        own = np.flatnonzero(self.triangle_touches)
        corner = self._triangles[own].astype(np.int64)
        start = corner[:, [0, 1, 2, 1, 2, 0]].ravel()
        end = corner[:, [1, 2, 0, 0, 1, 2]].ravel()
        wall = np.zeros(len(own), dtype=np.int64)
        if self._labels is not None:
            wall = self._labels[own, 0].astype(np.int64) << 16 | self._labels[own, 1]
        wall = np.repeat(wall, 6)
        inside = self._number[start] >= 0
        start, end, wall = start[inside], end[inside], wall[inside]
        key = start * np.int64(len(self._number)) + end
        order = np.lexsort((wall, key))
        key, wall = key[order], wall[order]
        first = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        count = np.diff(np.r_[first, len(key)])
        last = first + count - 1
        is_junction = (count != 2) | (wall[first] != wall[last])
        start, end = self._number[start[order][first]], end[order][first]
        junctions = np.bincount(start, is_junction, len(self.vertices)).astype(np.int64)
        kept = (junctions[start] == 0) | (is_junction & (junctions[start] == 2))
        return start[kept], end[kept]

    def _groups(self) -> npt.NDArray[np.int64]:
        """A number for each vertex, the same for those that hang together."""
        group = np.arange(len(self.vertices))
        corner = self._number[self._triangles[self.triangle_touches]]
        while True:
            among = np.where(corner >= 0, group[corner], len(group))
            least = among.min(axis=1)
            fresh = group.copy()
            for k in range(3):
                is_ours = corner[:, k] >= 0
                np.minimum.at(fresh, corner[is_ours, k], least[is_ours])
            if np.array_equal(fresh, group):
                return group
            group = fresh

    def relaxing(self, points: Points) -> Points:
        """Half the way to the mean of the neighbours."""
        share = np.maximum(1, self._links_per_vertex())[:, None]
        here = points[self.vertices].astype(np.float64)
        step = np.zeros_like(here)
        np.add.at(step, self._from, points[self._to] - here[self._from])
        return self._shortened(0.5 * step / share)

    def parting(self, points: Points, pairs: Pairs) -> Points:
        """Each of two crossing triangles back to its own side of the other."""
        step = np.zeros((len(self.vertices), 3))
        weight = np.zeros(len(self.vertices))
        for mover, other in (pairs.T, pairs.T[::-1]):
            at, move = self._partings(points, mover, other)
            np.add.at(step, at, move)
            np.add.at(weight, at, 1.0)
        is_bound = self._links_per_vertex() < 3
        step[is_bound] = 0
        return self._shortened(step / np.maximum(1, weight)[:, None])

    def _partings(
        self, points: Points, mover: Pairs, other: Pairs
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        wall = points[self._triangles[other]].astype(np.float64)
        normal = np.cross(wall[:, 1] - wall[:, 0], wall[:, 2] - wall[:, 0])
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-30)
        corner = self._triangles[mover]
        is_shared = (corner[:, :, None] == self._triangles[other][:, None, :]).any(axis=2)
        depth = np.einsum("pck,pk->pc", points[corner] - wall[:, None, 0], normal)
        depth[is_shared] = 0
        side = self._side(mover, other, depth)
        wrong = (depth * side[:, None] < 0) & ~is_shared
        # To the wall and a little beyond: touching still counts as a crossing.
        move = (-0.6 * depth + 0.02 * side[:, None])[:, :, None] * normal[:, None, :]
        return self._number[corner[wrong]], move[wrong]

    def _side(self, mover: Pairs, other: Pairs, depth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """+1 where the mover belongs in front of the other; by the common label, else by the lesser move."""
        side = np.where(depth.max(axis=1) >= -depth.min(axis=1), 1.0, -1.0)
        if self._labels is None:
            return side
        ours, theirs = self._labels[mover], self._labels[other]
        in_front = (ours == theirs[:, 1:]).any(axis=1)
        behind = (ours == theirs[:, :1]).any(axis=1)
        side[in_front & ~behind] = 1.0
        side[behind & ~in_front] = -1.0
        return side

    def _shortened(self, step: npt.NDArray[np.float64]) -> Points:
        length = np.linalg.norm(step, axis=1)
        step *= np.minimum(1.0, self._longest / np.maximum(length, 1e-30))[:, None]
        return step.astype(np.float32)

    def patches_with_more(self, before: Pairs, after: Pairs) -> Flags:
        """(patch vertices,) True in the groups that have more crossings than they had."""
        balance = np.zeros(len(self.vertices), dtype=np.int64)
        for pairs, sign in ((before, -1), (after, 1)):
            for group in self._groups_of(pairs):
                balance[group] += sign
        return np.asarray(balance[self._group] > 0)

    def _groups_of(self, pairs: Pairs) -> Iterator[int]:
        number = self._number[self._triangles[pairs].reshape(len(pairs), 6)]
        for row in number:
            inside = row[row >= 0]
            if len(inside):
                yield int(self._group[inside[0]])
