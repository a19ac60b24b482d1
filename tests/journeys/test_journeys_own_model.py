"""Somebody brings a network of their own, and builds with it what it finds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bead_scans import RADIUS_MM, plastinate, write_bead
from card_networks import above
from model_shelf import card, set_places
from phantom_series import Scan

# Half way between what is around the ball and what it is made of.
HALF_WAY = 500
BALL_ML = 4 / 3 * np.pi * RADIUS_MM**3 / 1000
QUICK = ("--no-preview", "--single-level", "--format", "stl")


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A card and a network in a folder, before anything is done with them."""
    set_places(tmp_path, monkeypatch)
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "ball.onnx").write_bytes(above(HALF_WAY, steep=0.02))
    text = card(
        "ball",
        model__file="ball.onnx",
        input__patch=[24, 24, 24],
        input__spacing_mm=[1.0, 1.0, 1.0],
        output_labels__1="my-ball",
    )
    (folder / "ball.toml").write_text(text)
    return folder / "ball.toml"


@pytest.mark.slow
def test_a_network_is_brought_and_builds_what_it_finds_at_its_true_size(brought: Path, tmp_path: Path):
    added = plastinate("models", "add", brought)
    assert added.returncode == 0, added.stderr
    assert "--recipe own:ball" in added.stdout
    assert "own:ball" in plastinate("recipes").stdout
    assert "own-net" in plastinate("plan", "own:ball").stdout

    scan, out = write_bead(tmp_path / "scan"), tmp_path / "out"
    built = plastinate("build", scan, "-o", out, "--recipe", "own:ball", *QUICK, "--json")

    assert built.returncode == 0, built.stderr
    assert (out / "models" / "my-ball.stl").exists()
    evidence = json.loads((out / "certificate.json").read_text())
    volume = evidence["quality"]["my-ball"]["full"]["volume_ml"]
    assert volume == pytest.approx(BALL_ML, rel=0.03)
    between = evidence["volume_ranges"]["my-ball"]
    assert between["least_ml"] < volume < between["greatest_ml"]
    assert [model["name"] for model in evidence["inputs"]["models"]] == ["ball"]


@pytest.mark.slow
def test_a_scan_of_another_kind_and_a_card_that_lies_are_refused_in_words(brought: Path, tmp_path: Path):
    assert plastinate("models", "add", brought).returncode == 0
    scan = write_bead(tmp_path / "scan", Scan(modality="MR"))
    ran = plastinate("build", scan, "-o", tmp_path / "out", "--recipe", "own:ball", *QUICK)
    assert ran.returncode == 5
    assert "[recipe.wrong-modality]" in ran.stderr

    # A file that does not say how many channels it gives: only its answers do.
    (brought.parent / "ball.onnx").write_bytes(above(HALF_WAY, tells_channels=False))
    brought.write_text(brought.read_text().replace("[output.labels]", '[output.labels]\n2 = "another"'))
    assert plastinate("models", "add", brought).returncode == 0
    scan = write_bead(tmp_path / "ct")
    ran = plastinate("build", scan, "-o", tmp_path / "out", "--recipe", "own:ball", *QUICK)
    assert ran.returncode == 7
    assert "[model.card-flaw]" in ran.stderr
    assert "the card says 1 x 3" in ran.stderr
    assert not (tmp_path / "out").exists()
