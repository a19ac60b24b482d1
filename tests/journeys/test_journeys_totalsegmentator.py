"""TotalSegmentator itself, run by nnU-Net's own predictor, with tiny networks made here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from plastinate.cli.main import cli
from plastinate.model.geometry import Geometry
from plastinate.model.volume import UNMEASURED_INT16, Volume
from plastinate.nets.totalsegmentator import program, weights
from plastinate.recipes.totalsegmentator import totalsegmentator_tasks
from plastinate.stages.segment.totalsegmentator import totalsegmentator

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
VENV = CACHE / "plastinate-tests" / "totalsegmentator-2.18"
PYTHON = VENV / "bin" / "python"
MAKER = Path(__file__).parents[1] / "tiny_nnunet.py"
LONG, USUAL = "nnUNetTrainer_4000epochs_NoMirroring", "nnUNetTrainerNoMirroring"
LIVER_HU, SPLEEN_HU = 300, 700
# What no voxel has.
NOWHERE_HU = 2900

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (VENV / "made").exists(), reason="tests/totalsegmentator_venv.sh has not been run"
    ),
]


@pytest.fixture(scope="module")
def registry() -> dict[str, dict[str, object]]:
    """What the package itself says of its tasks."""
    code = "import json, totalsegmentator.registry as r; print(json.dumps(r.task_registry()))"
    told = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)["tasks"]


@pytest.fixture(scope="module")
def taught(tmp_path_factory) -> Path:
    """A folder of three networks: for the whole body at 3 and at 6 mm, and its first part at 1.5 mm."""
    folder = tmp_path_factory.mktemp("weights")
    whole = list(totalsegmentator_tasks()["total"].classes.values())
    part = whole[: whole.index("kidney_cyst_right") + 1]
    both, spleen = {"liver": LIVER_HU, "spleen": SPLEEN_HU}, {"spleen": SPLEEN_HU}
    spec = [
        network(folder / "Dataset297_TotalSegmentator_total_3mm_1559subj", LONG, whole, both, 3.0, (1, 1, 1)),
        network(folder / "Dataset298_TotalSegmentator_total_6mm_1559subj", LONG, whole, spleen, 6.0),
        network(folder / "Dataset291_TotalSegmentator_part1_organs_1559subj", USUAL, part, spleen, 1.5),
    ]
    (folder / "spec.json").write_text(json.dumps(spec))
    subprocess.run([PYTHON, str(MAKER), str(folder / "spec.json")], check=True, capture_output=True)
    return folder


def network(
    folder: Path, trainer: str, classes: list[str], found: dict[str, int], spacing_mm: float, tap=(0, 0, 0)
) -> dict[str, object]:
    """A network for these classes, of which only some are ever found."""
    return {
        "folder": str(folder / f"{trainer}__nnUNetPlans__3d_fullres"),
        "labels": {name: float(found.get(name, NOWHERE_HU)) for name in classes},
        "spacing_mm": spacing_mm,
        "tap": list(tap),
    }


@pytest.fixture
def here(taught, monkeypatch):
    """The program found, and the networks in the place of its own."""
    monkeypatch.setenv(program.PYTHON, str(PYTHON))
    monkeypatch.setenv(weights.PLACE, str(taught))


def lying_oddly() -> tuple[Volume, dict[str, tuple[slice, ...]]]:
    """A scan whose slices run from left to right, whose rows run downwards and whose columns to the front."""
    array = np.full((30, 28, 24), -1000, dtype=np.int16)
    boxes = {
        "liver": (slice(5, 11), slice(4, 10), slice(3, 9)),
        "spleen": (slice(19, 25), slice(17, 22), slice(13, 20)),
    }
    array[boxes["liver"]] = LIVER_HU
    array[boxes["spleen"]] = SPLEEN_HU
    array[0, 0, 0] = UNMEASURED_INT16
    to_lps = np.array([[-3.0, 0, 0, 40], [0, 0, -3.0, 10], [0, -3.0, 0, 90], [0, 0, 0, 1]])
    return Volume(Geometry(array.shape, to_lps), array, "HU", "CT"), boxes


def test_every_class_of_every_task_is_the_package_s_own(registry):
    for task in totalsegmentator_tasks().values():
        told = registry[task.task]
        assert list(task.classes.values()) == list(told["classes"].values()), task.name
        assert (task.modality, task.is_licensed) == (
            "MR" if task.name.startswith("brain-aneurysm") else told["modality"],
            told["license_required"],
        ), task.name


def test_nothing_the_package_offers_is_missing(registry):
    # Tasks for trying the program itself out.
    assert set(registry) - {task.task for task in totalsegmentator_tasks().values()} == {
        "test",
        "total_highres_test",
    }


def test_a_scan_that_lies_oddly_reaches_the_network_upright_and_comes_back_unmirrored(here):
    classes = list(totalsegmentator_tasks()["total"].classes.values())
    volume, boxes = lying_oddly()
    shares: list[float] = []
    masks = totalsegmentator(
        volume,
        task="total",
        mode="fast",
        classes=sorted(classes, key=lambda name: (name != "spleen", name != "liver")),
        progress=shares.append,
    )
    # The network looks one voxel further to Superior, Anterior and Right, so each mask lies one further to
    # Inferior, Posterior and Left: one slice less, one row more and one column less in this scan.
    for name, mask in (("spleen", masks[0]), ("liver", masks[1])):
        expected = np.zeros(mask.shape, dtype=bool)
        expected[
            tuple(slice(b.start + d, b.stop + d) for b, d in zip(boxes[name], (-1, 1, -1), strict=True))
        ] = 1
        assert np.array_equal(mask, expected), name
    assert not masks[2].any()
    assert shares == sorted(shares)
    assert len(set(shares)) >= 8, "no patch was told of"


def test_an_organ_alone_needs_its_own_network_and_one_that_looks_roughly_and_no_other(here):
    tasks = totalsegmentator_tasks()
    looked = weights.look("total", classes=["spleen"])
    assert [each["number"] for each in looked.networks] == [298, 291]
    assert len(weights.look("total").networks) == 5
    assert tasks["total"].classes["spleen"] == "spleen"


def test_one_organ_is_built_from_the_command_line_with_what_was_used_in_its_certificate(here, tmp_path):
    import SimpleITK
    from click.testing import CliRunner

    array = np.full((24, 24, 24), -100, dtype=np.int16)
    array[6:18, 6:18, 6:18] = SPLEEN_HU
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((3.0, 3.0, 3.0))
    SimpleITK.WriteImage(image, str(tmp_path / "scan.nii.gz"))
    ran = CliRunner().invoke(
        cli,
        [
            *("build", str(tmp_path / "scan.nii.gz"), "--modality", "CT", "--no-preview"),
            *("--organ", "spleen", "--by", "totalsegmentator", "-o", str(tmp_path / "made")),
        ],
    )
    assert ran.exit_code == 0, ran.output
    told = json.loads((tmp_path / "made" / "certificate.json").read_text())
    model = told["inputs"]["models"][0]
    assert model["origin"].startswith("TotalSegmentator 2.")
    assert len(model["sha256"]) == 2
    volume_ml = told["quality"]["spleen"]["full"]["volume_ml"]
    assert volume_ml == pytest.approx(12**3 * 0.027, rel=0.1)
