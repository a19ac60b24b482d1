"""In the process that answers prompts: scans it keeps -> masks on their slices."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import EmptyMask
from plastinate.model.prompt_errors import PromptFlaw, PromptOutside
from plastinate.model.prompts import Plane, checked_prompts, placed_prompts, plane_axis
from plastinate.stages import catalog

if TYPE_CHECKING:
    from plastinate.model.volume import Volume

# Scans that are kept, the last used: by their voxels, for an embedding is small beside them. One always is.
KEPT_BYTES = 1 << 30
EMBEDDINGS_KEPT = 32


class PromptDesk:
    """Keeps the network, the last scans and what the network saw of them.

    Args:
        kept_bytes: of voxels.
    """

    def __init__(self, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept_bytes = kept_bytes
        self._prompter: Any = None
        self._scans: OrderedDict[str, Any] = OrderedDict()

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What a request is answered: the mask of its prompts, or that its slice was seen.

        Args:
            request: {"scan": key, "path": where it lies or None, "series", "phase", "modality", and
                "prompts", or "plane" and "slice"}.

        Returns:
            {"needs_scan": True} where the scan is not kept and its path was not given; else JSON values as
            `web/payloads_prompts.py` types them.

        Raises:
            PlastinateError: the scan cannot be read, or the prompts cannot be taken.
        """
        begun = time.perf_counter()
        slices = self._slices(request)
        if slices is None:
            return {"needs_scan": True}
        made = _mask(slices, request) if "prompts" in request else _look(slices, request)
        return {**made, "seconds": round(time.perf_counter() - begun, 3)}

    def forget(self) -> None:
        """Let go of every scan."""
        self._scans.clear()

    def _slices(self, request: Mapping[str, Any]) -> Any:
        key = str(request["scan"])
        if key not in self._scans:
            if request.get("path") is None:
                return None
            volume: Volume = catalog.door("read-volume")(
                Path(request["path"]),
                series=request["series"],
                phase=request["phase"],
                modality=request["modality"] or "",
                allow_gaps=True,
            ).volume
            volume.geometry.require_mm("where something was drawn")
            self._make_room(volume.array.nbytes)
            if self._prompter is None:
                self._prompter = catalog.door("box-prompter")()
            self._scans[key] = catalog.door("prompted-slices")(volume, self._prompter, kept=EMBEDDINGS_KEPT)
        self._scans.move_to_end(key)
        return self._scans[key]

    def _make_room(self, wanted: int) -> None:
        while self._scans and self._bytes() + wanted > self._kept_bytes:
            self._scans.popitem(last=False)

    def _bytes(self) -> int:
        return sum(int(each.volume.array.nbytes) for each in self._scans.values())


def _look(slices: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    geometry = slices.volume.geometry
    axis, number = plane_axis(geometry, cast("Plane", request["plane"])), int(request["slice"])
    if not 0 <= number < geometry.shape[axis]:
        raise PromptOutside(
            f"The {request['plane']} slices of the scan are 0 to {geometry.shape[axis] - 1}, not {number}",
            where="slice",
        )
    field = slices.field(axis, number, np.zeros((0, 2)))
    look = "soft" if slices.volume.quantity == "HU" else "grey"
    _, _, was_ready = slices.seen(field, look)
    return _about(geometry, request["plane"], axis, number, was_ready)


def _mask(slices: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    geometry = slices.volume.geometry
    checked = checked_prompts(request["prompts"])
    placed = placed_prompts(checked, geometry)
    if len({(each.axis, each.number) for each in placed}) > 1:
        raise PromptFlaw("The prompts of one answer lie on one slice", where="prompts")
    axis, number = placed[0].axis, placed[0].number
    answer = slices.answer(placed)
    mask = answer.likelihood >= 0.5
    if not mask.any():
        raise EmptyMask("what was drawn", "the network and the grey values show nothing there")
    spacing = geometry.spacing_mm
    others = [other for other in range(3) if other != axis]
    area = int(mask.sum()) * spacing[others[0]] * spacing[others[1]]
    return {
        **_about(geometry, checked[0]["plane"], axis, number, answer.was_embedded),
        "shape": list(mask.shape),
        "axes": others,
        "runs": run_lengths(mask),
        "pixels": int(mask.sum()),
        "area_mm2": round(area, 2),
        "volume_ml": round(area * spacing[axis] / 1000, 4),
        "sureness": round(answer.sureness, 4),
        "index_to_lps": geometry.to_lps_mm.tolist(),
    }


def _about(geometry: Any, plane: str, axis: int, number: int, was_ready: bool) -> dict[str, Any]:
    return {"plane": plane, "slice": number, "slices": geometry.shape[axis], "was_ready": was_ready}


def run_lengths(mask: npt.NDArray[np.bool_]) -> list[int]:
    """How many pixels in turn are not set and are, row by row; the first count is of those that are not.

    >>> run_lengths(np.array([[True, True], [False, True]]))
    [0, 2, 1, 1]
    """
    flat = np.concatenate([[False], mask.ravel()])
    turns = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(each) for each in np.diff(np.concatenate([[0], turns, [mask.size]]))]
