"""Findings without end flow in, a few of each kind and the number of the others come out.

A zip of a hundred thousand links would otherwise become a hundred thousand sentences, which the
archive keeps, every page of the case shows, and every process on the way holds in memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from plastinate.model.evidence import Finding

LISTED_MAX = 20
# Names of files that one reason is given for.
LISTED_NAMES_MAX = 1000


class FewFindings(list[Finding]):
    """A list that keeps the first twenty findings of each code and counts the rest."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: Counter[str] = Counter()

    def append(self, finding: Finding) -> None:
        """Add one, or only count it."""
        self._seen[finding.code] += 1
        if self._seen[finding.code] <= LISTED_MAX:
            super().append(finding)

    def extend(self, findings: Iterable[Finding]) -> None:
        """Add several, or only count them."""
        for finding in findings:
            self.append(finding)

    def with_the_rest(self) -> tuple[Finding, ...]:
        """Those that were kept, and one for each code of which there were more."""
        more = [
            Finding(
                code,
                "problem",
                f"{count - LISTED_MAX:,} more were left out for reasons of this kind.",
                details={"files": count - LISTED_MAX},
            )
            for code, count in self._seen.items()
            if count > LISTED_MAX
        ]
        return (*self, *more)
