"""Surface -> the same closed surface with fewer triangles, at one level of detail or several."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.surface import Surface
from plastinate.native.load import library, pointer, thread_count

LABELS = 65536


@dataclass(frozen=True, eq=False)
class Reduced:
    """What one reduction left.

    Attributes:
        vertices: (V, 3) float32.
        triangles: (T, 3) uint32.
        labels: (T, 2) uint16, the two labels each triangle parts; (0, 2) for a plain surface.
        above_target: triangles that could not be removed, over all labels.
    """

    vertices: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.uint32]
    labels: npt.NDArray[np.uint16]
    above_target: int


class Reducer:
    """A triangle complex inside the kernel, on its way down; made by `reducing`."""

    def __init__(self, handle: ctypes.c_void_p, *, has_labels: bool) -> None:
        self._handle = handle
        self._has_labels = has_labels

    def reduce(self, targets: npt.NDArray[np.int64], *, max_error_mm: float | None = None) -> Reduced:
        """Collapse edges until no label has more triangles than its target, or nothing more may go.

        Args:
            targets: (65536,) int64, triangles at most for each label, below 0 for labels that
                do not matter; a plain surface is label 1.
            max_error_mm: no collapse may leave a root mean square distance above this between
                the new vertex and the planes it stands for.
        """
        result = np.zeros(3, dtype=np.int64)
        _check(
            library("decimate").decimate_reduce(
                self._handle, pointer(targets), ctypes.c_double(max_error_mm or 0.0), pointer(result)
            )
        )
        vertices = np.empty((int(result[0]), 3), dtype=np.float32)
        triangles = np.empty((int(result[1]), 3), dtype=np.uint32)
        labels = np.empty((len(triangles) if self._has_labels else 0, 2), dtype=np.uint16)
        library("decimate").decimate_copy(
            self._handle, pointer(vertices), pointer(triangles), pointer(labels)
        )
        return Reduced(vertices, triangles, labels, int(result[2]))


@contextmanager
def reducing(
    vertices: npt.NDArray[np.float32],
    triangles: npt.NDArray[np.uint32],
    labels: npt.NDArray[np.uint16] | None = None,
) -> Iterator[Reducer]:
    """Hand a surface, or the shared net of many labels, to the kernel for as long as the block runs.

    Raises:
        MemoryError: there was not enough.
    """
    if len(triangles) and int(triangles.max()) >= len(vertices):
        raise ValueError("a triangle names a vertex that does not exist")
    handle = ctypes.c_void_p()
    _check(
        library("decimate").decimate_open(
            pointer(vertices),
            ctypes.c_int64(len(vertices)),
            pointer(triangles),
            ctypes.c_int64(len(triangles)),
            None if labels is None else pointer(labels),
            thread_count(),
            ctypes.byref(handle),
        )
    )
    try:
        yield Reducer(handle, has_labels=labels is not None)
    finally:
        library("decimate").decimate_close(handle)


def decimate(surface: Surface, *, target_triangles: int, max_error_mm: float | None = None) -> Surface:
    """Collapse edges, cheapest first, until so many triangles are left; a closed surface stays closed.

    Genus, pieces and winding stay as they were, and the enclosed volume with
    them. Where no edge may go without folding or tearing the surface, more
    triangles than asked for are left.

    Args:
        surface: any; a closed 2-manifold for the promises above.
        target_triangles: stop here.
        max_error_mm: stop here as well: root mean square distance of a vertex to the planes
            of the triangles it replaced.

    Returns:
        The smaller surface; its own length says whether the target was reached.

    Source:
        Garland & Heckbert, SIGGRAPH 1997; Dey et al. 1999; Lindstrom & Turk, Visualization 1998.
    """
    return decimate_levels(surface, (target_triangles,), max_error_mm=max_error_mm, limit_counts=True)[0]


def decimate_levels(
    surface: Surface,
    targets: Sequence[int | None],
    *,
    max_error_mm: float | None = None,
    limit_counts: bool = False,
) -> list[Surface]:
    """Several levels of detail from one run downwards: each starts from the one before.

    Args:
        surface: any; a closed 2-manifold for the promises of `decimate`.
        targets: triangles at most for each level, in any order; None for all that
            `max_error_mm` leaves, or the surface itself where there is no such limit.
        max_error_mm: for the levels without a count.
        limit_counts: hold the levels with a count to `max_error_mm` as well.

    Returns:
        One surface for each target, in the order asked.
    """
    levels: list[Surface] = [surface] * len(targets)
    current = surface
    order = sorted(range(len(targets)), key=lambda k: -(np.inf if targets[k] is None else targets[k] or 0))
    with reducing(surface.vertices, surface.triangles) as reducer:
        for k in order:
            target = targets[k]
            wanted = np.full(LABELS, -1, dtype=np.int64)
            wanted[1] = 0 if target is None else target
            if max_error_mm if target is None else len(current.triangles) > target:
                limit = max_error_mm if target is None or limit_counts else None
                reduced = reducer.reduce(wanted, max_error_mm=limit)
                current = Surface(reduced.vertices, reduced.triangles, surface.structure)
            levels[k] = current
    return levels


def _check(status: int) -> None:
    if status:
        raise MemoryError("not enough memory to decimate the surface")
