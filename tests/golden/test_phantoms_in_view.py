"""What the viewer reads gives known shapes back: meshes, grey values and labels, unmirrored, on one place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from judge import as_json, judge_mesh
from judge_view import View
from phantom_grid import Scan
from phantom_series import write_series
from phantoms import ALL, INSIDE, OUTSIDE, WINDOW
from plastinate.api import build_model

SCANS = {
    "axial": Scan(),
    "sagittal, turned and reversed": Scan(plane="sagittal", turned=True, reverse=True),
    "double-oblique": Scan(plane="double-oblique"),
}


@pytest.mark.parametrize("scan", SCANS)
def test_letters_are_themselves_in_every_piece(scan: str, tmp_path: Path):
    phantom = ALL["letters"]()
    grid = write_series(phantom, tmp_path / "scan", SCANS[scan])
    build_model(
        tmp_path / "scan",
        threshold=WINDOW,
        name="phantom",
        output=tmp_path,
        formats="viewer",
        levels={"full": None, "medium": 1600, "light": 700},
        check=False,
        preview=False,
    )
    view = View(tmp_path)
    organ = view.scene["organs"][0]
    for level, most in (("full", 10**9), ("medium", 1600), ("coarse", 700)):
        mesh, _ = view.mesh(organ["id"], level)
        found = judge_mesh(phantom, mesh, voxel_axes_mm=grid.voxel_axes_mm)
        assert found.triangles <= most
        # The lighter ones are judged by what a light mesh can keep: where it is, and which way round.
        kept = found.faults() if level == "full" else [found.pose] if found.pose != "+x+y+z" else []
        assert kept == [], f"{level}: {as_json(found)}"
        assert found.is_closed
        assert found.is_outward
    np.testing.assert_allclose(organ["centre_lps_mm"], phantom.centre_lps_mm, atol=0.1)

    values, labels = view.grid("volume", 0), view.grid("labels", 0)
    matrix = view.index_to_lps("volume", 0)
    assert np.array_equal(matrix, view.index_to_lps("labels", 0))
    places = np.argwhere(np.ones(values.shape, bool)) @ matrix[:3, :3].T + matrix[:3, 3]
    depth = phantom.signed_distance(places)
    # Farther from the surface than a voxel reaches, what is there is known.
    reach = float(np.linalg.norm(grid.voxel_axes_mm, axis=0).sum())
    assert (values.ravel()[depth < -reach] == INSIDE).all()
    assert (values.ravel()[depth > reach] == OUTSIDE).all()
    assert (labels.ravel()[depth < -reach] == organ["label"]).all()
    assert (labels.ravel()[depth > reach] == 0).all()
    assert (depth < -reach).sum() > 100
    counted = values[labels == organ["label"]]
    assert organ["statistics"]["voxels"] == counted.size
    assert organ["statistics"]["mean"] == pytest.approx(counted.mean(), abs=0.01)
