"""Anatomy by rule on real scans; left out where there are none."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest

from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.recipes.load import load_recipe
from plastinate.stages import catalog

SCANS = Path(os.environ.get("PLASTINATE_SCANS", Path(__file__).parents[3].parent / "shared" / "data"))


def scan(name: str, folder: str, into: Path) -> Volume:
    archive = SCANS / f"{name}.tar.xz"
    if not archive.exists():
        pytest.skip(f"{archive.name} is not here")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return catalog.door("read-volume")(into / folder).volume


def organs(volume: Volume, recipe_name: str) -> dict[str, np.ndarray]:
    recipe, masks = load_recipe(recipe_name), {}
    for step in recipe.segment:
        made = catalog.SEGMENT[step.method].load()(
            volume, *(masks[name] for name in step.inputs), **step.params
        )
        made = made.masks if isinstance(made, Remarked) else made
        masks.update(zip(step.into, made if isinstance(made, tuple) else (made,), strict=True))
    return masks


@pytest.mark.scans
@pytest.mark.slow
def test_an_abdomen_has_lung_bases_and_bone_and_no_airways(tmp_path):
    volume = scan("crlm-ct-1006", "crlm-ct-nolabel", tmp_path)
    found = organs(volume, "ct-body")
    ml = {name: mask.sum() * volume.geometry.voxel_ml for name, mask in found.items()}
    assert 900 < ml["lung-left"] < 1100
    assert 1100 < ml["lung-right"] < 1300
    assert 350 < ml["skeleton"] < 550
    assert 5000 < ml["fat"] < 7500
    assert not found["airways"].any()
    # The colon is full of contrast, as bright as bone. In front of the lumbar spine there is no bone.
    x, y, z = volume.geometry.index_to_lps(np.argwhere(found["skeleton"]).astype(np.float64)).T
    assert not ((z < -280) & (np.abs(x) < 90) & (y < 30)).any()
    assert (volume.array[found["body"]] > 250).sum() > 1.1 * (volume.array[found["skeleton"]] > 250).sum()


@pytest.mark.scans
@pytest.mark.slow
def test_a_t1_head_has_a_brain_of_a_brains_size(tmp_path):
    volume = scan("datalad-t1-dicom", "datalad-t1-dicom", tmp_path)
    found = organs(volume, "mr-head")
    ml = {name: mask.sum() * volume.geometry.voxel_ml for name, mask in found.items()}
    assert 1300 < ml["brain"] < 1600
    assert 4000 < ml["skin"] < 5500
    assert not (found["brain"] & ~found["skin"]).any()


@pytest.mark.scans
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "folder"), [("crlm-ct-1006", "crlm-ct-nolabel"), ("chaos-ct-liver", "chaos-ct-liver/DICOM_anon")]
)
def test_sound_bases_of_lungs_hold_no_mass_and_no_fluid_behind_them(name, folder, tmp_path):
    volume = scan(name, folder, tmp_path)
    inside = catalog.SEGMENT["body"].load()(volume)
    tree = catalog.SEGMENT["airways"].load()(volume, inside)
    found = catalog.SEGMENT["lungs"].load()(volume, inside, tree)
    assert found.findings == ()
    assert all(mask.any() for mask in found.masks)
