"""A path and a wish -> files with their evidence, or a refusal before any work."""

from __future__ import annotations

import filecmp
import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK

from bead_scans import RADIUS_MM, bead, write_bead
from phantom_series import Scan
from plastinate.api import build_model
from plastinate.model.errors import (
    CannotWrite,
    ModalityContradicted,
    NoDicomSource,
    ParameterError,
    PathNotFound,
    RecipeError,
    RecipeNotFound,
    WrongModality,
)
from plastinate.pipeline.progress import Progress
from plastinate.pipeline.run import RunOptions
from plastinate.services.build_models import BuildRequest, build_models, names_in, shown_name
from plastinate.stages import catalog

pytestmark = pytest.mark.slow

BALL_ML = 4 / 3 * np.pi * RADIUS_MM**3 / 1000
QUICK = RunOptions(levels={"full": None}, check=False)


@pytest.fixture(scope="module")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bead(tmp_path_factory.mktemp("bead") / "scan")


@pytest.fixture
def ask(scan: Path, tmp_path: Path) -> Callable[..., BuildRequest]:
    def request(**changes) -> BuildRequest:
        wish = BuildRequest(
            scan,
            tmp_path / "out",
            threshold=(500.0, None),
            formats=("stl",),
            options=QUICK,
            with_preview=False,
        )
        return replace(wish, **changes)

    return request


def test_a_build_leaves_its_models_its_certificate_and_its_picture(ask, tmp_path: Path):
    result = build_models(ask(options=RunOptions(levels={"full": None}), with_preview=True, name="Ball 1"))
    written = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*")}
    assert written == {"models/ball-1.stl", "certificate.json", "certificate.html", "run.json", "preview.png"}
    assert set(result.files) == written
    for name, digest in result.files.items():
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest
    node = result.scene.node("ball-1")
    assert node.structure.name == "Ball 1"
    quality = result.scene.evidence.quality["ball-1"]["full"]
    assert quality.volume_ml == pytest.approx(BALL_ML, rel=0.05)
    assert result.run.wall_s > 0
    assert result.run.peak_memory_mb > 10


def test_another_build_into_the_folder_takes_the_former_ones_files_away(ask, tmp_path: Path):
    out = tmp_path / "out"
    build_models(ask(name="bone", options=RunOptions(levels={"full": None})))
    (out / "notes.txt").write_text("mine")
    second = build_models(ask(name="metal", options=RunOptions(levels={"full": None})))
    assert [path.name for path in (out / "models").iterdir()] == ["metal.stl"]
    assert second.removed == ("models/bone.stl",)
    assert (out / "notes.txt").read_text() == "mine"
    unchecked = build_models(ask(name="metal"))
    assert sorted(unchecked.removed) == ["certificate.html", "certificate.json", "run.json"]


def test_a_build_without_output_stays_in_memory(ask, tmp_path: Path):
    result = build_models(ask(output=None, formats=("seg",)))
    assert result.files == {}
    assert len(result.scene.nodes) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_picture_does_not_need_the_certificate(ask):
    assert set(build_models(ask(with_preview=True)).files) == {"models/surface.stl", "preview.png"}
    assert set(build_models(ask()).files) == {"models/surface.stl"}


def test_the_same_wish_gives_the_same_bytes_and_the_same_key(ask, scan: Path, tmp_path: Path):
    formats = ("glb", "3mf", "nrrd", "seg")
    options = RunOptions(levels={"full": None})
    first = build_models(ask(formats=formats, options=options))
    build_model(
        scan,
        threshold=(500, None),
        output=tmp_path / "two",
        formats=formats,
        levels={"full": None},
        preview=False,
    )
    for name in [*first.scene.evidence.outputs, "certificate.json"]:
        assert filecmp.cmp(tmp_path / "out" / name, tmp_path / "two" / name, shallow=False), name


def test_a_dicom_segmentation_refers_to_the_images_of_the_scan(ask, scan: Path, tmp_path: Path):
    build_models(ask(formats=("seg",)))
    made = pydicom.dcmread(tmp_path / "out" / "labels.dcm")
    known = {pydicom.dcmread(path).SOPInstanceUID for path in scan.iterdir()}
    referred = {
        item.ReferencedSOPInstanceUID for item in made.ReferencedSeriesSequence[0].ReferencedInstanceSequence
    }
    assert referred == known
    # The phantom is as anonymised scans are: no birth date to repeat.
    assert made.PatientBirthDate == ""


def test_a_segmentation_of_an_enhanced_scan_refers_to_its_one_file(ask, tmp_path: Path):
    write_bead(tmp_path / "enhanced", Scan(enhanced=True))
    build_models(ask(path=tmp_path / "enhanced", formats=("seg",)))
    assert pydicom.dcmread(tmp_path / "out" / "labels.dcm").Modality == "SEG"


def test_a_segmentation_needs_loose_dicom_files(ask, scan: Path, tmp_path: Path):
    build_models(ask(formats=("nifti",), output=tmp_path / "labels"))
    with pytest.raises(NoDicomSource):
        build_models(ask(path=tmp_path / "labels" / "labels.nii.gz", threshold=(1, None), formats=("seg",)))
    assert not (tmp_path / "out").exists()


def test_an_output_inside_the_scan_is_not_read_as_a_scan_next_time(ask, tmp_path: Path):
    folder = write_bead(tmp_path / "mine")
    wish = ask(path=folder, output=folder / "out", formats=("nifti", "nrrd", "seg", "stl"))
    first = build_models(wish).scene.evidence.inputs
    second = build_models(wish).scene.evidence.inputs
    assert first["sha256"] == second["sha256"]


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"recipe": "ct-lungs"}, ParameterError, "only one"),
        ({"threshold": None}, ParameterError, "what to build"),
        ({"threshold": (None, None)}, ParameterError, "lower end"),
        ({"threshold": (9.0, 1.0)}, ParameterError, "empty"),
        ({"threshold": (float("nan"), None)}, ParameterError, "not a number"),
        ({"name": "///"}, ParameterError, "no letter"),
        ({"formats": ("stl", "gbl")}, RecipeNotFound, "glb"),
        ({"threshold": None, "recipe": "ct-lung"}, RecipeNotFound, "ct-lungs"),
        ({"threshold": None, "organs": ("lung-lift",)}, RecipeNotFound, "lung-left"),
    ],
)
def test_what_needs_no_scan_to_be_refused_is_refused_before_it_is_read(ask, tmp_path, changes, error, words):
    heard = []
    with pytest.raises(error, match=words):
        build_models(ask(**changes), progress=Progress(say=heard.append))
    assert heard == []
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_refused_before_the_scan_is_read(ask, tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    heard = []
    with pytest.raises(CannotWrite, match="a file of that name"):
        build_models(ask(), progress=Progress(say=heard.append))
    assert heard == []
    assert (tmp_path / "out").read_text() == "mine"


def test_a_recipe_for_another_modality_is_refused_unless_asked_for(ask, tmp_path: Path):
    for wish in ({"recipe": "mr-head"}, {"organs": ("muscle", "heart")}):
        with pytest.raises(RecipeError):
            build_models(
                ask(threshold=None, path=write_bead(tmp_path / "mr", Scan(modality="MR")), **wish)
                if "organs" in wish
                else ask(threshold=None, **wish)
            )
    with pytest.raises(WrongModality, match="mr-head"):
        build_models(ask(threshold=None, recipe="mr-head"))
    scene = build_models(ask(threshold=None, recipe="ct-skin", any_modality=True, path=tmp_path / "mr")).scene
    assert [node.id for node in scene.nodes] == ["skin"]


def test_an_organ_that_cannot_be_made_costs_only_itself(ask):
    evidence = build_models(ask(threshold=None, organs=("pancreas", "skin"))).scene.evidence
    assert {each.id: each.reason for each in evidence.not_found} == {
        "pancreas": "no recipe finds it in CT scans"
    }
    alone = build_models(ask(threshold=None, organs=("skin",))).scene.evidence
    assert evidence.inputs["result_key"] != alone.inputs["result_key"]


def test_any_modality_holds_for_organs_too(ask, tmp_path: Path):
    mr = write_bead(tmp_path / "mr", Scan(modality="MR"))
    scene = build_models(ask(threshold=None, organs=("skin", "lungs"), any_modality=True, path=mr)).scene
    assert "skin" in [node.id for node in scene.nodes]
    assert scene.evidence.inputs["recipe"]["name"].startswith("ct-")


def as_nifti(scan: Path, path: Path) -> Path:
    """The ball in air, as bright as bone, in a file that does not say what it is."""
    volume = catalog.door("read-volume")(scan).volume
    image = SimpleITK.GetImageFromArray(2 * volume.array - 1000)
    image.SetSpacing(volume.geometry.spacing_mm[::-1])
    SimpleITK.WriteImage(image, str(path))
    return path


def test_a_file_that_does_not_say_what_it_is_is_built_as_the_person_says(ask, scan: Path, tmp_path: Path):
    path = as_nifti(scan, tmp_path / "scan.nii.gz")
    with pytest.raises(WrongModality) as refused:
        build_models(ask(threshold=None, recipe="ct-skin", path=path))
    assert "--modality CT" in refused.value.hint
    with pytest.raises(WrongModality, match=r"What finds skin, lungs is for CT, .* unknown kind") as refused:
        build_models(ask(threshold=None, organs=("skin", "lungs"), path=path))
    assert "+" not in refused.value.sentence
    scene = build_models(ask(threshold=None, recipe="ct-skin", path=path, modality="CT")).scene
    series = scene.evidence.inputs["series"]
    assert (series["modality"], series["modality_from"]) == ("CT", "person")
    stated = [each for each in scene.evidence.findings if each.code == "ingest.stated-modality"]
    assert [each.action for each in stated] == [
        "Taken for CT, as stated by the person who asked for the models."
    ]
    assert scene.evidence.inputs["quantity"] == "HU"


def test_files_that_say_what_they_are_are_not_overruled(ask, scan: Path):
    with pytest.raises(ModalityContradicted, match=r"stated to be MR.*say CT"):
        build_models(ask(modality="MR"))
    series = build_models(ask(modality="CT")).scene.evidence.inputs["series"]
    assert (series["modality"], series["modality_from"]) == ("CT", "files")
    with pytest.raises(ParameterError, match="CT, MR"):
        build_models(ask(modality="X-ray"))


def test_what_is_stated_decides_what_the_values_mean(scan: Path, tmp_path: Path):
    path = as_nifti(scan, tmp_path / "scan.nii.gz")
    assert catalog.door("read-volume")(path, modality="MR").volume.quantity == "a.u."
    image = SimpleITK.ReadImage(str(path))
    for low, quantity, code in ((-100, "HU", ""), (0, "a.u.", "ingest.not-hounsfield")):
        SimpleITK.WriteImage(SimpleITK.Clamp(image, lowerBound=low), str(path))
        read = catalog.door("read-volume")(path, modality="CT")
        assert (read.volume.quantity, read.volume.modality) == (quantity, "CT")
        assert not code or code in {finding.code for finding in read.findings}
    SimpleITK.WriteImage(SimpleITK.Cast(image, SimpleITK.sitkFloat32) / 4000.0, str(path))
    read = catalog.door("read-volume")(path, modality="CT")
    assert read.volume.quantity == "a.u."
    assert "ingest.not-hounsfield" in {finding.code for finding in read.findings}


def test_organs_are_found_by_name(ask):
    scene = build_models(ask(threshold=None, organs=("skin",))).scene
    assert [node.id for node in scene.nodes] == ["skin"]
    assert scene.node("skin").structure.code is not None


def test_a_path_to_nothing_is_an_input_error(ask, tmp_path: Path):
    with pytest.raises(PathNotFound):
        build_models(ask(path=tmp_path / "absent"))


def test_names_may_be_listed_with_commas():
    assert names_in("a, b,,a") == ("a", "b")
    assert names_in(["a,b", "c"]) == ("a", "b", "c")
    assert names_in(()) == ()


def test_a_name_for_show_is_one_printable_line():
    assert shown_name("<b>Left\n\x1b[31m femur\x00") == "<b>Left [31m femur"
    assert len(shown_name("x" * 999)) == 64
    assert bead().name == "bead"


def test_the_python_door_tells_its_progress_and_takes_lists_with_commas(scan: Path, tmp_path: Path):
    heard = []
    scene = build_model(
        str(scan),
        organs="skin,",
        formats="stl, ply",
        output=tmp_path / "out",
        check=False,
        preview=False,
        progress=heard.append,
    )
    assert [node.id for node in scene.nodes] == ["skin"]
    assert heard[0].share_done == 0.0
    assert heard[-1].share_done == 1.0
    assert sorted(path.suffix for path in (tmp_path / "out" / "models").iterdir()) == [".ply", ".stl"]


def test_the_certificate_says_what_went_in(ask, scan: Path, tmp_path: Path):
    build_models(ask(options=RunOptions(levels={"full": None})))
    inputs = json.loads((tmp_path / "out" / "certificate.json").read_text())["inputs"]
    assert inputs["series"]["modality"] == "CT"
    assert inputs["files"] == len(list(scan.iterdir()))
    assert inputs["geometry"]["unit"] == "mm"
    assert len(inputs["result_key"]) == len(inputs["recipe"]["sha256"]) == 64


def test_a_scan_that_hides_where_it_lies_gives_no_green_model(ask, tmp_path: Path):
    folder = write_bead(tmp_path / "placeless")
    for path in folder.iterdir():
        image = pydicom.dcmread(path)
        del image.ImagePositionPatient, image.ImageOrientationPatient
        image.save_as(path)
    options = RunOptions(levels={"full": None})
    evidence = build_models(ask(path=folder, options=options, output=None)).scene.evidence
    assert "ingest.no-position" in {finding.code for finding in evidence.findings}
    verdict = evidence.verdicts["surface"]
    assert verdict.light == "amber"
    assert any("left and right" in reason for reason in verdict.reasons)


def test_what_the_scan_cannot_give_is_left_out_where_it_was_only_wished_for(ask, tmp_path: Path):
    result = build_models(ask(formats_where_possible=("seg", "3mf")))
    assert {"labels.dcm", "models/surface.3mf"} <= set(result.files)
    assert result.left_out == {}
    array = np.zeros((20, 24, 28), dtype=np.int16)
    array[6:14, 6:16, 6:20] = 1000
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(array), tmp_path / "scan.nii.gz")
    picture = tmp_path / "scan.nii.gz"
    result = build_models(ask(path=picture, output=tmp_path / "two", formats_where_possible=("seg", "3mf")))
    assert set(result.left_out) == {"seg"}
    assert "models/surface.3mf" in result.files
    assert "labels.dcm" not in result.files


def test_a_segmentation_refers_to_files_that_came_in_an_archive(ask, scan: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in scan.iterdir():
            archive.write(file, file.name)
    (tmp_path / "unpacked").mkdir()
    request = ask(path=tmp_path / "scan.zip", formats=("stl", "seg"), unpack_into=tmp_path / "unpacked")
    from_zip = build_models(request)
    loose = build_models(ask(output=tmp_path / "loose", formats=("stl", "seg")))
    assert from_zip.files == loose.files
    with pytest.raises(NoDicomSource):
        build_models(replace(request, unpack_into=None))


def test_the_pictures_of_the_certificate_are_files_as_well(ask, tmp_path: Path):
    result = build_models(
        ask(options=RunOptions(levels={"full": None}), with_preview=True, picture_files=True)
    )
    pictures = {name for name in result.files if name.startswith("pictures/")}
    assert pictures == {
        f"pictures/{name}.png" for name in ("anterior", "left", "inferior", "axial", "coronal", "sagittal")
    }
    assert all((tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_an_organ_that_is_not_there_is_named_in_the_evidence_and_costs_no_other(ask, tmp_path: Path):
    recipe = tmp_path / "two.toml"
    recipe.write_text(
        'name = "two"\ntitle = "Two"\nmodality = "CT"\nstructures = ["skull", "surface"]\n'
        + "".join(
            f'[[segment]]\nmethod = "threshold"\ninto = "{name}"\nparams = {{ low = {low} }}\n'
            f'why = "made so"\nsource = "made so"\n'
            for name, low in (("skull", 3000), ("surface", 500))
        )
        + '[[surface]]\nstructures = ["skull", "surface"]\nmethod = "shared-net"\nwhy = "made so"\n'
    )
    result = build_models(ask(threshold=None, recipe=str(recipe)))
    assert [node.id for node in result.scene.nodes] == ["surface"]
    (missing,) = result.scene.evidence.not_found
    assert missing.as_dict() == {"id": "skull", "name": "Skull", "reason": "no voxel has such a value"}


def test_what_the_viewer_reads_is_made_in_a_shell_too_and_named_in_the_certificate(
    ask: Callable[..., BuildRequest],
):
    request = ask(formats=("viewer",), options=RunOptions(levels={"full": None}))
    built = build_models(request)
    out = request.output
    assert out is not None
    assert {name for name in built.files if name.startswith("view/")} >= {
        "view/scene.json", "view/coarse.bin", "view/full.bin", "view/volume-0.bin", "view/labels-0.bin",
    }  # fmt: skip
    told = json.loads((out / "view" / "scene.json").read_text())
    assert told["organs"][0]["volume_ml"] == pytest.approx(BALL_ML, rel=0.05)
    assert told["organs"][0]["light"] == built.scene.evidence.verdicts["surface"].light
    outputs = json.loads((out / "certificate.json").read_text())["outputs"]
    for name, digest in outputs.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    assert "view/scene.json" in outputs
