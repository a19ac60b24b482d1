"""Phantoms of known shape through the whole program, and how far off what comes out is."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from golden import test_phantoms as variants  # the very variants that the tests hold to the bounds
from judge import Judgement, judge
from phantom_series import Scan, write_series
from phantoms import ALL, WINDOW
from plastinate.api import build_model

SHAPES = tuple(name for name in ALL if name != "letters")


def _judged(shape: str, scan: Scan) -> list[Judgement]:
    phantom = ALL[shape]()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        grid = write_series(phantom, folder / "scan", scan)
        build_model(
            folder / "scan",
            threshold=WINDOW,
            name="phantom",
            output=folder / "out",
            phase=1 if scan.phases > 1 else None,
            allow_gaps=bool(scan.missing),
            check=False,
            preview=False,
        )
        files = (folder / "out" / "models" / "phantom.stl", folder / "out" / "scene.glb")
        return [judge(phantom, path, voxel_axes_mm=grid.voxel_axes_mm) for path in files]


def _row(name: str, shapes: tuple[str, ...], scans: Mapping[str, Scan]) -> str:
    found = [one for shape in shapes for scan in scans.values() for one in _judged(shape, scan)]
    size = max(max((abs(error) for error in j.size_errors_voxel), default=0.0) for j in found)
    worst = [
        size,
        max(j.centre_error_voxel for j in found),
        max(float(np.abs(j.extremes_error_voxel).max()) for j in found),
        max(abs(j.volume_error_percent) for j in found),
        max(j.mean_voxel for j in found),
        max(j.p95_voxel for j in found),
    ]
    wrong = sum(not j.is_closed or not j.is_outward or j.pose != "+x+y+z" for j in found)
    return f"| {name} | {len(found)} | {' | '.join(f'{value:.3f}' for value in worst)} | {wrong} |"


def main() -> list[str]:
    """Measure and return the rows of the table."""
    rows = [
        "| phantoms | files judged | size | centre | extremes | volume % | mean | p95 | mirrored or open |",
        "|---|---|---|---|---|---|---|---|---|",
        "| *must stay under* | | 0.1 | 0.1 | 0.35 | 1 | 0.25 | 1 | 0 |",
    ]
    rows.append(_row("sphere, box, plate, torus, shells, ellipsoids", SHAPES, variants.SHAPE_SCANS))
    rows.append(_row("letters, every plane and direction", ("letters",), variants.LETTER_SCANS))
    rows.append(_row("sphere, every oddity and transfer syntax", ("sphere",), variants.ODD_SCANS))
    return rows


if __name__ == "__main__":
    print("\n".join(main()))
