"""Points along an outline -> the ellipse that fits them, by true distances, and how sure its axes are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]

ROUNDS = 12
# Tukey's biweight lets go of what lies farther than this many deviations; 4.685 keeps 95 % of the efficiency.
LET_GO = 4.685
MAD_TO_DEVIATION = 1.4826


@dataclass(frozen=True)
class Ellipse:
    """An ellipse in a picture.

    Attributes:
        column, row: its centre.
        long, short: half axes, pixels.
        angle: of the long one, from the columns towards the rows, radians.
    """

    column: float
    row: float
    long: float
    short: float
    angle: float

    @property
    def ends(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ends of the long axis, (column, row) each."""
        across, down = self.long * np.cos(self.angle), self.long * np.sin(self.angle)
        return (
            (float(self.column - across), float(self.row - down)),
            (float(self.column + across), float(self.row + down)),
        )

    def around(self, count: int) -> tuple[Points, Points]:
        """(N, 2) places along it (column, row), and (N, 2) unit vectors that point out of it there."""
        turn = np.arange(count) * 2.0 * np.pi / count
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        rotation = np.array([[cosine, sine], [-sine, cosine]])
        places = np.stack([self.long * np.cos(turn), self.short * np.sin(turn)], axis=1) @ rotation
        normals = np.stack([np.cos(turn) / self.long, np.sin(turn) / self.short], axis=1) @ rotation
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return places + np.array([self.column, self.row]), normals

    def distance_within(self, points: Points) -> npt.NDArray[np.float64]:
        """(N, 2) places -> (N,) how far each lies within it, pixels; below 0 outside; to first order."""
        place = np.array([self.column, self.row, self.long, self.short, self.angle])
        return np.asarray(-_distances(place, points)[0])

    def holds(self, column: float, row: float) -> bool:
        """Whether a place lies within it."""
        x, y = column - self.column, row - self.row
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        along, beside = x * cosine + y * sine, y * cosine - x * sine
        return bool((along / self.long) ** 2 + (beside / self.short) ** 2 <= 1.0)


@dataclass(frozen=True)
class Fit:
    """An ellipse that was fitted.

    Attributes:
        ellipse: the best one.
        long_deviation: standard deviation of its long half axis, pixels.
        residual: typical distance of a point from it, pixels, by the median.
    """

    ellipse: Ellipse
    long_deviation: float
    residual: float


def ellipse_of_conic(conic: npt.NDArray[np.float64]) -> Ellipse | None:
    """Numbers of a x^2 + b x y + c y^2 + d x + e y + f = 0 -> the ellipse; None where it is none.

    >>> found = ellipse_of_conic(np.array([1.0, 0.0, 4.0, 0.0, 0.0, -4.0]))
    >>> round(found.long, 6), round(found.short, 6)
    (2.0, 1.0)
    """
    a, b, c, d, e, f = (float(value) for value in conic)
    matrix = np.array([[a, b / 2.0], [b / 2.0, c]])
    if not np.isfinite(conic).all() or np.linalg.det(matrix) <= 1e-18 * max(abs(a), abs(c), 1e-300) ** 2:
        return None
    centre = np.linalg.solve(matrix, [-d / 2.0, -e / 2.0])
    level = f + (d * centre[0] + e * centre[1]) / 2.0
    values, vectors = np.linalg.eigh(matrix)
    squares = -level / values
    if not (np.isfinite(squares).all() and (squares > 0).all()):
        return None
    axes = np.sqrt(squares)
    longest = int(np.argmax(axes))
    along = vectors[:, longest]
    return Ellipse(
        float(centre[0]),
        float(centre[1]),
        float(axes[longest]),
        float(axes[1 - longest]),
        float(np.arctan2(along[1], along[0])),
    )


def refined(start: Ellipse, points: Points, *, apart_px: float) -> Fit | None:
    """Fit an ellipse to points by Gauss and Newton's way, with the weight of outliers falling to nothing.

    Args:
        start: near the answer.
        points: (N, 2) column and row.
        apart_px: along the outline, points nearer than this share their error and count as one.

    Returns:
        The fit; None where the points lead to no ellipse.

    Source: distances to first order as in Sampson, "Fitting conic sections to very scattered data",
    Computer Graphics and Image Processing 18 (1982); weights of Tukey.
    """
    place = np.array([start.column, start.row, start.long, start.short, start.angle])
    weights = np.ones(len(points))
    for _ in range(ROUNDS):
        distance, slopes = _distances(place, points)
        deviation = max(MAD_TO_DEVIATION * float(np.median(np.abs(distance))), 0.02)
        weights = np.clip(1.0 - (distance / (LET_GO * deviation)) ** 2, 0.0, None) ** 2
        normal = slopes.T @ (slopes * weights[:, None]) + 1e-9 * np.eye(5)
        step = np.linalg.solve(normal, slopes.T @ (weights * distance))
        place = place - step
        if not np.isfinite(place).all() or place[2] <= 0 or place[3] <= 0:
            return None
        if np.abs(step[:4]).max() < 1e-4:
            break
    distance, slopes = _distances(place, points)
    deviation = max(MAD_TO_DEVIATION * float(np.median(np.abs(distance))), 0.02)
    normal = slopes.T @ (slopes * weights[:, None]) + 1e-9 * np.eye(5)
    circumference = np.pi * (place[2] + place[3])
    sharing = max(1.0, len(points) * apart_px / circumference)
    covariance = np.linalg.inv(normal) * deviation**2 * sharing
    long, short, angle = float(place[2]), float(place[3]), float(place[4])
    wide = 2 if long >= short else 3
    if long < short:
        long, short, angle = short, long, angle + np.pi / 2.0
    return Fit(
        Ellipse(float(place[0]), float(place[1]), long, short, angle),
        float(np.sqrt(max(covariance[wide, wide], 0.0))),
        deviation,
    )


def _distances(place: npt.NDArray[np.float64], points: Points) -> tuple[Points, Points]:
    """(N,) signed distances outwards, and (N, 5) how each changes with the five numbers of the ellipse."""
    column, row, long, short, angle = place
    cosine, sine = np.cos(angle), np.sin(angle)
    x, y = points[:, 0] - column, points[:, 1] - row
    u, v = x * cosine + y * sine, y * cosine - x * sine
    level = np.sqrt((u / long) ** 2 + (v / short) ** 2)
    level = np.maximum(level, 1e-6)
    du, dv = u / (long**2 * level), v / (short**2 * level)
    steep = np.maximum(np.hypot(du, dv), 1e-9)
    slopes = np.stack(
        [
            -du * cosine + dv * sine,
            -du * sine - dv * cosine,
            -(u**2) / (long**3 * level),
            -(v**2) / (short**3 * level),
            du * v - dv * u,
        ],
        axis=1,
    )
    return (level - 1.0) / steep, slopes / steep[:, None]
