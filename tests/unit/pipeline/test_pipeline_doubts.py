"""What others took is said, and what was noticed of the scan is said of every bone."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.recipe import Recipe, Step, SurfaceStep
from plastinate.pipeline.doubts import noticed_of, taken
from plastinate.stages.segment.merge_labels import merge_labels
from voxel_scenes import volume_of

GRID = volume_of(np.zeros((2, 10, 10), dtype=np.int16)).geometry


def rows(first: int, last: int):
    mask = np.zeros(GRID.shape, dtype=bool)
    mask[:, first:last] = True
    return mask


def lost(masks, *, joined=()):
    names = tuple(masks)
    recipe = Recipe(
        "r",
        "R",
        "CT",
        names,
        tuple(Step("threshold", {}, (), (name,)) for name in names),
        (SurfaceStep(names, "soft-field", {}),),
        joined=joined,
    )
    labels, contested = merge_labels(GRID, masks)
    return taken(recipe, labels, masks, contested)


@pytest.mark.parametrize(
    ("inner", "outer", "joined", "light"),
    [
        ("spine", "skeleton", (("spine",), ("skeleton",)), "green"),
        ("liver", "muscle", (("liver",), ("muscle",)), "green"),
        ("liver", "heart", (("liver", "heart"), ("spleen",)), "green"),
        ("core", "ball", (), "green"),
        ("liver", "heart", (("liver",), ("heart",)), "amber"),
    ],
)
def test_what_is_nested_by_definition_is_a_note_and_a_quarrel_of_two_organs_a_doubt(
    inner, outer, joined, light
):
    doubts = lost({inner: rows(0, 4), outer: rows(0, 10)}, joined=joined)
    assert list(doubts) == [outer]
    ((said, sentence),) = doubts[outer]
    assert said == light
    assert sentence == f"80 of its voxels (40%) are counted as {inner!r} alone; its volume is without them."


def test_each_that_took_a_share_is_named_and_a_twentieth_is_not_worth_a_word():
    doubts = lost({"spine": rows(0, 4), "ribs": rows(4, 6), "skeleton": rows(0, 10)})
    assert ["spine" in words or "ribs" in words for _, words in doubts["skeleton"]] == [True, True]
    few = rows(0, 1)
    few[:, :, 5:] = False
    assert lost({"liver": few, "heart": rows(0, 10)}) == {}


def test_contrast_as_bright_as_bone_is_a_doubt_about_every_bone_whatever_it_was_made_of():
    names = ("skeleton", "spine", "ribs", "skull", "liver")
    remarks = {"skeleton": frozenset({"segment.contrast", "segment.open-skull"})}
    noticed = noticed_of(names, of_scan=("ingest.no-position",), of_steps=remarks)
    assert {name for name in names if "segment.contrast" in noticed[name]} == set(names) - {"liver"}
    assert {name for name in names if "segment.open-skull" in noticed[name]} == {"skeleton"}
    assert noticed["liver"] == {"ingest.no-position"}
    assert noticed_of(names, of_scan=(), of_steps={})["spine"] == frozenset()
