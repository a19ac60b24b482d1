"""The patient without the table."""

from __future__ import annotations

import numpy as np
import pytest

import anatomy_phantoms
from anatomy_phantoms import dice
from plastinate.model.errors import EmptyMask, NoMillimetres
from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume
from plastinate.stages.segment.body import body, skin, table

CHEST = anatomy_phantoms.chest()
HEAD = anatomy_phantoms.head()


def test_the_body_is_the_trunk_with_its_air_and_without_the_table():
    found = body(CHEST.volume)
    assert dice(found, CHEST.truth["body"]) > 0.995
    assert not (found & CHEST.truth["table"]).any()
    assert found[CHEST.truth["airways"]].all()


def test_the_table_is_found_apart():
    found = table(CHEST.volume, body(CHEST.volume))
    measured = CHEST.truth["table"] & CHEST.volume.measured
    assert dice(found, measured) > 0.95


def test_a_nose_stays_and_a_head_rest_goes_with_the_numbers_of_the_head_recipe():
    found = body(HEAD.volume, opening_mm=2.5, regain_mm=12.0)
    assert dice(found, HEAD.truth["body"]) > 0.99
    assert not (found & HEAD.truth["rest"]).any()


def test_a_hollow_shell_counts_as_a_solid():
    geometry = anatomy_phantoms.grid((60, 60, 60), 2.0)
    x, y, z = anatomy_phantoms.positions(geometry)
    radius = np.sqrt(x**2 + y**2 + z**2)
    values = np.where((radius < 50) & (radius > 45), 800, -1000).astype(np.int16)
    found = body(Volume(geometry, values, "HU", "CT"))
    assert dice(found, radius < 50) > 0.9


def test_an_arm_beside_the_trunk_belongs_to_the_body():
    geometry = anatomy_phantoms.grid((40, 100, 140), 2.5)
    x, y, _z = anatomy_phantoms.positions(geometry)
    trunk = ((x + 20) / 100) ** 2 + (y / 80) ** 2 <= 1
    arm = (x - 130) ** 2 + y**2 <= 30**2
    values = np.where(trunk | arm, 40, -1000).astype(np.int16)
    found = body(Volume(geometry, values, "HU", "CT"))
    assert dice(found, trunk | arm) > 0.99


def test_unmeasured_voxels_are_outside():
    assert not body(CHEST.volume)[~CHEST.volume.measured].any()


def test_air_alone_is_refused_in_words():
    empty = Volume(CHEST.volume.geometry, np.full_like(CHEST.volume.array, -1000), "HU", "CT")
    with pytest.raises(EmptyMask, match="nothing solid"):
        body(empty)


def test_a_scan_without_pixel_size_is_refused():
    geometry = Geometry((4, 4, 4), np.eye(4), "px")
    with pytest.raises(NoMillimetres):
        body(Volume(geometry, np.zeros((4, 4, 4), np.int16), "HU", "CT"))


def test_the_skin_loses_a_thread_and_keeps_the_trunk():
    whole = CHEST.truth["body"].copy()
    whole[40, 2, 20:100] = True
    found = skin(CHEST.volume, whole, smoothing_mm=3.0)
    assert not found[40, 2].any()
    assert dice(found, CHEST.truth["body"]) > 0.99
