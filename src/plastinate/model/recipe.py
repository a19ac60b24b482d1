"""How organs are found, as data: methods, numbers, and the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from plastinate.model.errors import RecipeFlaw

SURFACE_METHODS = ("soft-field", "shared-net")


@dataclass(frozen=True)
class Step:
    """One call of a method named in the catalog.

    Attributes:
        method: name in `stages/catalog.py`.
        params: keyword arguments of the method.
        inputs: names of masks made by earlier steps, passed in this order.
        into: names the resulting masks get, in the order the method returns them.
        why: the reason for every number that decides anatomy.
        source: where the reason comes from.
    """

    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    into: tuple[str, ...] = ()
    why: str = ""
    source: str = ""


@dataclass(frozen=True)
class SurfaceStep:
    """How the named structures get their surface.

    Attributes:
        structures: structure ids this step covers.
        method: "soft-field" (contour the grey values inside the mask) or
            "shared-net" (label boundaries; neighbours share their walls).
        params: keyword arguments of the method.
        why: the reason.
        is_hull: the structures hold others inside them. In the label map a hull has only
            the voxels that nothing else claims; its surface is made from its whole mask,
            measured against it, and is not hollowed out by what it holds.
    """

    structures: tuple[str, ...]
    method: str
    params: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    is_hull: bool = False


@dataclass(frozen=True)
class Expectation:
    """What a sound result looks like; checked after each run and shown to the person.

    Attributes:
        volume_ml: plausible range, outside of which the light is amber; more than
            a factor two outside it is red.
        side: "left" or "right" of the patient's midline, "" for either.
        max_pieces: connected parts a sound organ may have.
        mean_range: plausible mean of the grey values inside, in the volume's quantity.
        may_touch_edge: whether reaching the edge of the scan is normal.
        may_have_flat_cut: whether a flat wall along a grid plane is normal.
        source: where these numbers come from.
    """

    volume_ml: tuple[float, float] | None = None
    side: str = ""
    max_pieces: int | None = None
    mean_range: tuple[float, float] | None = None
    may_touch_edge: bool = False
    may_have_flat_cut: bool = False
    source: str = ""


@dataclass(frozen=True)
class Recipe:
    """From a volume to organs.

    Attributes:
        name: "ct-lungs".
        title: for people, one line.
        modality: "CT", "MR", or "" for any.
        structures: structure ids in order of precedence: where two masks claim a
            voxel, the earlier one has it.
        prepare: Volume -> Volume steps.
        segment: steps that make masks; the masks named like structures are the result.
        surface: how each structure gets its surface.
        expect: structure id -> what is plausible.
        joined: where several recipes were joined, the structures of each; within one, its order is meant.
    """

    name: str
    title: str
    modality: str
    structures: tuple[str, ...]
    segment: tuple[Step, ...]
    surface: tuple[SurfaceStep, ...]
    prepare: tuple[Step, ...] = ()
    expect: Mapping[str, Expectation] = field(default_factory=dict)
    joined: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        made = {name for step in self.segment for name in step.into}
        for structure in self.structures:
            if structure not in made:
                raise RecipeFlaw(self.name, f"no step makes {structure!r}")
        known: set[str] = set()
        for step in self.segment:
            for name in step.inputs:
                if name not in known:
                    raise RecipeFlaw(self.name, f"step {step.method!r} needs {name!r} before it is made")
            known.update(step.into)
        covered = [name for step in self.surface for name in step.structures]
        if sorted(covered) != sorted(self.structures):
            raise RecipeFlaw(self.name, "each structure needs exactly one surface step")
        for surface in self.surface:
            if surface.method not in SURFACE_METHODS:
                raise RecipeFlaw(
                    self.name, f"surface method {surface.method!r} is not one of {SURFACE_METHODS}"
                )
