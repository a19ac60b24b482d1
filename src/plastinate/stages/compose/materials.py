"""A structure in, the structure as this scene shows it out."""

from __future__ import annotations

from dataclasses import replace

from plastinate.model.structure import Structure

# Fainter than this an organ cannot be seen at all, and its file looks empty.
FAINTEST_OPACITY = 0.05


def shown(structure: Structure, *, is_alone: bool) -> Structure:
    """The structure with the opacity it is first shown with.

    Skin and the body are translucent so that what lies inside can be seen; with
    nothing else in the scene that would only make them hard to see.

    Args:
        structure: as the table of structures states it.
        is_alone: nothing else is in the scene.
    """
    opacity = 1.0 if is_alone else min(max(structure.opacity, FAINTEST_OPACITY), 1.0)
    return structure if opacity == structure.opacity else replace(structure, opacity=opacity)
