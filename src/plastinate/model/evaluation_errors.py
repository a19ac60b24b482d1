"""Every error about scoring against references. The rest stand in `errors.py`.

PlastinateError
└── EvaluationError        what to score, or against what, does not hold together    exit 5
    ├── CasesFlaw          the file of cases does not follow the format
    └── ReferenceMissing, ReferenceElsewhere    cost only their own case
"""

from __future__ import annotations

from plastinate.model.errors import PlastinateError


class EvaluationError(PlastinateError):
    """Scoring cannot be done as asked."""

    code = "evaluation.error"
    hint = "docs/reference/evaluation-cases.md tells how cases are written down."
    exit_status = 5


class CasesFlaw(EvaluationError):
    """A file of cases that does not follow the format."""

    code = "evaluation.cases-flaw"

    def __init__(self, file: str, flaw: str) -> None:
        super().__init__(f"The file of cases {file} was refused: {flaw}.")
        self.file = file
        self.flaw = flaw


class ReferenceMissing(EvaluationError):
    """What a case is to be scored against cannot be had."""

    code = "evaluation.no-reference"
    hint = "Put the file there, or say with --data where scans and references lie; other cases go on."

    def __init__(self, case: str, reason: str) -> None:
        super().__init__(f"The reference of the case {case!r} cannot be used: {reason}.")
        self.case = case
        self.reason = reason


class ReferenceElsewhere(EvaluationError):
    """A reference that does not lie where its scan lies."""

    code = "evaluation.reference-elsewhere"
    hint = "Check that both files are of one scan, and that neither has lost its place (origin, axes)."

    def __init__(self, case: str, *, share_inside: float) -> None:
        super().__init__(f"Only {share_inside:.0%} of the reference of the case {case!r} lies in its scan.")
        self.case = case
        self.share_inside = share_inside
