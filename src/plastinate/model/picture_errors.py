"""Every error about what is looked for in one picture. The rest stand in `errors.py`.

PlastinateError
└── InputError
    ├── NoCoin           where somebody pointed, nothing round is seen             exit 3
    └── NoRulerMarks     along a line no evenly spaced marks are seen
"""

from __future__ import annotations

from plastinate.model.errors import InputError


class NoCoin(InputError):
    """Where a coin was said to lie, no outline of one is seen."""

    code = "input.no-coin"
    hint = (
        "Point at the middle of a coin that lies whole in the picture, sharp and before another colour, "
        "or give two points across it: X1,Y1,X2,Y2,MM."
    )

    def __init__(self, column: float, row: float, reason: str) -> None:
        super().__init__(f"No coin is found at {column:g},{row:g}: {reason}.")
        self.reason = reason


class NoRulerMarks(InputError):
    """Along a line that was said to cross the marks of a ruler, none are seen."""

    code = "input.no-ruler-marks"
    hint = (
        "Draw the line across the marks, with all of them equally dark on it and ten at least, "
        "or give two marks and their distance: X1,Y1,X2,Y2,MM."
    )

    def __init__(self, reason: str) -> None:
        super().__init__(f"No marks of a ruler are found along the line: {reason}.")
        self.reason = reason
