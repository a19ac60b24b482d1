"""What a child shows before it is done is passed on once, and only where it is what it should be."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from plastinate.engine.early_look import BYTES_MAX, FILE, PNG, EarlyLooks, Look
from plastinate.model.geometry import Geometry
from plastinate.services.early_look import EarlyLook

GRID = Geometry((4, 5, 6), np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1]]))
MASK = np.ones((4, 5, 6), dtype=bool)


@pytest.mark.slow
def test_each_organ_is_shown_with_those_before_it(tmp_path: Path):
    shows, looks = EarlyLook(tmp_path), EarlyLooks(tmp_path)
    assert looks.new() is None
    shows.add("heart", MASK, GRID)
    first = looks.new()
    assert first is not None
    assert first.found == ("heart",)
    assert first.png.startswith(PNG)
    assert looks.new() is None
    shows.add("liver", MASK, GRID)
    second = looks.new()
    assert second is not None
    assert second.found == ("heart", "liver")


def test_a_hull_would_hide_the_others_and_is_left_out(tmp_path: Path):
    EarlyLook(tmp_path).add("skin", MASK, GRID)
    assert list(tmp_path.iterdir()) == []


def test_a_scan_without_millimetres_shows_nothing(tmp_path: Path):
    EarlyLook(tmp_path).add("heart", MASK, Geometry(GRID.shape, GRID.to_lps_mm, "px"))
    assert list(tmp_path.iterdir()) == []


def told(found: object, png: bytes) -> bytes:
    return json.dumps({"found": found, "png": base64.b64encode(png).decode()}).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"found": ["heart"]}',
        b'{"found": ["heart"], "png": "no base64"}',
        told(["heart"], b"GIF89a"),
        told("heart", PNG),
        told([1], PNG),
        told(["x" * 101], PNG),
        told(["x"] * 501, PNG),
        told(["heart"], PNG + b"x" * BYTES_MAX),
    ],
    ids=lambda data: data[:30].decode(),
)
def test_what_is_no_look_is_passed_over(tmp_path: Path, data: bytes):
    looks = EarlyLooks(tmp_path)
    (tmp_path / FILE).write_bytes(data)
    assert looks.new() is None
    (tmp_path / "next").write_bytes(told(["heart"], PNG))
    (tmp_path / "next").replace(tmp_path / FILE)
    assert looks.new() == Look(("heart",), PNG)
