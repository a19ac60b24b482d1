"""A slice and a box on it -> ln odds of each pixel, by the network that `lite_medsam.py` writes down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.nets.lite_medsam import MODEL, PICTURE, decoder_graph, encoder_graph, place_code
from plastinate.nets.read_torch_zip import Weights, read_torch_zip
from plastinate.nets.session import Session, open_session

Floats = npt.NDArray[np.float32]

# What the network calls the upper left and the lower right corner of a box. It was taught boxes and nothing
# else: asked about a point, as it could be by its form, it answers with an empty mask (Dice 0.00 of 11 organs
# on a chest CT), so nobody asks it.
CORNERS = ("prompt_encoder.point_embeddings.2.weight", "prompt_encoder.point_embeddings.3.weight")


@dataclass(frozen=True, eq=False)
class BoxPrompter:
    """The network, ready.

    Attributes:
        looks, answers: its two halves.
        weights: the waves and the two corners, which are all that a box is made into.
    """

    looks: Session
    answers: Session
    weights: Weights

    def embedding(self, picture: Floats) -> Floats:
        """(1, 256, 64, 64) what it sees in a picture; the slow half.

        Args:
            picture: (256, 256), 0 to 1.
        """
        return self.looks.run({"in": np.ascontiguousarray(picture, dtype=np.float32)[None, None]})

    def odds(self, embedding: Floats, box: Sequence[float]) -> Floats:
        """(256, 256) ln odds that a pixel belongs to what the box holds; the quick half.

        Args:
            embedding: of the picture.
            box: x and y of its first and of its last pixel: left, top, right, bottom.
        """
        corners = (np.array(box, dtype=np.float64).reshape(2, 2) + 0.5) / PICTURE
        code = place_code(self.weights, corners)
        code = code + np.concatenate([self.weights[name] for name in CORNERS])
        asked = {"image": embedding, "prompts": code[None, None].astype(np.float32)}
        return np.asarray(self.answers.run(asked)[0, 0])


def open_prompter(weights: Path, *, threads: int | None = None) -> BoxPrompter:
    """Load both halves.

    Args:
        weights: the PyTorch file, already checked.
        threads: how many at most; None for all there are.

    Raises:
        ModelDamaged: its layers are others.
    """
    looks = open_session(encoder_graph(weights), threads=threads)
    answers = open_session(decoder_graph(weights), threads=threads)
    known = read_torch_zip(weights, model=MODEL)
    wanted = ("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix", *CORNERS)
    return BoxPrompter(looks, answers, {name: known[name] for name in wanted})
