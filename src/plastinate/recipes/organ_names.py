"""Organs as people name them -> structure ids: "lung" is both lungs. The only place for such names.

A name stands for a pair where the table of structures has its left and its right and not itself, so a pair
that is added there needs no line here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from plastinate.model.errors import RecipeNotFound
from plastinate.recipes.structures import load_structures

SIDES = ("left", "right")


@cache
def organ_groups() -> Mapping[str, tuple[str, ...]]:
    """Names of pairs -> their two structure ids, left first.

    >>> organ_groups()["kidney"]
    ('kidney-left', 'kidney-right')
    """
    known = load_structures()
    pairs = {}
    for identity in known:
        name = identity.removesuffix("-left")
        both = tuple(f"{name}-{side}" for side in SIDES)
        if name != identity and name not in known and all(each in known for each in both):
            pairs[name] = both
    return MappingProxyType(pairs)


def organ_ids(names: Iterable[str]) -> tuple[str, ...]:
    """Structure ids for names as people write them: each once, in the order given.

    Ids, names of pairs in the singular or plural, and the English names of `structures.toml`; large letters,
    blanks and underscores do not matter.

    Raises:
        RecipeNotFound: no organ of that name; its sentence guesses what was meant.

    >>> organ_ids(["Heart", "kidneys", "left lung", "kidney-left"])
    ('heart', 'kidney-left', 'kidney-right', 'lung-left')
    """
    table = _names()
    found: dict[str, None] = {}
    for name in names:
        written = _plain(name)
        if written not in table:
            raise RecipeNotFound("organ", name, near=_near(written))
        found.update(dict.fromkeys(table[written]))
    return tuple(found)


def is_organ(name: str) -> bool:
    """Whether there is an organ or a pair of that name."""
    return _plain(name) in _names()


@cache
def _names() -> dict[str, tuple[str, ...]]:
    names: dict[str, tuple[str, ...]] = {
        _plain(structure.name): (identity,) for identity, structure in load_structures().items()
    }
    names |= {identity: (identity,) for identity in load_structures()}
    # What is one mask to some network, such as "lungs", is two organs to those who name it.
    for pair, both in organ_groups().items():
        names |= {pair: both, f"{pair.removesuffix('s')}s": both}
    return names


def _plain(name: str) -> str:
    return "-".join(name.lower().replace("_", " ").replace("-", " ").split())


def _near(written: str) -> list[str]:
    """What may have been meant, as one would write it: the organ rather than its plural."""
    shown = [*load_structures(), *organ_groups()]
    close = difflib.get_close_matches(written, [*shown, *(f"{pair}s" for pair in organ_groups())], 3, 0.7)
    singular = (name if name in shown else name.removesuffix("s") for name in close)
    return list(dict.fromkeys(singular))[:2]
