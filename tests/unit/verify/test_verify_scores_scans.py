"""Figures that the CHAOS challenge published come out of its files; left out where they are not."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plastinate.stages import catalog
from plastinate.stages.verify.scores.score_masks import score_masks

SCANS = Path(os.environ.get("PLASTINATE_SCANS", Path(__file__).parents[3].parent / "shared" / "data"))


def masks(folder: Path) -> np.ndarray:
    return np.stack([np.asarray(Image.open(file)) > 0 for file in sorted(folder.glob("*.png"))])


@pytest.mark.scans
@pytest.mark.slow
def test_an_algorithms_liver_has_the_figures_that_chaos_published_for_it(tmp_path: Path):
    archive = SCANS / "chaos-ct-liver.tar.xz"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not here")
    with tarfile.open(archive) as packed:
        packed.extractall(tmp_path, filter="data")
    folder = tmp_path / "chaos-ct-liver"
    geometry = catalog.door("read-volume")(folder / "DICOM_anon").volume.geometry
    score = score_masks(
        masks(folder / "Segmentation_algorithm_example"), masks(folder / "Ground"), geometry=geometry
    )
    # As published: DICE 0.978, RAVD 0.665 %, ASSD 0.734 mm, MSSD 14 mm.
    assert score.dice == pytest.approx(0.978, abs=0.0005)
    assert abs(score.volume_error_percent) == pytest.approx(0.665, abs=0.0005)
    assert score.assd_mm == pytest.approx(0.734, abs=0.0005)
    assert score.mssd_mm == pytest.approx(14.0, abs=0.005)
