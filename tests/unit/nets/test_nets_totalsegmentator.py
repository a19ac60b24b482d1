"""Asking TotalSegmentator, and fetching its weights, with a small package of its name in its place."""

from __future__ import annotations

import os
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from model_shelf import serving_files, set_places
from plastinate.depot import places
from plastinate.model.depot_errors import ExtraAbsent, KeyAbsent, ModelAbsent, NetworkUnsound
from plastinate.model.errors import Cancelled, DownloadFailed, MemoryShort
from plastinate.nets.totalsegmentator import program, weights

BODY = "Dataset299_body_1559subj"
FILES = (
    f"{BODY}/nnUNetTrainer__nnUNetPlans__3d_fullres/plans.json",
    f"{BODY}/nnUNetTrainer__nnUNetPlans__3d_fullres/fold_0/checkpoint_final.pth",
)
STAND_IN = {
    "map_tasks_config.py": """
        TASK_CONFIGS = {
            "body": {"sub_modes": {"default": {"task_id": 299}, "fast": {"task_id": 300}}},
            "face": {"task_id": 303},
            "hip_implant": {"task_id": 260, "crop": ["hip_left"]},
        }
        TASK_ID_WEIGHTS_CONFIGS = {
            299: {"foldername": "Dataset299_body_1559subj", "version": "v2"},
            300: {"foldername": "Dataset300_body_6mm", "version": "v2"},
            303: {"foldername": "Dataset303_face_1559subj"},
            260: {"foldername": "Dataset260_hip", "version": "v2"},
            298: {"foldername": "Dataset298_rough", "version": "v2"},
        }
    """,
    "map_to_binary.py": """
        class_map = {"body": {1: "body_trunc", 2: "body_extremities"}, "face": {1: "face"}}
        class_map["hip_implant"] = {1: "hip_implant"}
        commercial_models = {"face": 303}
    """,
    "libs.py": """
        import os, pathlib
        def tqdm(**_): pass
        class tqdm:
            def __init__(self, **_): pass
            def update(self, n=1): pass
        def download_pretrained_weights(number):
            print("what it prints is no message")
            bar = tqdm(total=4)
            bar.update(2)
            at = pathlib.Path(os.environ["TOTALSEG_WEIGHTS_PATH"]) / "Dataset299_body_1559subj" / "trainer"
            (at / "fold_0").mkdir(parents=True)
            (at / "plans.json").write_text("{}")
            if os.environ.get("CUT_OFF"):
                raise ConnectionError("HTTPSConnectionPool(host='example.invalid')")
            (at / "fold_0" / "checkpoint_final.pth").write_bytes(b"own")
    """,
}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """This Python with the stand-in in it, and folders of this test's own."""
    made = set_places(tmp_path, monkeypatch)
    package = tmp_path / "site" / "totalsegmentator"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for name, text in STAND_IN.items():
        (package / name).write_text(textwrap.dedent(text))
    about = tmp_path / "site" / "totalsegmentator-2.18.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: TotalSegmentator\nVersion: 2.18.0\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv(program.PYTHON, sys.executable)
    monkeypatch.setenv(weights.PLACE, str(tmp_path / "weights"))
    monkeypatch.delenv(places.FETCH, raising=False)
    return made


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return path


def test_without_the_program_a_sentence_says_how_to_have_it(monkeypatch):
    monkeypatch.delenv(program.PYTHON, raising=False)
    assert not program.is_offered()
    with pytest.raises(ExtraAbsent, match="not installed here") as refused:
        weights.look("total")
    assert "plastinate[totalsegmentator]" in refused.value.hint
    monkeypatch.setenv(program.PYTHON, "/nowhere/python")
    with pytest.raises(ExtraAbsent, match="no program"):
        weights.look("total")


@pytest.mark.slow
def test_a_python_without_it_is_told_from_one_that_has_it(here, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "")
    with pytest.raises(ExtraAbsent, match="No module named"):
        weights.look("body")


@pytest.mark.slow
def test_what_a_task_needs_is_what_the_package_says(here):
    looked = weights.look("hip_implant")
    assert looked.version == "2.18.0"
    assert [each["number"] for each in looked.networks] == [298, 260]
    assert [each["number"] for each in weights.look("body", mode="fast").networks] == [300]


@pytest.mark.slow
def test_weights_come_from_a_folder_that_is_a_mirror_and_are_asked_for_once(here, monkeypatch):
    archive(here.mirror / f"{BODY}.zip", {**dict.fromkeys(FILES, b"w"), "__MACOSX/x": b"no"})
    monkeypatch.setenv(places.MIRROR, str(here.mirror))
    shares: list[float] = []
    weights.bring(weights.look("body"), progress=shares.append)
    assert weights.look("body").missing == []
    assert shares[-1] == 1
    assert [path.name for path in weights.weights_folder().iterdir() if path.name != ".locks"] == [BODY]
    (here.mirror / f"{BODY}.zip").unlink()
    weights.bring(weights.look("body"))
    assert len(weights.look("body").sha256()) == 1


@pytest.mark.slow
def test_weights_come_from_a_mirror_by_its_address(here, monkeypatch, tmp_path):
    archive(tmp_path / f"{BODY}.zip", dict.fromkeys(FILES, b"w"))
    with serving_files() as server:
        server.files[f"/{BODY}.zip"] = (tmp_path / f"{BODY}.zip").read_bytes()
        monkeypatch.setenv(places.MIRROR, server.url)
        weights.bring(weights.look("body"))
    assert weights.look("body").missing == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "members",
    [
        {"../escaped": b"x"},
        {"/absolute": b"x"},
        {f"{BODY}/..\\up": b"x"},
        {f"{BODY}/readme.txt": b"x"},
        {"Dataset001_other/plans.json": b"x"},
    ],
)
def test_an_archive_that_is_no_network_is_refused_and_leaves_nothing(here, monkeypatch, members):
    archive(here.mirror / f"{BODY}.zip", members)
    monkeypatch.setenv(places.MIRROR, str(here.mirror))
    with pytest.raises(DownloadFailed, match=r"no archive of a network|no network of nnU-Net"):
        weights.bring(weights.look("body"))
    assert [path.name for path in weights.weights_folder().iterdir()] == [".locks"]


@pytest.mark.slow
def test_without_a_mirror_the_package_s_own_download_fetches(here, monkeypatch):
    monkeypatch.delenv(places.MIRROR, raising=False)
    shares: list[float] = []
    weights.bring(weights.look("body"), progress=shares.append)
    assert 0.5 in shares
    assert weights.look("body").missing == []


@pytest.mark.slow
def test_a_download_that_is_cut_off_leaves_nothing_that_looks_whole(here, monkeypatch):
    monkeypatch.delenv(places.MIRROR, raising=False)
    monkeypatch.setenv("CUT_OFF", "yes")
    with pytest.raises(DownloadFailed, match="found no connection"):
        weights.bring(weights.look("body"))
    assert len(weights.look("body").missing) == 1


@pytest.mark.slow
def test_nothing_is_fetched_where_that_is_switched_off(here, monkeypatch):
    monkeypatch.delenv(places.MIRROR, raising=False)
    looked = weights.look("body")
    monkeypatch.setenv(places.FETCH, "never")
    with pytest.raises(ModelAbsent, match="switched off") as refused:
        weights.bring(looked, by_command=True)
    assert f"{BODY}.zip" in refused.value.hint
    monkeypatch.setenv(places.FETCH, "command")
    with pytest.raises(ModelAbsent, match="by command only"):
        weights.bring(looked)
    weights.bring(looked, by_command=True)
    assert looked.missing == []


def test_a_licensed_task_is_refused_without_a_key(here, monkeypatch):
    monkeypatch.delenv(program.KEY, raising=False)
    with pytest.raises(KeyAbsent, match="needs a licence key") as refused:
        weights.bring(weights.look("face"))
    assert program.KEY in refused.value.hint
    monkeypatch.setenv(program.KEY, "aca_0123456789ABCD")
    weights.require_key("face", is_licensed=True)


def test_weights_that_the_package_has_fetched_before_are_used_where_they_lie(here, monkeypatch, tmp_path):
    monkeypatch.delenv(weights.PLACE)
    monkeypatch.delenv("TOTALSEG_HOME_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert weights.weights_folder() == places.cache_folder() / "totalsegmentator"
    own = tmp_path / "home" / ".totalsegmentator" / "nnunet" / "results"
    own.mkdir(parents=True)
    assert weights.weights_folder() == own


PREDICTS = """
    import os, sys, time, numpy, resource
    def totalsegmentator(image, output, **asked):
        how = os.environ["HOW"]
        if how == "memory":
            bytearray(64 << 30)
        if how == "killed":
            os.kill(os.getpid(), 9)
        if how == "fault":
            raise RuntimeError("the checkpoint is no checkpoint\\nsecond line")
        if how == "wait":
            open(os.environ["PID_FILE"], "w").write(str(os.getpid()))
            time.sleep(600)
        settings = open(os.path.join(os.environ["TOTALSEG_HOME_DIR"], "config.json")).read()
        assert '"send_usage_stats": false' in settings, settings
        assert not [name for name in os.environ if name.startswith("PLASTINATE_")]
        class Labelled: dataobj = numpy.ones(image.shape)
        return Labelled()
"""


@pytest.fixture
def predicting(here, monkeypatch, tmp_path):
    """The stand-in, able to predict: the modules that the real one brings are empty."""
    site = tmp_path / "site"
    (site / "totalsegmentator" / "python_api.py").write_text(textwrap.dedent(PREDICTS))
    inference = site / "nnunetv2" / "inference"
    inference.mkdir(parents=True)
    (inference / "predict_from_raw_data.py").write_text("class nnUNetPredictor: pass\nclass tqdm: pass\n")
    (site / "totalsegmentator" / "config.py").write_text("def setup_nnunet(): pass\n")
    (site / "totalsegmentator" / "nnunet.py").write_text("")
    (site / "torch.py").write_text("def set_num_threads(n): pass\n")
    (site / "nibabel.py").write_text("def Nifti1Image(data, affine): return data\n")
    return here


def ask_for_labels(tmp_path: Path, **options: object) -> dict[str, object]:
    import numpy as np

    np.save(tmp_path / "scan.npy", np.zeros((2, 3, 4), np.int16))
    request = {
        "do": "predict",
        "task": "body",
        "mode": "",
        "classes": [],
        "device": "cpu",
        "threads": 1,
        "array": str(tmp_path / "scan.npy"),
        "labels": str(tmp_path / "labels.npy"),
        "to_ras_mm": np.eye(4).tolist(),
    }
    return program.ask(request, weights=tmp_path, **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_labels_come_back_and_no_setting_of_ours_or_word_of_the_run_goes_out(
    predicting, monkeypatch, tmp_path
):
    monkeypatch.setenv("HOW", "well")
    monkeypatch.setenv("PLASTINATE_SECRET_KEY", "not for others")
    answer = ask_for_labels(tmp_path)
    assert answer["classes"] == {"body_trunc": 1, "body_extremities": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("memory", MemoryShort, "not enough memory"),
        ("killed", MemoryShort, "the system ended it"),
        ("fault", NetworkUnsound, "the checkpoint is no checkpoint"),
    ],
)
def test_each_way_to_fail_has_its_sentence(predicting, monkeypatch, tmp_path, how, error, words):
    monkeypatch.setenv("HOW", how)
    with pytest.raises(error, match=words):
        ask_for_labels(tmp_path, limits={"data": 8 << 30})


@pytest.mark.slow
def test_what_it_said_is_shown_to_whoever_looks_for_a_fault(predicting, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("HOW", "fault")
    with pytest.raises(NetworkUnsound):
        ask_for_labels(tmp_path)
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("PLASTINATE_DEBUG", "1")
    with pytest.raises(NetworkUnsound) as refused:
        ask_for_labels(tmp_path)
    assert "second line" in capsys.readouterr().err
    assert "PLASTINATE_DEBUG" in refused.value.hint


@pytest.mark.slow
def test_who_stops_waiting_ends_the_program(predicting, monkeypatch, tmp_path):
    monkeypatch.setenv("HOW", "wait")
    monkeypatch.setenv("PID_FILE", str(tmp_path / "pid"))

    def stop(message: object) -> None:
        if (tmp_path / "pid").is_file() and (tmp_path / "pid").read_text():
            raise Cancelled

    with pytest.raises(Cancelled):
        ask_for_labels(tmp_path, told=stop)
    number = int((tmp_path / "pid").read_text())
    ends_at = time.monotonic() + 10
    while Path(f"/proc/{number}").exists() and time.monotonic() < ends_at:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
