"""Label map and grey values -> surfaces, measured and judged: each organ beside the others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from plastinate.model.evidence import Light, StepRecord, SurfaceQuality, Verdict
from plastinate.model.labels import LabelMap
from plastinate.model.recipe import Expectation
from plastinate.model.surface import Surface, SurfaceSet
from plastinate.model.volume import Volume
from plastinate.native.side_by_side import side_by_side
from plastinate.pipeline.plan import PlannedStep
from plastinate.pipeline.progress import Progress
from plastinate.stages import catalog

# What these steps take of a whole build, on a chest.
SURFACE_SHARE, CHECK_SHARE = 0.25, 0.15
# Memory that one organ takes at most while it is worked on; its mask is one byte for each voxel of the scan.
# Measured on a chest, for a skeleton of 516 k triangles: 3.8 for its surface, 2.9 for its check.
BYTES_PER_VOXEL = 5


@dataclass(frozen=True)
class Found:
    """What there is to be made into organs.

    Attributes:
        volume: the grey values.
        labels: which voxel belongs to what.
        whole: structures that are surfaced with what lies within them, each alone on its map.
    """

    volume: Volume
    labels: LabelMap
    whole: Mapping[str, LabelMap]


@dataclass(frozen=True)
class Organs:
    """What became of it; everything in the order of the steps, whoever was done first."""

    surfaces: Mapping[str, Mapping[str, Surface]]
    quality: Mapping[str, Mapping[str, SurfaceQuality]]
    verdicts: Mapping[str, Verdict]
    records: tuple[StepRecord, ...]


class _Making:
    """The work on one scan's organs, in pieces that know nothing of each other."""

    def __init__(self, found: Found, levels: Mapping[str, int | None], progress: Progress) -> None:
        self._found = found
        self._levels = levels
        self._progress = progress
        self.made: dict[tuple[str, ...], SurfaceSet] = {}
        self.checked: dict[str, tuple[Mapping[str, SurfaceQuality], Verdict]] = {}

    def surface(self, step: PlannedStep, names: tuple[str, ...], *, share: float) -> None:
        """Surface the structures that a recipe surfaces together."""
        source = self._found.whole[names[0]] if step.is_hull else self._found.labels
        with self._progress.step(f"surface: {', '.join(names)}", share=share):
            self.made[names] = step.function(
                self._found.volume, source, structures=names, levels=self._levels, **step.params
            )

    def check(
        self,
        name: str,
        names: tuple[str, ...],
        *,
        expectation: Expectation,
        noticed: Collection[str],
        doubts: Collection[tuple[Light, str]],
        share: float,
    ) -> None:
        """Measure and judge one of them."""
        found = self._found
        with self._progress.step(f"check: {name}", share=share):
            mask = found.whole.get(name, found.labels).mask(name)
            measure, judge = catalog.door("measure-surface"), catalog.door("judge-structure")
            quality = {
                level: measure(surface, mask=mask, geometry=found.volume.geometry)
                for level, surface in self.made[names].surfaces[name].items()
            }
            verdict: Verdict = judge(
                name,
                mask=mask,
                volume=found.volume,
                labels=found.labels,
                expectation=expectation,
                quality=quality["full"],
                noticed=noticed,
                given=doubts,
            )
            self.checked[name] = quality, verdict


def make_organs(
    found: Found,
    steps: Sequence[PlannedStep],
    *,
    levels: Mapping[str, int | None],
    expect: Mapping[str, Expectation] | None,
    noticed: Mapping[str, Collection[str]],
    doubts: Mapping[str, Collection[tuple[Light, str]]],
    progress: Progress,
) -> Organs:
    """Surface everything found, and check each organ as soon as it has its surface.

    Args:
        found: masks and grey values.
        steps: the recipe's surface steps.
        levels: detail level -> triangles at most; None is bounded by error alone.
        expect: what is known of each structure; None leaves the checks out.
        noticed: structure id -> codes of what was found while the scan was read and the structure made.
        doubts: structure id -> what is known against it from elsewhere; a green one is a note.
        progress: where to report, and whom to ask whether to stop.

    Raises:
        PlastinateError: what the first organ to fail, in the order of the steps, raised.
        Cancelled: the run was asked to stop.
    """
    groups = _groups(steps, tuple(found.labels.structures.values()))
    making = _Making(found, levels, progress)
    tasks: list[Callable[[], None]] = [
        partial(making.surface, step, names, share=SURFACE_SHARE / len(groups)) for step, names in groups
    ]
    after: dict[int, int] = {}
    organs = [(number, name) for number, (_, names) in enumerate(groups) for name in names]
    for number, name in organs if expect is not None else []:
        after[len(tasks)] = number
        tasks.append(
            partial(
                making.check,
                name,
                groups[number][1],
                expectation=(expect or {}).get(name, Expectation()),
                noticed=noticed.get(name, ()),
                doubts=doubts.get(name, ()),
                share=CHECK_SHARE / len(organs),
            )
        )
    side_by_side(tasks, after=after, bytes_each=BYTES_PER_VOXEL * found.volume.array.size)
    made = [making.made[names] for _, names in groups]
    return Organs(
        {name: surfaces for each in made for name, surfaces in each.surfaces.items()},
        {name: making.checked[name][0] for _, name in organs if name in making.checked},
        {name: making.checked[name][1] for _, name in organs if name in making.checked},
        tuple(
            step.record(structures=names, notes=each.notes)
            for (step, names), each in zip(groups, made, strict=True)
        ),
    )


def _groups(
    steps: Sequence[PlannedStep], found: Collection[str]
) -> list[tuple[PlannedStep, tuple[str, ...]]]:
    """Which structures are surfaced together: a step's, but each hull alone, for hulls overlap."""
    groups: list[tuple[PlannedStep, tuple[str, ...]]] = []
    for step in steps:
        names = tuple(name for name in step.into if name in found)
        if step.is_hull:
            groups += [(step, (name,)) for name in names]
        elif names:
            groups.append((step, names))
    return groups
