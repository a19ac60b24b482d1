"""A picture -> what a network for pictures answers about it, on a grid of any size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.depot_errors import NetworkUnsound
from plastinate.nets.guarded_session import asked, opened
from plastinate.nets.session import Session

Plane = npt.NDArray[np.float32]
Rgb = npt.NDArray[np.uint8]

# What pictures of ImageNet average and vary by, in each colour, 0 to 1.
IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# A strip that is longer is squeezed: the work of an attentive network grows with the square of what it sees.
LONGEST_TO_SHORTEST = 2.5
# Rows and columns of an answer that is one plane, and no list of numbers.
LEAST_ANSWERED = 8


class PictureNet:
    """A network that sees a picture and answers with one plane over all of it.

    Args:
        model: an ONNX file: 1 x 3 x rows x columns in, one plane out.
        side: pixels along each side of the square that it sees; along the shorter side where it takes any.
        normalised: colours are brought to the mean and deviation of ImageNet first.
        patch: 0 for a network that sees squares; else it takes any size in multiples of this, and sees the
            picture in its own proportions.
        name: of the model, for messages.
        is_pinned_here: see `opened`.
        engine: see `open_session`; "" takes ONNX Runtime for a network that takes any size.

    Raises:
        NetworkUnsound, ModelCardFlaw: as `opened`.
    """

    def __init__(
        self,
        model: Path,
        *,
        side: int,
        normalised: bool,
        patch: int = 0,
        name: str = "",
        is_pinned_here: bool = True,
        engine: str = "",
    ) -> None:
        self._name = name or model.stem
        # OpenVINO compiles anew for every size, which for an attentive network takes longer than its answer.
        wanted = engine or ("onnxruntime" if patch else "")
        self._session: Session = opened(self._name, model, engine=wanted, is_pinned_here=is_pinned_here)
        self.side = side
        self._normalised = normalised
        self._patch = patch

    @property
    def engine(self) -> str:
        """What runs it, for the evidence."""
        return self._session.engine

    def answer(self, rgb: Rgb, *, share: float = 1.0) -> Plane:
        """The network's answer to a picture, brought to a size that it sees.

        Args:
            rgb: (R, C, 3) uint8.
            share: of its usual side, for one that takes any size.

        Returns:
            (rows, columns) float32, over all of the picture; most answer as finely as they see.

        Raises:
            NetworkUnsound: it fails, or gives another shape or what is no number.
            MemoryShort: there was not enough memory for this picture.
        """
        shape = self._seen_shape(rgb.shape, share)
        seen = resized_rgb(rgb, shape).astype(np.float32) / 255.0
        if self._normalised:
            mean, deviation = (np.array(each, np.float32) for each in (IMAGENET_MEAN, IMAGENET_DEVIATION))
            seen = (seen - mean) / deviation
        planes = np.ascontiguousarray(seen.transpose(2, 0, 1)[None], dtype=np.float32)
        answer = asked(self._name, self._session, planes, what="a picture of the network")
        plane = answer.shape[-2:]
        if answer.ndim < 2 or min(plane) < LEAST_ANSWERED or answer.size != plane[0] * plane[1]:
            told, wanted = (" x ".join(map(str, each)) for each in (answer.shape, shape))
            raise NetworkUnsound(self._name, f"gives {told}, and one plane over {wanted} is wanted")
        if not np.isfinite(answer).all():
            raise NetworkUnsound(self._name, "gives what is no number (NaN or infinity)")
        return np.ascontiguousarray(answer.reshape(plane), dtype=np.float32)

    def longest_seen(self, shape: tuple[int, ...]) -> int:
        """Pixels along the longer side of what it sees of a picture of this shape."""
        return max(self._seen_shape(shape, 1.0))

    def _seen_shape(self, shape: tuple[int, ...], share: float) -> tuple[int, int]:
        if not self._patch:
            return self.side, self.side
        shorter = min(shape[:2])
        patches = [
            max(1, round(share * self.side * min(length / shorter, LONGEST_TO_SHORTEST) / self._patch))
            for length in shape[:2]
        ]
        return patches[0] * self._patch, patches[1] * self._patch


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
