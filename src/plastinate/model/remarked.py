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
    """

    masks: tuple[npt.NDArray[np.bool_], ...]
    findings: tuple[Finding, ...]
