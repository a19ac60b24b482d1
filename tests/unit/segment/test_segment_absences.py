"""Every organ looked for in every scan at hand: what a scan does not show is reported, and never invented."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cranium_scan import cranium
from plastinate.depot import model_file
from plastinate.model.depot_errors import ModelAbsent
from plastinate.model.errors import DownloadFailed, EmptyMask
from plastinate.model.geometry import Geometry
from plastinate.model.remarked import Remarked
from plastinate.model.volume import Volume
from plastinate.recipes.load import list_recipes, recipe_for_organs
from plastinate.services.sample import fetch_sample
from plastinate.stages import catalog

SCANS = Path(os.environ.get("PLASTINATE_SCANS", Path(__file__).parents[3].parent / "shared" / "data"))
# Finer pixels cost time, and no organ here is lost for want of them.
PIXEL_MM = 1.5

# What is no organ with a place of its own.
EVERYWHERE = {"skin", "fat", "fat-visceral", "fat-subcutaneous", "skeleton"}
CHEST = {"heart", "aorta", "lung-left", "lung-right", "spine", "ribs"}
ABDOMEN = {"liver", "spleen", "kidney-left", "kidney-right"}
AIRWAYS = {"trachea", "airways"}
HEAD = {"skull", "brain"}
ORGANS = sorted(CHEST | ABDOMEN | AIRWAYS | HEAD)


@dataclass(frozen=True)
class Expected:
    """What a scan shows: organs, and which of them go on beyond its first or last slice."""

    shown: set[str] = field(default_factory=set)
    cut: set[str] = field(default_factory=set)


def unpacked(name: str, folder: str) -> Callable[[Path], Volume]:
    def read(into: Path) -> Volume:
        archive = SCANS / f"{name}.tar.xz"
        if not archive.exists():
            pytest.skip(f"{archive.name} is not here")
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
        return catalog.door("read-volume")(into / folder).volume

    return read


def chest(into: Path) -> Volume:
    try:
        info = fetch_sample("chest-ct", into / "chest")
    except DownloadFailed as error:
        pytest.skip(error.sentence)
    return catalog.door("read-volume")(info.series).volume


def few_slices(into: Path) -> Volume:
    whole = unpacked("chaos-ct-liver", "chaos-ct-liver/DICOM_anon")(into)
    return whole.crop((40, 0, 0), (3, *whole.geometry.shape[1:]))


def empty(into: Path) -> Volume:
    noise = np.random.default_rng(0).normal(-1000, 10, (60, 128, 128))
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, 0, 2], [0, -2, 0], [2, 0, 0]]
    return Volume(Geometry(noise.shape, matrix), noise.astype(np.int16), "HU", "CT")


CASES = {
    "a chest": (
        chest,
        Expected(CHEST | ABDOMEN | AIRWAYS, {"aorta", "spine", "kidney-left", "kidney-right"}),
    ),
    "an upper abdomen": (
        unpacked("chaos-ct-liver", "chaos-ct-liver/DICOM_anon"),
        Expected(CHEST | ABDOMEN, {"lung-left", "lung-right", "heart", "aorta", "spine"}),
    ),
    "an abdomen in thick slices": (
        unpacked("crlm-ct-1006", "crlm-ct-nolabel"),
        Expected(CHEST | ABDOMEN, {"lung-left", "lung-right", "heart", "aorta", "spine"}),
    ),
    "a head": (cranium, Expected(HEAD, {"skull"})),
    "the head of a phantom": (unpacked("philips-phantom-tilt", "ge-head-ct-tilt"), Expected({"skull"})),
    "a head by MR": (unpacked("datalad-t1-dicom", "datalad-t1-dicom"), Expected()),
    "three slices": (few_slices, Expected()),
    "nothing but air": (empty, Expected()),
}


def needs(*models: str) -> None:
    for name in models:
        try:
            model_file(name, fetch=False)
        except ModelAbsent:
            pytest.skip(f"the model {name} is not here: `plastinate models fetch {name}`")


def coarse(volume: Volume) -> Volume:
    spacing = [max(step, PIXEL_MM) for step in volume.geometry.spacing_mm]
    return catalog.PREPARE["to-spacing"].load()(volume, spacing_mm=spacing)


def found_in(volume: Volume) -> dict[str, np.ndarray]:
    """The masks of all organs that are there, by all steps of their recipes for CT, each step once."""
    recipe = recipe_for_organs(ORGANS, "CT")
    masks: dict[str, np.ndarray] = {}
    for step in recipe.segment:
        if not set(step.inputs) <= set(masks):
            continue
        try:
            made = catalog.SEGMENT[step.method].load()(
                volume, *(masks[name] for name in step.inputs), **step.params
            )
        except EmptyMask:
            continue
        made = made.masks if isinstance(made, Remarked) else made
        masks.update(zip(step.into, made if isinstance(made, tuple) else (made,), strict=True))
    return {name: masks[name] for name in ORGANS if name in masks and masks[name].any()}


def test_every_organ_of_a_recipe_is_looked_for():
    made = {name for recipe in list_recipes() for name in recipe.structures}
    assert made == set(ORGANS) | EVERYWHERE


@pytest.mark.scans
@pytest.mark.network
@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_what_a_scan_does_not_show_is_not_invented_and_what_it_shows_is_found(case: str, tmp_path: Path):
    needs("liver-ct")
    read, expected = CASES[case]
    volume = read(tmp_path)
    found = found_in(volume if expected.shown <= HEAD else coarse(volume))
    assert set(found) == expected.shown
    axis = int(np.abs(volume.geometry.to_lps_mm[2, :3]).argmax())
    ends = {name for name, mask in found.items() if mask.take([0, -1], axis=axis).any()}
    assert expected.cut <= ends


@pytest.mark.scans
@pytest.mark.slow
def test_a_neck_by_mr_has_no_brain_though_each_network_alone_sees_one(tmp_path: Path):
    needs("brain-t1", "brain-mr")
    whole = coarse(unpacked("datalad-t1-dicom", "datalad-t1-dicom")(tmp_path))
    axis = int(np.abs(whole.geometry.to_lps_mm[2, :3]).argmax())
    assert whole.geometry.to_lps_mm[2, axis] < 0, "the neck is at the end"
    shape = list(whole.geometry.shape)
    start = [0, 0, 0]
    start[axis] = shape[axis] - round(70 / whole.geometry.spacing_mm[axis])
    shape[axis] -= start[axis]
    neck = whole.crop(tuple(start), tuple(shape))
    head = catalog.SEGMENT["head-mr"].load()(neck)
    with pytest.raises(EmptyMask, match="different things"):
        catalog.SEGMENT["brain-net"].load()(neck, head)
