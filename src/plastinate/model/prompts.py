"""What a person drew on slices to say what is meant -> checked prompts, in index coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from plastinate.model.geometry import Geometry
from plastinate.model.prompt_errors import PromptFlaw, PromptOutside

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
# The patient's axis (x, y, z) that a plane is square to.
NORMALS: Mapping[str, int] = {"axial": 2, "coronal": 1, "sagittal": 0}

# Kind -> points at least.
KINDS: Mapping[str, int] = {"box": 2, "click": 1, "scribble": 1, "lasso": 3}
FIELDS = frozenset({"kind", "plane", "inside", "points_lps_mm", "points_index"})
PROMPTS_MAX, POINTS_MAX = 400, 2000
# Points of one prompt lie on one slice; so far off it they may be written, in slices.
OFF_SLICE_MAX = 0.5
# Nothing in a patient is farther away, and no slice has a number as high.
COORDINATE_MAX = 100_000.0


@dataclass(frozen=True, eq=False)
class Prompt:
    """One thing drawn on one slice.

    Attributes:
        kind: "box" (two opposite corners), "click", "scribble" (a line), "lasso" (an outline).
        axis: of the index that is the same for all points: 0, 1 or 2.
        number: of the slice along that axis.
        points: (N, 2) index coordinates along the other two axes, in their order.
        is_inside: whether it marks what is meant; else what is not.
    """

    kind: str
    axis: int
    number: int
    points: npt.NDArray[np.float64]
    is_inside: bool = True


def plane_axis(geometry: Geometry, plane: Plane) -> int:
    """The index axis that runs closest to the normal of a plane, each axis being one plane's only."""
    towards = np.abs(geometry.to_lps_mm[:3, :3]) / np.array(geometry.spacing)
    axes: dict[int, int] = {}
    left = towards.copy()
    for _ in range(3):
        patient, axis = np.unravel_index(left.argmax(), left.shape)
        axes[int(patient)] = int(axis)
        left[patient, :] = left[:, axis] = -1
    return axes[NORMALS[plane]]


def checked_prompts(values: Any, *, where: str = "prompts") -> list[dict[str, Any]]:
    """Prompts as JSON values, in one form: equal prompts are equal.

    Args:
        values: a list of {"kind", "plane", "inside", and "points_lps_mm" or "points_index"}.
        where: what the list is called, for the error.

    Raises:
        PromptFlaw: what cannot be a prompt.
    """
    if not isinstance(values, list | tuple) or not values:
        raise PromptFlaw("It has to be a list of at least one prompt", where=where)
    if len(values) > PROMPTS_MAX:
        raise PromptFlaw(f"It has more than {PROMPTS_MAX} prompts", where=where)
    made = [_checked(each, f"{where}[{number}]") for number, each in enumerate(values)]
    if not any(each["inside"] for each in made):
        raise PromptFlaw("At least one prompt has to mark what is meant, and not what is not", where=where)
    return made


def placed_prompts(values: Sequence[Mapping[str, Any]], geometry: Geometry) -> list[Prompt]:
    """Checked prompts on a grid.

    Args:
        values: as `checked_prompts` gives them.
        geometry: of the scan they were drawn on.

    Raises:
        PromptOutside: a point beyond the scan, or a slice that it does not have.
        PromptFlaw: the points of one prompt lie on several slices.
        NoMillimetres: points in millimetres in a scan that has none.
    """
    return [_placed(each, geometry, f"prompts[{number}]") for number, each in enumerate(values)]


def _checked(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise PromptFlaw("A prompt is a table of fields", where=where)
    unknown = sorted(str(name) for name in set(value) - FIELDS)
    if unknown:
        raise PromptFlaw(f"A prompt has no field {unknown[0]!r:.40}", where=where)
    kind, plane = str(value.get("kind")), value.get("plane", "axial")
    if kind not in KINDS:
        raise PromptFlaw(f"The kind of a prompt is one of {', '.join(KINDS)}", where=f"{where}.kind")
    if plane not in PLANES:
        raise PromptFlaw(f"The plane of a prompt is one of {', '.join(PLANES)}", where=f"{where}.plane")
    is_inside = value.get("inside", True)
    if not isinstance(is_inside, bool):
        raise PromptFlaw(
            "It is true where the prompt marks what is meant, else false", where=f"{where}.inside"
        )
    if kind == "box" and not is_inside:
        raise PromptFlaw("A box marks what is meant; mark what is not by a lasso", where=f"{where}.inside")
    given = [name for name in ("points_lps_mm", "points_index") if value.get(name) is not None]
    if len(given) != 1:
        raise PromptFlaw("A prompt has points_lps_mm or points_index, and one of them only", where=where)
    points = _points(value[given[0]], kind, f"{where}.{given[0]}")
    return {"kind": kind, "plane": plane, "inside": is_inside, given[0]: points}


def _points(value: Any, kind: str, where: str) -> list[list[float]]:
    least, most = KINDS[kind], 2 if kind == "box" else POINTS_MAX
    is_list = isinstance(value, list | tuple)
    if not is_list or not least <= len(value) <= most:
        some = f"{least}" if most == least else f"{least} to {most}"
        raise PromptFlaw(f"A {kind} has {some} points", where=where)
    points = []
    for point in value:
        is_sound = isinstance(point, list | tuple) and len(point) == 3
        is_sound = is_sound and all(
            isinstance(each, int | float) and not isinstance(each, bool) and abs(each) <= COORDINATE_MAX
            for each in point
        )
        if not is_sound:
            raise PromptFlaw("A point is three numbers", where=where)
        points.append([round(float(each), 4) for each in point])
    return points


def _placed(value: Mapping[str, Any], geometry: Geometry, where: str) -> Prompt:
    axis = plane_axis(geometry, cast("Plane", value["plane"]))
    if "points_lps_mm" in value:
        geometry.require_mm("a prompt in millimetres")
        index = geometry.lps_to_index(np.array(value["points_lps_mm"]))
    else:
        index = np.array(value["points_index"], dtype=np.float64)
    along = index[:, axis]
    number = int(np.floor(along.mean() + 0.5))
    if np.abs(along - along.mean()).max() > OFF_SLICE_MAX:
        raise PromptFlaw(f"Its points lie on several {value['plane']} slices", where=where)
    if not 0 <= number < geometry.shape[axis]:
        raise PromptOutside(
            f"The {value['plane']} slices of the scan are 0 to {geometry.shape[axis] - 1}, not {number}",
            where=where,
        )
    others = [other for other in range(3) if other != axis]
    points = index[:, others]
    sizes = np.array([geometry.shape[other] for other in others])
    beyond = (points < -0.5) | (points > sizes - 0.5)
    # A box or a lasso may reach beyond the picture, if only it does not lie beside it.
    is_loose = value["kind"] in ("box", "lasso")
    low, high = points.min(axis=0), points.max(axis=0)
    is_beside = bool((high < -0.5).any() or (low > sizes - 0.5).any())
    if is_beside or (beyond.any() and not is_loose):
        raise PromptOutside("It lies beside the slice", where=where)
    points = np.clip(points, -0.5, sizes - 0.5)
    if value["kind"] in ("box", "lasso") and (np.ptp(points, axis=0) < 1).any():
        raise PromptFlaw(f"A {value['kind']} has to be wider and higher than a pixel", where=where)
    return Prompt(value["kind"], axis, number, points, bool(value["inside"]))
