"""Anatomy by rule on real scans; left out where there are none."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anatomy_phantoms import dice
from cranium_scan import cranium
from plastinate.depot import model_file
from plastinate.model.depot_errors import ModelAbsent
from plastinate.model.errors import EmptyMask
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


def network(name: str) -> None:
    try:
        model_file(name, fetch=False)
    except ModelAbsent:
        pytest.skip(f"the model {name} is not here: `plastinate models fetch {name}`")


@pytest.mark.scans
@pytest.mark.slow
def test_a_liver_outlined_by_hand_is_found_as_closely_as_hands_agree(tmp_path):
    network("liver-ct")
    volume = scan("chaos-ct-liver", "chaos-ct-liver/DICOM_anon", tmp_path)
    planes = sorted((tmp_path / "chaos-ct-liver" / "Ground").glob("*.png"))
    # The pictures come from the top down, as our slices do where z falls along them.
    truth = np.stack([np.asarray(Image.open(plane)) > 0 for plane in planes])
    truth = truth if volume.geometry.to_lps_mm[2, 0] < 0 else truth[::-1]
    found = organs(volume, "ct-liver")["liver"]
    # Measured 0.972; the bare network has 0.965.
    assert dice(found, truth) > 0.97


@pytest.mark.scans
@pytest.mark.slow
def test_a_network_finds_the_brain_of_a_t1_head_whole_and_no_liver_in_it(tmp_path):
    network("brain-t1")
    volume = scan("datalad-t1-dicom", "datalad-t1-dicom", tmp_path)
    found = organs(volume, "mr-brain")
    # The rules of mr-head lose half of the cerebellum here and come to 1435 ml.
    assert 1600 < found["brain"].sum() * volume.geometry.voxel_ml < 1670
    with pytest.raises(EmptyMask):
        organs(volume, "ct-liver")


@pytest.mark.scans
@pytest.mark.slow
def test_a_head_phantom_has_no_liver(tmp_path):
    network("liver-ct")
    volume = scan("philips-phantom-tilt", "ge-head-ct-tilt", tmp_path)
    with pytest.raises(EmptyMask):
        organs(volume, "ct-liver")


@pytest.mark.scans
@pytest.mark.slow
def test_the_brain_of_a_head_ct_fills_its_skull_though_a_piece_of_the_forehead_is_gone(tmp_path):
    volume = cranium(tmp_path)
    found = organs(volume, "ct-head")
    brain, ml = found["brain"], volume.geometry.voxel_ml
    # Measured 1441 ml; a network for any contrast has 1508 and agrees to 0.967.
    assert 1380 < brain.sum() * ml < 1500
    assert not (brain & found["skull"]).any()
    assert (volume.array[brain] < -100).mean() < 1e-4
    # Its highest and its lowest place lie under the vault and at the foramen magnum.
    planes = np.flatnonzero(brain.any(axis=(1, 2)))
    bone = np.flatnonzero(found["skull"].any(axis=(1, 2)))
    assert bone[-1] - planes[-1] < 12
    assert planes[0] < 12


@pytest.mark.scans
@pytest.mark.slow
def test_an_abdomen_has_both_kidneys_in_slices_of_5_mm_and_lies_as_it_says_unless_it_is_flipped(tmp_path):
    volume = scan("crlm-ct-1006", "crlm-ct-nolabel", tmp_path)
    found = organs(volume, "ct-kidneys")
    ml = {name: mask.sum() * volume.geometry.voxel_ml for name, mask in found.items()}
    # The left was looked at; of the right, volume and place.
    assert 155 < ml["kidney-left"] < 195
    assert 120 < ml["kidney-right"] < 155
    lie = catalog.door("trunk-lie")
    assert lie(volume) == ()
    for axis, code in ((0, "upside-down"), (1, "back-to-front"), (2, "mirrored")):
        flipped = volume.with_array(np.ascontiguousarray(np.flip(volume.array, axis)))
        assert [finding.code for finding in lie(flipped)] == [f"segment.{code}"]
