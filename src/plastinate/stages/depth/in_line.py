"""Two pictures from two places -> the same two as if the second camera had only been moved to the right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from plastinate.model.errors import ParameterError

Rgb = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

# Rows that lie no farther apart than this are in line: the matcher bridges it.
IN_LINE_PX = 0.75
# Fewer places than these, found in both pictures, are no proof that both show the same thing.
PLACES_MIN = 30
# The strongest of each picture: matching them takes as long as their number squared.
FEATURES = 1500
# A match counts where the second best is so much worse.
DISTINCT = 0.75
OFF_LINE_PX = 1.0


@dataclass(frozen=True, eq=False)
class Turned:
    """Both pictures on one plane, rows in line.

    Attributes:
        left, right: (R, C, 3) turned.
        degrees: how far the second camera had been turned.
        rotation: (3, 3) from the first camera to the common one.
        camera: (3, 3) of the common one.
        before: (3, 3) of the first.
    """

    left: Rgb
    right: Rgb
    degrees: float
    rotation: Matrix
    camera: Matrix
    before: Matrix

    def seen_from_before(
        self, depth: Plane, agrees: npt.NDArray[np.bool_]
    ) -> tuple[Plane, npt.NDArray[np.bool_]]:
        """Depth along the common axis -> along that of the first camera, on its own grid."""
        rows, columns = np.mgrid[: depth.shape[0], : depth.shape[1]].astype(np.float64)
        rays = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(self.before).T
        turned = rays @ self.rotation.T
        places = turned @ self.camera.T
        x, y = (places[..., axis] / places[..., 2] for axis in (0, 1))
        column = np.clip(np.rint(x), 0, depth.shape[1] - 1).astype(np.int64)
        row = np.clip(np.rint(y), 0, depth.shape[0] - 1).astype(np.int64)
        is_inside = (np.abs(column - x) <= 1) & (np.abs(row - y) <= 1)
        points = turned / turned[..., 2:] * depth[row, column][..., None]
        along = (points @ self.rotation)[..., 2]
        return np.maximum(along, 1e-6).astype(np.float32), agrees[row, column] & is_inside


def brought_in_line(cv2: Any, left: Rgb, right: Rgb, focal_px: float) -> Turned | None:
    """Find how the second camera stood to the first, and turn both pictures onto one plane.

    Args:
        cv2: OpenCV.
        left, right: (R, C, 3) of one size.
        focal_px: of both lenses.

    Returns:
        None where the rows are in line already.

    Raises:
        ParameterError: both do not show the same, or the second was not taken from a place to the right.

    Source: five-point method and rectification of OpenCV (findEssentialMat, recoverPose, stereoRectify).
    """
    first, second = _places_in_both(cv2, left, right)
    if np.median(np.abs(first[:, 1] - second[:, 1])) <= IN_LINE_PX:
        return None
    size = (left.shape[1], left.shape[0])
    camera = np.array([[focal_px, 0, (size[0] - 1) / 2], [0, focal_px, (size[1] - 1) / 2], [0, 0, 1.0]])
    cv2.setRNGSeed(1)
    essential, inside = cv2.findEssentialMat(first, second, camera, cv2.RANSAC, 0.999, OFF_LINE_PX)
    if essential is None or essential.shape != (3, 3) or int(inside.sum()) < PLACES_MIN:
        raise not_a_pair()
    count, rotation, way, _ = cv2.recoverPose(essential, first, second, camera, mask=inside)
    if count < PLACES_MIN or way[0, 0] > -0.7:
        raise not_a_pair()
    none = np.zeros(5)
    ours, theirs, common, shifted, *_ = cv2.stereoRectify(
        camera, none, camera, none, size, rotation, way, flags=cv2.CALIB_ZERO_DISPARITY, alpha=-1
    )
    turned = [
        cv2.remap(
            picture,
            *cv2.initUndistortRectifyMap(camera, none, turn, new, size, cv2.CV_32FC1),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for picture, turn, new in ((left, ours, common), (right, theirs, shifted))
    ]
    angle = np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1)))
    # The common lens is as long as the first one's: a disparity means what it meant.
    target = np.asarray(common[:, :3], dtype=np.float64)
    return Turned(turned[0], turned[1], float(angle), np.asarray(ours, dtype=np.float64), target, camera)


def _places_in_both(cv2: Any, left: Rgb, right: Rgb) -> tuple[Matrix, Matrix]:
    finder = cv2.SIFT_create(FEATURES)
    (ours, words), (theirs, others) = (
        finder.detectAndCompute(cv2.cvtColor(each, cv2.COLOR_RGB2GRAY), None) for each in (left, right)
    )
    if words is None or others is None or min(len(ours), len(theirs)) < PLACES_MIN:
        raise not_a_pair()
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(words, others, k=2)
    kept = [
        one
        for one, other in (pair for pair in pairs if len(pair) == 2)
        if one.distance < DISTINCT * other.distance
    ]
    if len(kept) < PLACES_MIN:
        raise not_a_pair()
    first = np.array([ours[each.queryIdx].pt for each in kept], dtype=np.float64)
    second = np.array([theirs[each.trainIdx].pt for each in kept], dtype=np.float64)
    return first, second


def not_a_pair() -> ParameterError:
    """The refusal of two pictures that nothing can be measured in."""
    error = ParameterError("The two pictures are no pair: they do not show the same thing from two places.")
    error.hint = (
        "Take the second one a hand's breadth to the right of the first, with as much of the same in it."
    )
    return error
