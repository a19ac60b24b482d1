from dataclasses import replace

import numpy as np
import pytest

from export_scenes import CHEST, HEART, LETTER, LUNG, LUNGS, TABLE, block_surface, grid
from plastinate.model.errors import EmptyMask, RecipeFlaw, RecipeNotFound
from plastinate.model.surface import Surface
from plastinate.stages.compose.scene import compose_scene


def organs(*names):
    return {name: {"full": block_surface(LETTER, name)} for name in names}


def compose(surfaces, structures=TABLE):
    return compose_scene("Chest", grid(), surfaces, structures=structures)


def test_organs_keep_their_order_and_parents_come_outermost_first():
    scene = compose(organs("heart", "lung-left"))
    assert [node.id for node in scene.nodes] == ["heart", "lung-left"]
    assert [group.id for group in scene.groups] == ["chest", "lungs"]


def test_only_parents_that_an_organ_needs_become_groups():
    assert compose(organs("heart")).groups == ()


def test_a_parent_that_is_itself_an_organ_is_no_group():
    scene = compose(organs("lungs", "lung-left"))
    assert [group.id for group in scene.groups] == ["chest"]


def test_an_organ_alone_is_opaque():
    assert compose(organs("heart")).node("heart").structure.opacity == 1.0
    assert compose(organs("heart", "lung-left")).node("heart").structure.opacity == HEART.opacity


def test_an_unknown_structure_is_refused_with_a_guess():
    with pytest.raises(RecipeNotFound, match="lung-left"):
        compose(organs("lung-lefd"))
    with pytest.raises(RecipeNotFound, match="chest"):
        compose(organs("lung-left"), {"lung-left": LUNG, "lungs": LUNGS})


def test_parents_in_a_circle_are_refused():
    circle = {"lung-left": LUNG, "lungs": LUNGS, "chest": replace(CHEST, parent="lungs")}
    with pytest.raises(RecipeFlaw, match="circle"):
        compose(organs("lung-left"), circle)


def test_nothing_to_compose_is_refused():
    hollow = Surface(np.zeros((0, 3)), np.zeros((0, 3)), "heart")
    for surfaces in ({}, {"heart": {"full": hollow}}, {"heart": {}}):
        with pytest.raises(EmptyMask):
            compose(surfaces)
