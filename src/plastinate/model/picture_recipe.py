"""How a model is made of one picture, as data: methods, numbers, and the reason for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from plastinate.model.recipe import Step

PictureKind = Literal["scene", "object", "lithophane", "relief"]
KINDS: tuple[PictureKind, ...] = ("scene", "object", "lithophane", "relief")
PARTS = ("foreground", "depth", "solid")


@dataclass(frozen=True)
class PictureRecipe:
    """From a picture to one body.

    Attributes:
        name: "picture-object".
        title: for people, one line.
        kind: what comes out.
        depth: how far away each place is.
        solid: how that becomes a body.
        foreground: what belongs to the body; None where all of the picture does.
        invented: which sides nobody saw, a clause for the certificate.
        is_painted: the picture is laid over the body.
    """

    name: str
    title: str
    kind: PictureKind
    depth: Step
    solid: Step
    foreground: Step | None
    invented: str
    is_painted: bool = True

    @property
    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Every step with its stage, in the order of their running."""
        first = () if self.foreground is None else (("foreground", self.foreground),)
        return (*first, ("depth", self.depth), ("solid", self.solid))

    def with_solid(self, params: Mapping[str, Any]) -> PictureRecipe:
        """The recipe with other numbers for the last step, as a person chose them."""
        return replace(self, solid=replace(self.solid, params={**self.solid.params, **params}))

    def with_depth(self, params: Mapping[str, Any]) -> PictureRecipe:
        """The recipe with other numbers for how the depth is found, likewise."""
        return replace(self, depth=replace(self.depth, params={**self.depth.params, **params}))
