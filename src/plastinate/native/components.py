"""Mask -> connected components, as runs of voxels in `voxel_runs.cpp`; cavities and holes are such too."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.native.load import integers, library, pointer, thread_count
from plastinate.native.voxels import Box, Mask, as_mask, bounding_box, check, threshold

CONNECTIVITIES = (6, 18, 26)


class Components:
    """The connected components of a mask, kept as runs and not as a labelled volume.

    Components are numbered from 1 in scan order (slice, row, column of their
    first voxel). Memory is 8 bytes per run; no volume is made until `mask` or
    `labels` is asked for.

    Args:
        mask: (S, R, C) bool.
        connectivity: 6, 18 or 26 neighbours; 4 or 8 for each slice on its own.
        box: look only here; components do not continue outside it.
        is_background: find the components of what is not set.
    """

    def __init__(
        self, mask: Mask, *, connectivity: int = 26, box: Box | None = None, is_background: bool = False
    ) -> None:
        if connectivity not in (4, 8, *CONNECTIVITIES):
            raise ValueError(f"connectivity is 6, 18 or 26, not {connectivity}")
        # Columns side by side are all the kernel needs; any other view is copied.
        if mask.ndim != 3 or mask.dtype != np.bool_ or mask.strides[2] != 1:
            mask = as_mask(mask)
        self.shape: tuple[int, int, int] = (mask.shape[0], mask.shape[1], mask.shape[2])
        self.box: Box = box or (slice(0, mask.shape[0]), slice(0, mask.shape[1]), slice(0, mask.shape[2]))
        self._library = library("voxel_runs")
        part = mask[self.box]
        handle, found = ctypes.c_void_p(), ctypes.c_int64()
        status = self._library.runs_open(
            ctypes.c_void_p(part.ctypes.data),
            *map(ctypes.c_int64, part.strides[:2]),
            pointer(integers(*part.shape)),
            int(not is_background),
            connectivity,
            thread_count(),
            ctypes.byref(handle),
            ctypes.byref(found),
        )
        check(status, kernel="components")
        self._handle = handle
        self._release = weakref.finalize(self, self._library.runs_close, handle)
        self.count = int(found.value)
        """How many components there are."""

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(count + 1,) voxels of each component; entry 0 is unused."""
        sizes = np.zeros(self.count + 1, dtype=np.int64)
        self._library.runs_sizes(self._handle, pointer(sizes))
        return sizes

    @cached_property
    def _boxes_and_sums(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        boxes = np.zeros((self.count + 1, 2, 3), dtype=np.int64)
        index_sums = np.zeros((self.count + 1, 3), dtype=np.int64)
        self._library.runs_boxes(self._handle, pointer(boxes), pointer(index_sums))
        return boxes, index_sums

    @property
    def _origin(self) -> npt.NDArray[np.int64]:
        return integers(*(axis.start for axis in self.box))

    @property
    def boxes(self) -> npt.NDArray[np.int64]:
        """(count + 1, 2, 3): first index and one past the last of each component."""
        return np.asarray(self._boxes_and_sums[0] + self._origin)

    @property
    def centres_index(self) -> npt.NDArray[np.float64]:
        """(count + 1, 3): mean (slice, row, column) index of each component."""
        size = np.maximum(self.sizes, 1)[:, None]
        return np.asarray(self._boxes_and_sums[1] / size + self._origin, dtype=np.float64)

    def by_size(self) -> npt.NDArray[np.int64]:
        """Component numbers, largest first; of equals the one found first."""
        return np.argsort(-self.sizes[1:], kind="stable") + 1

    def at(self, index: tuple[int, int, int]) -> int:
        """The component at (slice, row, column), 0 where there is none or outside the box."""
        local = [int(i) - axis.start for i, axis in zip(index, self.box, strict=True)]
        if any(i < 0 or i >= axis.stop - axis.start for i, axis in zip(local, self.box, strict=True)):
            return 0
        run = self._library.runs_at
        run.restype = ctypes.c_int64
        return int(run(self._handle, *map(ctypes.c_int64, local)))

    def at_each(self, index: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The components at (n, 3) places (slice, row, column), as `at` says of each; (n,)."""
        local = np.ascontiguousarray(index - self._origin, dtype=np.int64)
        out = np.zeros(len(local), dtype=np.int64)
        self._library.runs_at_each(self._handle, pointer(local), ctypes.c_int64(len(local)), pointer(out))
        return out

    def touching(self, faces: str = "src") -> npt.NDArray[np.bool_]:
        """(count + 1,) bool: True for components that reach a face of the box.

        Args:
            faces: which axes' ends count: any of "s" (first and last slice), "r" (rows), "c" (columns).
        """
        touches = np.zeros(self.count + 1, dtype=np.bool_)
        bits = sum({"s": 1, "r": 2, "c": 4}[axis] for axis in set(faces))
        self._library.runs_touching(self._handle, bits, pointer(touches))
        return touches

    def mask(self, which: Iterable[int] | npt.NDArray[np.bool_], *, onto: Mask | None = None) -> Mask:
        """The voxels of some components.

        Args:
            which: component numbers, or (count + 1,) bool.
            onto: set them in this (S, R, C) mask, in place, rather than in a new one; its columns must
                lie next to each other.

        Returns:
            (S, R, C) bool of the whole volume.
        """
        keep = np.zeros(self.count + 1, dtype=np.bool_)
        chosen = np.asarray(which if isinstance(which, np.ndarray) else list(which))
        keep[chosen if chosen.dtype == np.bool_ else chosen.astype(np.int64)] = True
        keep[0] = False
        out = np.zeros(self.shape, dtype=np.bool_) if onto is None else onto
        if out.shape != self.shape or out.dtype != np.bool_ or (out.strides[2] != 1 and out.shape[2] > 1):
            raise ValueError("components are painted onto a mask of the same shape, columns side by side")
        part = out[self.box]
        status = self._library.runs_paint(
            self._handle,
            pointer(keep),
            ctypes.c_void_p(part.ctypes.data),
            *map(ctypes.c_int64, part.strides[:2]),
            thread_count(),
        )
        check(status, kernel="components")
        return out

    def labels(self) -> npt.NDArray[np.uint32]:
        """(S, R, C) uint32 of component numbers: four times the mask's memory."""
        out = np.zeros([axis.stop - axis.start for axis in self.box], dtype=np.uint32)
        names = np.arange(self.count + 1, dtype=np.uint32)
        status = self._library.runs_labels(self._handle, pointer(names), pointer(out), thread_count())
        check(status, kernel="components")
        if out.shape == self.shape:
            return out
        whole = np.zeros(self.shape, dtype=np.uint32)
        whole[self.box] = out
        return whole


def label_components(
    mask: Mask, *, connectivity: int = 26
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Number the connected components in scan order.

    Returns:
        labels (S, R, C) uint32; sizes (K + 1,) in voxels; boxes (K + 1, 2, 3), first index and one
        past the last. Entry 0 of sizes and boxes is unused.
    """
    parts = Components(mask, connectivity=connectivity)
    return parts.labels(), parts.sizes, parts.boxes


def largest_components(mask: Mask, *, k: int = 1, connectivity: int = 26, min_voxels: int = 0) -> Mask:
    """The k largest components of at least `min_voxels`; of equals the one found first.

    >>> m = np.array([[[1, 0, 1, 1]]], dtype=bool)
    >>> largest_components(m).tolist()
    [[[False, False, True, True]]]
    """
    parts = Components(mask, connectivity=connectivity)
    chosen = parts.by_size()[:k]
    return parts.mask(chosen[parts.sizes[chosen] >= min_voxels])


def remove_small(mask: Mask, *, min_voxels: int, connectivity: int = 26) -> Mask:
    """The mask without components of fewer than `min_voxels`."""
    parts = Components(mask, connectivity=connectivity)
    return parts.mask(parts.sizes >= max(min_voxels, 1))


def components_at_seeds(mask: Mask, seeds: Iterable[tuple[int, int, int]], *, connectivity: int = 26) -> Mask:
    """The components that hold a seed (slice, row, column); seeds that hit nothing are passed over."""
    parts = Components(mask, connectivity=connectivity)
    places = np.array(list(seeds), dtype=np.int64).reshape(-1, 3)
    return parts.mask(sorted(set(parts.at_each(places).tolist()) - {0}))


def flood(
    array: npt.NDArray[Any],
    seeds: Iterable[tuple[int, int, int]],
    low: float,
    high: float,
    *,
    connectivity: int = 6,
) -> Mask:
    """The voxels of a closed window that hang together with a seed (slice, row, column)."""
    return components_at_seeds(threshold(array, low, high), seeds, connectivity=connectivity)


def fill_cavities(mask: Mask) -> Mask:
    """Fill the background that no path of face neighbours joins to the border of the volume.

    Looks only inside the mask's bounding box: whatever reaches a face of that box reaches the border.
    """
    mask = as_mask(mask)
    box = bounding_box(mask)
    if box is None:
        return mask.copy()
    parts = Components(mask, connectivity=6, box=box, is_background=True)
    return parts.mask(~parts.touching(), onto=mask.copy())


def fill_holes_2d(mask: Mask, *, axis: int = 0, max_voxels: int | None = None) -> Mask:
    """Fill, in each plane across `axis`, the background not joined to the plane's border.

    Args:
        mask: (S, R, C) bool.
        axis: 0 for slices, 1 for planes of one row index, 2 for planes of one column index.
        max_voxels: leave holes larger than this open.

    Returns:
        (S, R, C) bool.
    """
    mask = as_mask(mask)
    if axis == 2:
        turned = fill_holes_2d(_swap_rows_and_columns(mask), axis=1, max_voxels=max_voxels)
        return _swap_rows_and_columns(turned)
    out = mask.copy()
    # Planes across the rows are a matter of strides alone: columns stay next to each other.
    planes, target = (mask, out) if axis == 0 else (mask.swapaxes(0, 1), out.swapaxes(0, 1))
    parts = Components(planes, connectivity=4, is_background=True)
    closed = ~parts.touching("rc")
    if max_voxels is not None:
        closed &= parts.sizes <= max_voxels
    parts.mask(closed, onto=target)
    return out


def _swap_rows_and_columns(mask: Mask) -> Mask:
    slices, rows, columns = mask.shape
    out = np.empty((slices, columns, rows), dtype=np.bool_)
    run = library("voxel_runs").swap_rows_and_columns
    check(run(pointer(mask), pointer(integers(*mask.shape)), thread_count(), pointer(out)), kernel="holes")
    return out
