"""A picture -> what a network for pictures answers about it, on a grid of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.nets.session import Session, open_session

Plane = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

# What pictures of ImageNet average and vary by, in each colour, 0 to 1.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class PictureNet:
    """A network that sees a picture of one size and answers with one plane.

    Args:
        model: an ONNX file: 1 x 3 x side x side in, a plane out.
        side: pixels along each side of what it sees.
        normalised: colours are brought to the mean and deviation of ImageNet first.
    """

    def __init__(self, model: Path, *, side: int, normalised: bool, engine: str = "") -> None:
        self._session: Session = open_session(model, engine=engine)
        self.side = side
        self._normalised = normalised

    @property
    def engine(self) -> str:
        """What runs it, for the evidence."""
        return self._session.engine

    def answer(self, rgb: Rgb) -> Plane:
        """The network's answer to a picture, squeezed into its square.

        Args:
            rgb: (R, C, 3) uint8.

        Returns:
            (side, side) float32.
        """
        seen = resized_rgb(rgb, (self.side, self.side)).astype(np.float32) / 255.0
        if self._normalised:
            mean, deviation = (np.array(each, np.float32) for each in (IMAGENET_MEAN, IMAGENET_DEVIATION))
            seen = (seen - mean) / deviation
        planes = np.ascontiguousarray(seen.transpose(2, 0, 1)[None], dtype=np.float32)
        answer = self._session.run({self._session.inputs[0]: planes})
        return np.ascontiguousarray(answer.reshape(answer.shape[-2:]), dtype=np.float32)


def resized_rgb(rgb: Rgb, shape: tuple[int, int]) -> Rgb:
    """A picture at another size: means of what is left out, lines between what is added."""
    image = _image(rgb)
    return np.asarray(image.resize((shape[1], shape[0]), _way(rgb.shape, shape), reducing_gap=3.0))


def resized(plane: npt.NDArray[Any], shape: tuple[int, int]) -> Plane:
    """A plane of numbers at another size, likewise.

    >>> resized(np.float32([[1, 1], [3, 3]]), (1, 1)).tolist()
    [[2.0]]
    """
    image = _image(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((shape[1], shape[0]), _way(plane.shape, shape)), dtype=np.float32)


def fitted_shape(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    """The size that keeps a picture's proportions and is so long; never larger than the picture itself.

    >>> fitted_shape((3000, 4000), 512), fitted_shape((30, 40), 512)
    ((384, 512), (30, 40))
    """
    share = min(1.0, longest / max(shape[:2]))
    return max(1, round(shape[0] * share)), max(1, round(shape[1] * share))


def _image(array: npt.NDArray[Any]) -> Any:
    from PIL import Image

    return Image.fromarray(array)


def _way(old: tuple[int, ...], new: tuple[int, int]) -> Any:
    from PIL import Image

    is_smaller = new[0] * new[1] < old[0] * old[1]
    return Image.Resampling.BOX if is_smaller else Image.Resampling.BICUBIC
