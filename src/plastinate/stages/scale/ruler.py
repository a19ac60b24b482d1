"""A picture and a line across a ruler's marks -> how far its first mark lies from its last, counted.

The brightness along the line is a wave whose period is the marks' distance. Seen aslant the period grows
along the line, so both are looked for together. Then each mark's place is fitted with the map that takes even
steps along a straight line into a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import ParameterError
from plastinate.model.picture import Picture
from plastinate.model.picture_errors import NoRulerMarks
from plastinate.model.reference import Reference, Ruler, may_be_a_length, place_in
from plastinate.stages.scale.ellipse import MAD_TO_DEVIATION
from plastinate.stages.scale.round_outlines import halved, sampled

Line = npt.NDArray[np.float64]

# The brightness is read at every half pixel, over a strip of five.
STEP_PX = 0.5
STRIP_PX = np.arange(-2.0, 3.0)
# Closer together than this, marks and the spaces between them share their pixels.
PERIOD_PX_MIN = 3.0
# Of fewer, noise has as many as even as these.
FEWEST_MARKS = 10
# The last period is at most so many times the first: a ruler that runs away at 60 degrees and fills the view.
GROWTH = 1.8
GROWTHS = 41
# A mark whose wave is weaker than this share of the usual one is hidden; so many have to be seen.
HIDDEN, SEEN_SHARE = 0.35, 0.7
# Even marks lie this near to where the map puts them, in periods.
STRAY = 0.12
# The wave explains so much of the brightness that is left without slow changes; of noise, with the
# best of all periods and growths, at most 0.37 on 300 lines.
EXPLAINED = 0.5
# Ends are believed no better than this: on drawn rulers it made nine intervals of ten hold the truth.
EDGE_PX = 0.3


@dataclass(frozen=True)
class _Marks:
    """Marks along a line.

    Attributes:
        numbers: (N,) counted from the first one seen.
        places_px: (N,) where the map puts them, from the line's beginning.
        deviation_px: of the distance between the first and the last.
        seen_share: how many of those between them were seen.
    """

    numbers: npt.NDArray[np.int64]
    places_px: Line
    deviation_px: float
    seen_share: float


def find_ruler(picture: Picture, ruler: Ruler) -> Reference:
    """The first and the last mark of a ruler that a line crosses, and how far apart they are.

    Args:
        picture: in which it lies.
        ruler: the line, and from one of the marks that it crosses to the next, mm.

    Raises:
        NoRulerMarks: too few marks, or none that are even.
        ParameterError: an end of the line outside the picture, or no distance.
    """
    if not (np.isfinite([*ruler.first, *ruler.second]).all() and may_be_a_length(ruler.tick_mm)):
        raise ParameterError("A ruler has two points of the picture and a distance of its marks above 0.")
    first, second = (np.array(place_in(picture, end)) for end in (ruler.first, ruler.second))
    length = float(np.linalg.norm(second - first))
    if length < FEWEST_MARKS * PERIOD_PX_MIN:
        raise NoRulerMarks(f"it is {length:.0f} pixels long, too short for {FEWEST_MARKS} marks")
    along = (second - first) / length
    wave = _brightness(picture, first, along, length)
    marks = _marks(wave, length)
    ends = [first + along * marks.places_px[index] for index in (0, -1)]
    apart = float(marks.places_px[-1] - marks.places_px[0])
    count = int(marks.numbers[-1] - marks.numbers[0])
    steps = np.diff(marks.places_px) / np.diff(marks.numbers)
    return Reference(
        (float(ends[0][0] / picture.shrunk), float(ends[0][1] / picture.shrunk)),
        (float(ends[1][0] / picture.shrunk), float(ends[1][1] / picture.shrunk)),
        count * ruler.tick_mm,
        found_by="a ruler",
        doubt_share=float(np.hypot(1.96 * marks.deviation_px, EDGE_PX)) / apart,
        facts=(
            ("marks", count + 1),
            ("mark_mm", ruler.tick_mm),
            ("marks_seen_share", round(marks.seen_share, 3)),
            ("first_step_px", round(float(steps[0]) / picture.shrunk, 2)),
            ("last_step_px", round(float(steps[-1]) / picture.shrunk, 2)),
        ),
    )


def _brightness(picture: Picture, first: Line, along: Line, length: float) -> Line:
    """How bright the strip along the line is, at every half pixel."""
    beside = np.array([-along[1], along[0]])
    at = np.arange(0.0, length + STEP_PX / 2, STEP_PX)
    places = first + at[:, None, None] * along + STRIP_PX[None, :, None] * beside
    colours = sampled(halved(picture.rgb)[:1], places[..., 0], places[..., 1], level=0)
    return np.asarray(colours.mean(axis=(1, 2)), dtype=np.float64)


def _marks(wave: Line, length: float) -> _Marks:
    period, growth = _period(wave, length)
    count = _phase(np.array([length]), period, growth, length)[0]
    if count + 1 < FEWEST_MARKS:
        raise NoRulerMarks(f"it crosses {int(count) + 1}, and {FEWEST_MARKS} are needed")
    numbers, places, weights = _each_mark(wave, length, period, growth)
    fitted, deviation, kept, covariance = _projected(numbers, places, weights)
    steps = np.diff(fitted) / np.diff(numbers)
    if kept.sum() < FEWEST_MARKS or deviation > STRAY * float(np.median(steps)):
        raise NoRulerMarks("what repeats along it does not do so evenly")
    seen = np.flatnonzero(kept)
    low, high = seen[0], seen[-1]
    share = float(len(seen) / (numbers[high] - numbers[low] + 1))
    if share < SEEN_SHARE or high - low + 1 < FEWEST_MARKS:
        raise NoRulerMarks("too many of them are hidden")
    if _explained(wave, fitted[low : high + 1]) < EXPLAINED:
        raise NoRulerMarks("nothing along it repeats evenly")
    ends = covariance[np.ix_([low, high], [low, high])]
    apart = float(np.sqrt(max(ends[0, 0] + ends[1, 1] - 2.0 * ends[0, 1], 0.0)))
    return _Marks(numbers[low : high + 1] - numbers[low], fitted[low : high + 1], apart, share)


def _phase(at: Line, period: float, growth: float, length: float) -> Line:
    """Marks up to a place: even steps along a line that runs away, as `growth` says, last step by first."""
    bend = (np.sqrt(growth) - 1.0) / length
    return np.asarray(at / (period * (1.0 + bend * at)))


def _period(wave: Line, length: float) -> tuple[float, float]:
    """The first step, pixels, and how many times that the last one is."""
    at: Line = np.arange(len(wave), dtype=np.float64) * STEP_PX
    best = (0.0, PERIOD_PX_MIN, 1.0)
    steps = int(2 ** np.ceil(np.log2(4 * len(wave))))
    window = np.hanning(len(wave))
    for growth in np.geomspace(1.0 / GROWTH, GROWTH, GROWTHS):
        even = _phase(at, 1.0, growth, length)
        evenly = np.linspace(0.0, even[-1], len(wave))
        straight = np.interp(evenly, even, wave)
        straight = (straight - _slow(straight)) * window
        power = np.abs(np.fft.rfft(straight, steps)) ** 2
        cycles = np.fft.rfftfreq(steps, d=evenly[1])
        # No step may be smaller than what can be seen, wherever it is along the line.
        least = PERIOD_PX_MIN / min(1.0, growth)
        power[(cycles > 1.0 / least) | (cycles < (FEWEST_MARKS - 1) / even[-1])] = 0.0
        top = int(np.argmax(power))
        if power[top] > best[0]:
            best = (float(power[top]), 1.0 / float(cycles[top]), float(growth))
    return best[1], best[2]


def _slow(wave: Line) -> Line:
    """What changes along it over a fifth of the line: light and shade."""
    reach = max(3, len(wave) // 10)
    padded = np.pad(wave, reach, mode="reflect", reflect_type="odd")
    sums = np.concatenate([[0.0], np.cumsum(padded)])
    return np.asarray((sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1))


def _explained(wave: Line, marks_px: Line) -> float:
    """The share of its variance, from the first to the last mark, that depends on the phase alone."""
    at = np.arange(len(wave)) * STEP_PX
    between = (at >= marks_px[0]) & (at <= marks_px[-1])
    rest = (wave - _slow(wave))[between]
    phase = np.interp(at[between], marks_px, np.arange(len(marks_px)))
    bins = (np.mod(phase, 1.0) * 12).astype(np.int64) % 12
    counts = np.maximum(np.bincount(bins, minlength=12), 1)
    means = np.bincount(bins, rest, minlength=12) / counts
    return float(np.var(means[bins]) / max(float(np.var(rest)), 1e-12))


def _each_mark(
    wave: Line, length: float, period: float, growth: float
) -> tuple[npt.NDArray[np.int64], Line, Line]:
    """Numbers of the marks, where each lies, pixels, and how strong its wave is."""
    at: Line = np.arange(len(wave), dtype=np.float64) * STEP_PX
    rest = wave - _slow(wave)
    phase = _phase(at, period, growth, length)
    spun = rest * np.exp(-2j * np.pi * phase)
    whole = spun.sum()
    # The whole line says where between two steps the marks lie, each mark how far it is off that.
    offset = float(np.angle(whole)) / (2.0 * np.pi)
    numbers = np.arange(int(np.ceil(0.5 + offset)), int(np.floor(phase[-1] - 0.5 + offset)) + 1)
    places, strengths = np.empty(len(numbers)), np.empty(len(numbers))
    for index, number in enumerate(numbers):
        middle = number - offset
        weight = np.clip(1.0 - np.abs(phase - middle) / 1.5, 0.0, None)
        turned = (spun * weight).sum() * np.exp(-1j * np.angle(whole))
        strengths[index] = abs(turned) / max(float(weight.sum()), 1e-9)
        places[index] = np.interp(middle - np.angle(turned) / (2.0 * np.pi), phase, at)
    return numbers, places, strengths


def _projected(
    numbers: npt.NDArray[np.int64], places: Line, strengths: Line
) -> tuple[Line, float, npt.NDArray[np.bool_], Line]:
    """Even steps seen aslant, fitted to places: (a + b n) / (1 + c n).

    Returns:
        Where the map puts each number; deviation of a place, pixels; which marks lie on it; covariance of
        the first.
    """
    usual = float(np.median(strengths)) if len(strengths) else 0.0
    strong = strengths > HIDDEN * usual
    middle = float(numbers.mean()) if len(numbers) else 0.0
    n = (numbers - middle) / max(float(np.ptp(numbers)) / 2.0 if len(numbers) else 0.0, 1.0)
    weights = strong.astype(np.float64)
    if strong.sum() < 5:
        return places, np.inf, strong, np.zeros((len(places), len(places)))
    scale = float(np.ptp(places)) / 2.0
    centre = float(places.mean())
    p = (places - centre) / scale
    deviation, solved, jacobian = np.inf, np.zeros(3), np.zeros((len(n), 3))
    for _ in range(8):
        # p (1 + c n) = a + b n, with each row as heavy as the place it stands for.
        heavy = np.sqrt(weights) / (1.0 + solved[2] * n)
        rows = np.stack([np.ones_like(n), n, -p * n], axis=1) * heavy[:, None]
        solved = np.linalg.lstsq(rows, p * heavy, rcond=None)[0]
        below = 1.0 + solved[2] * n
        fitted = (solved[0] + solved[1] * n) / below
        off = (p - fitted) * scale
        deviation = max(MAD_TO_DEVIATION * float(np.median(np.abs(off[strong]))), 0.02)
        weights = strong * np.clip(1.0 - (off / (4.685 * deviation)) ** 2, 0.0, None) ** 2
        jacobian = np.stack([1.0 / below, n / below, -fitted * n / below], axis=1)
    normal = jacobian.T @ (jacobian * weights[:, None]) + 1e-9 * np.eye(3)
    # Each place was taken from three marks: neighbours share their errors.
    covariance = jacobian @ np.linalg.inv(normal) @ jacobian.T * (deviation**2 * 2.0)
    kept = strong & (np.abs(off) < max(3.0 * deviation, 0.5))
    return fitted * scale + centre, deviation, kept, covariance
