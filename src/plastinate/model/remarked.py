"""What a step made, with what it noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.evidence import Finding


@dataclass(frozen=True, eq=False)
class Remarked:
    """Masks of a segmentation step that has something to say about them.

    A method with nothing to say returns its masks as they are.

    Attributes:
        masks: (S, R, C) bool each, in the order of the step's `into`.
        findings: join those of the run; where `verify/plausibility.py` knows the code of one, it casts
            doubt on every structure that the step makes.
        likelihoods: (S, R, C) float16 each, 0 to 1, in the order of the masks, or None where a mask has
            none; at least 0.5 in the mask and less outside it. Empty where the method knows none.
    """

    masks: tuple[npt.NDArray[np.bool_], ...]
    findings: tuple[Finding, ...]
    likelihoods: tuple[npt.NDArray[np.float16] | None, ...] = ()
