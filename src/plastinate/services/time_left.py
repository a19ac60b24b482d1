"""How earlier jobs went along -> how long one that runs will still take, or nothing where nobody can tell.

A share of the work is not a share of the time: a long step moves the bar once, at its end. So each job keeps
when it passed which share, and what is left is read from the courses of jobs like it, stretched by how much
slower this one has been so far. Between two marks the guess only falls, as the time that passes does.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Marks = Sequence[Sequence[float]]

# Below this share the beginning says little about the rest: reading is quick, surfaces are not.
TELLING_SHARE = 0.25
# A job may be so many times slower or quicker than another like it; beyond that one of them was held up.
PACE_MAX = 10.0
# What a job is about, of all that is asked for: jobs that agree in it go through the same steps.
SUBJECT = ("recipe", "organs", "threshold", "prompts", "picture")


@dataclass(frozen=True)
class Course:
    """How a job went along.

    Attributes:
        marks: (share done, seconds since its beginning), both rising.
        total_s: seconds from its beginning to its end.
    """

    marks: Marks
    total_s: float

    def reached_s(self, share: float) -> float:
        """After how many seconds this share was done; even between two marks.

        >>> Course([(0.5, 8.0)], 10.0).reached_s(0.25), Course([(0.5, 8.0)], 10.0).reached_s(0.75)
        (4.0, 9.0)
        """
        known = [(0.0, 0.0), *((float(each[0]), float(each[1])) for each in self.marks)]
        known.append((1.0, self.total_s))
        place = bisect_left(known, share, key=lambda mark: mark[0])
        if place == 0:
            return 0.0
        (before, begun_s), (after, ended_s) = known[place - 1], known[min(place, len(known) - 1)]
        within = (share - before) / (after - before) if after > before else 1.0
        return min(begun_s + within * (ended_s - begun_s), self.total_s)


def guess_left_s(elapsed_s: float, marks: Marks, courses: Sequence[Course]) -> float | None:
    """Seconds until a running job is done.

    Args:
        elapsed_s: since its beginning.
        marks: its own, so far.
        courses: of jobs like it.

    Returns:
        The middle of what each course says; None where there is none, or where it is overdue.

    >>> guess_left_s(5.0, [(0.5, 4.0)], [Course([(0.5, 8.0)], 10.0)])
    0.0
    """
    if not courses:
        return None
    share, since_s = (float(marks[-1][0]), float(marks[-1][1])) if marks else (0.0, 0.0)
    weight = min(1.0, share / TELLING_SHARE)
    guesses = []
    for course in courses:
        passed_s = course.reached_s(share)
        pace = since_s / passed_s if passed_s > 0.0 and since_s > 0.0 else 1.0
        pace = min(max(pace, 1.0 / PACE_MAX), PACE_MAX)
        guesses.append((course.total_s - passed_s) * pace**weight)
    left_s = median(guesses) - (elapsed_s - since_s)
    return left_s if left_s >= 0.0 else None


def is_alike(request: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two jobs are about the same thing, of whatever scan.

    >>> is_alike({"recipe": "ct-chest", "formats": ["glb"]}, {"recipe": "ct-chest"})
    True
    """
    return all(_subject(request, key) == _subject(other, key) for key in SUBJECT)


def _subject(request: Mapping[str, Any], key: str) -> Any:
    value = request.get(key)
    if key == "picture" and value:
        return value["kind"], value["without_network"], bool(value.get("is_pair"))
    # Whatever the window and wherever it was drawn, the steps are the same.
    return bool(value) if key in ("threshold", "prompts") else value or None
