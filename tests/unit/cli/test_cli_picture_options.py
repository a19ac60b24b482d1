"""What `plastinate push` asks of a server where it sends one picture, and what `build` refuses of one."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from PIL import Image

from plastinate.cli.main import cli
from plastinate.cli.picture_options import picture_wish
from plastinate.cli.remote import push
from plastinate.services.build_wish import checked_wish


def wish(words: str):
    return picture_wish(push.make_context("push", ["photo.jpg", *words.split()]).params)


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("--as object", {"kind": "object"}),
        ("--back mirror --wall-mm 2", {"kind": "object", "back": "mirror", "wall_mm": 2.0}),
        (
            "--as scene --no-network --focal 35 --reference 120,80,620,90,150",
            {
                "kind": "scene",
                "without_network": True,
                "focal_35mm": 35.0,
                "reference": [120.0, 80.0, 620.0, 90.0, 150.0],
            },
        ),
        (
            "--reference coin:1-euro,62,40",
            {"kind": "object", "reference": {"coin": "1-euro", "at": [62.0, 40.0]}},
        ),
        (
            "--reference ruler:1,10,20,300,24",
            {"kind": "object", "reference": {"ruler_mm": 1.0, "line": [10.0, 20.0, 300.0, 24.0]}},
        ),
        ("--pair", {"kind": "scene", "is_pair": True, "baseline_mm": None}),
        ("--baseline-mm 65", {"kind": "scene", "is_pair": True, "baseline_mm": 65.0}),
        (
            "--as scene --depth midas-v21-small --agree",
            {"kind": "scene", "depth": "midas-v21-small", "agreed": True},
        ),
        (
            "--as relief --width-mm 90 --thinnest-mm 1 --thickest-mm 4 --base-mm 0 --frame-mm 3",
            {
                "kind": "relief",
                "width_mm": 90.0,
                "thinnest_mm": 1.0,
                "thickest_mm": 4.0,
                "base_mm": 0.0,
                "frame_mm": 3.0,
            },
        ),
    ],
)
def test_a_picture_is_asked_for_in_the_words_of_the_server(words, asked, tmp_path, monkeypatch):
    # Whatever has been agreed to on this machine.
    monkeypatch.setenv("PLASTINATE_CACHE", str(tmp_path))
    assert wish(words) == asked
    kept = checked_wish({"picture": asked}, inspection=None)["picture"]
    assert {name: kept[name] for name in asked} == asked


def test_nothing_is_asked_of_a_picture_where_no_option_speaks_of_one():
    assert wish("--organ liver --series 2 --wait") is None


@pytest.mark.parametrize(
    ("words", "kinds"),
    [("--width-mm 100", "lithophane or relief"), ("--as scene --wall-mm 2", "object")],
)
def test_a_length_of_another_kind_of_model_is_told_with_the_kinds_that_have_it(words, kinds, tmp_path):
    path = tmp_path / "photo.png"
    Image.new("RGB", (40, 30), (90, 40, 20)).save(path)
    said = CliRunner().invoke(cli, ["build", str(path), "-o", str(tmp_path / "out"), *words.split()])
    assert said.exit_code == 2
    assert f"is for --as {kinds}" in said.output
    assert not (tmp_path / "out").exists()
