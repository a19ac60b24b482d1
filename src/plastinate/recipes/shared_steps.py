"""Steps of several recipes -> one list in which what is the same is done once, each mask with its own name.

Two steps are the same where method, numbers and the masks they are given are. What a mask is called in its
own recipe is kept where that name is free: a structure's name is for the mask that becomes it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from plastinate.model.recipe import Recipe, Step

# A mask, by the number of the step that makes it and its place among what that step makes.
Mask = tuple[int, int]
FOREVER = 1 << 30


@dataclass
class _Numbered:
    """The steps of all parts, without doubles.

    Attributes:
        steps: (part, its step, masks given, ...), in the order they run.
        finals: structure -> the mask that becomes it.
    """

    steps: list[tuple[Recipe, Step, tuple[Mask, ...]]] = field(default_factory=list)
    finals: dict[str, Mask] = field(default_factory=dict)
    _known: dict[str, int] = field(default_factory=dict)

    def add(self, part: Recipe) -> None:
        """The steps of one more recipe, those that are not there yet."""
        called: dict[str, Mask] = {}
        for step in part.segment:
            given = tuple(called[name] for name in step.inputs)
            same = json.dumps([step.method, dict(step.params), given, len(step.into)], sort_keys=True)
            # A structure is a mask of its own: where another has this one already, it is made again.
            if same in self._known and not self._is_taken(part, step, self._known[same]):
                number = self._known[same]
            else:
                number = self._known[same] = len(self.steps)
                self.steps.append((part, step, given))
            called.update({name: (number, place) for place, name in enumerate(step.into)})
        self.finals.update({name: called[name] for name in part.structures})

    def _is_taken(self, part: Recipe, step: Step, number: int) -> bool:
        wanted = {(number, place) for place, name in enumerate(step.into) if name in part.structures}
        return bool(wanted & set(self.finals.values()))


def shared_steps(parts: Sequence[Recipe]) -> tuple[Step, ...]:
    """All steps of these recipes, one after the other, equal ones once.

    Args:
        parts: no two make the same structure.
    """
    numbered = _Numbered()
    for part in parts:
        numbered.add(part)
    names = _named(numbered)
    return tuple(
        replace(
            step,
            inputs=tuple(names[mask] for mask in given),
            into=tuple(names[number, place] for place in range(len(step.into))),
        )
        for number, (_, step, given) in enumerate(numbered.steps)
    )


def _named(numbered: _Numbered) -> dict[Mask, str]:
    """A name for each mask, such that none is overwritten while a later step still needs it."""
    last_needed = _last_needed(numbered)
    becomes = {mask: structure for structure, mask in numbered.finals.items()}
    names: dict[Mask, str] = {}
    held: dict[str, tuple[str, int]] = {}
    for number, (part, step, _) in enumerate(numbered.steps):
        for place, wished in enumerate(step.into):
            mask = (number, place)
            until = FOREVER if mask in becomes else last_needed.get(mask, number)
            name = becomes.get(mask, wished)
            if mask not in becomes and not _may_have(wished, until, numbered.finals):
                name = f"{part.name}:{wished}"
            count = 1
            while mask not in becomes and not _is_free(held.get(name), part.name, number):
                name = f"{part.name}:{wished}" + (f":{count}" if count > 1 else "")
                count += 1
            names[mask] = name
            held[name] = part.name, until
    return names


def _may_have(wished: str, until: int, finals: Mapping[str, Mask]) -> bool:
    """A structure's name may be lent before the structure is made, to what is of no use from then on."""
    return wished not in finals or until <= finals[wished][0]


def _is_free(holder: tuple[str, int] | None, part: str, number: int) -> bool:
    """Within its recipe a mask may follow another of its name; masks of two recipes never share one."""
    return holder is None or (holder[0] == part and holder[1] <= number)


def _last_needed(numbered: _Numbered) -> dict[Mask, int]:
    return {mask: number for number, (_, _, given) in enumerate(numbered.steps) for mask in given}
