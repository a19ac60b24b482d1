"""A card and its ONNX file -> a network held to its card at every patch, and how likely each label is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from plastinate.depot import RunCard
from plastinate.model.depot_errors import ModelCardFlaw, NetworkUnsound
from plastinate.nets.guarded_session import asked, opened
from plastinate.nets.session import Session

Floats = npt.NDArray[np.float32]

# What rounding leaves of a likelihood that should lie from 0 to 1, and of a sum that should be 1.
ROUNDING = 0.01


class CardNetwork:
    """A network that somebody else has described; what it says is never taken on trust.

    Args:
        name: of the model, for messages.
        run: its card.
        path: its ONNX file.
        session: what runs it; None opens the file.

    Raises:
        ModelCardFlaw: it keeps numbers in another file, or holds a loop.
        NetworkUnsound: no runtime here can load it.
    """

    def __init__(self, name: str, run: RunCard, path: Path, *, session: Session | None = None) -> None:
        self._name = name
        self._run = run
        self._lowest = np.inf
        self._highest = -np.inf
        self._session = session or opened(name, path, is_pinned_here=False)

    def __call__(self, patch: Floats) -> Floats:
        """The answer to one patch: (1, 1, *sizes) -> (channels, *sizes) float32, as the card promises it.

        A network that gives label numbers answers with one channel for each, the background first: 1 where
        the label is, 0 elsewhere, so that answers can be averaged.

        Raises:
            ModelCardFlaw: the answer is not what the card says.
            NetworkUnsound: it fails, or gives what is no number.
            MemoryShort: there was not enough memory for this patch.
        """
        answer = asked(self._name, self._session, patch, what="a patch of the network")
        channels = self._run.channels
        if answer.shape != (1, channels, *patch.shape[2:]):
            told = " x ".join(map(str, answer.shape))
            wanted = " x ".join(map(str, (1, channels, *patch.shape[2:])))
            raise ModelCardFlaw(self._name, f"its network gives {told}, and the card says {wanted}")
        low, high = float(answer.min()), float(answer.max())
        if not np.isfinite([low, high]).all():
            raise NetworkUnsound(self._name, "gives what is no number (NaN or infinity)")
        if self._run.kind == "labels":
            return self._by_label(answer[0, 0])
        self._hold_to_likelihoods(answer, low, high)
        answered: Floats = answer[0]
        return answered

    def check_all_answers(self) -> None:
        """Once every patch was asked: see what no single answer shows.

        Raises:
            ModelCardFlaw: likelihoods came where the card promises logits.
        """
        is_within = self._lowest >= 0 and self._highest <= 1
        if self._run.kind == "sigmoid" and self._run.gives_logits and is_within:
            raise self._flaw_of_logits()

    def _hold_to_likelihoods(self, answer: Floats, low: float, high: float) -> None:
        is_first = self._lowest > self._highest
        self._lowest, self._highest = min(self._lowest, low), max(self._highest, high)
        is_within = low >= -ROUNDING and high <= 1 + ROUNDING
        if not self._run.gives_logits and not is_within:
            raise ModelCardFlaw(
                self._name,
                f"its network gives numbers from {low:g} to {high:g}, and with gives_logits = false "
                "they have to lie from 0 to 1",
            )
        if is_first and is_within and self._run.gives_logits and self._run.kind == "softmax":
            sums = answer.sum(axis=1)
            if np.abs(sums - 1).max() < ROUNDING:
                raise self._flaw_of_logits()

    def _flaw_of_logits(self) -> ModelCardFlaw:
        return ModelCardFlaw(
            self._name, "its network gives likelihoods, and the card says logits: gives_logits = false"
        )

    def _by_label(self, numbers: Floats) -> Floats:
        known = (0, *self._run.labels)
        answer = np.stack([numbers == number for number in known]).astype(np.float32)
        if not answer.any(axis=0).all():
            strange = float(numbers[~answer.any(axis=0)][0])
            raise ModelCardFlaw(
                self._name, f"its network gives the label {strange:g}, which the card does not name"
            )
        return answer


def likelihoods(answer: Floats, run: RunCard, *, labels: Sequence[int]) -> tuple[Floats, Floats | None]:
    """Averaged answers -> how likely each voxel is each of these labels.

    Args:
        answer: (channels, ...) as `CardNetwork` gives them.
        run: the card.
        labels: numbers of the labels wanted.

    Returns:
        (labels, ...) float32 from 0 to 1; and (...) the likeliest of everything else, None where labels
        do not exclude each other.
    """
    if run.kind == "sigmoid":
        chosen = answer[[number - 1 for number in labels]]
        return (_sigmoid(chosen) if run.gives_logits else chosen), None
    shares = answer
    if run.kind == "softmax" and run.gives_logits:
        shares = np.exp(answer - answer.max(axis=0))
        shares /= shares.sum(axis=0)
    known = list(run.labels)
    channels = [1 + known.index(number) if run.kind == "labels" else number for number in labels]
    others = [channel for channel in range(shares.shape[0]) if channel not in channels]
    return shares[channels], shares[others].max(axis=0)


def _sigmoid(logits: Floats) -> Floats:
    # Beyond 60 the exponential of a float32 has no room left, and the answer is 0 or 1 long before.
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -60, 60))), dtype=np.float32)
