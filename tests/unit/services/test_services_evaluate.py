"""Cases are built and scored, what fails costs itself only, and what is done is not done again."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from PIL import Image

import anatomy_phantoms
from plastinate.model.errors import Cancelled
from plastinate.model.evaluation_errors import CasesFlaw
from plastinate.model.geometry import Geometry
from plastinate.pipeline.progress import Progress
from plastinate.services import evaluate as evaluation
from plastinate.services.evaluate import EvaluationRequest, evaluate

pytestmark = pytest.mark.slow

CASE = """
[[case]]
name = "{name}"
role = "{role}"
modality = "CT"
reference_by = "person"
atlas = {atlas}
scan = {{ path = "{scan}" }}
reference = {{ path = "{reference}"{pictures} }}
labels = {{ skin = [1, 2], lung-left = [3] }}
"""


def case(name: str, *, role="judge", atlas=False, scan="scan.nii.gz", reference="labels.nii.gz", pictures=""):
    return CASE.format(
        name=name, role=role, atlas=str(atlas).lower(), scan=scan, reference=reference, pictures=pictures
    )


def write_image(path: Path, array: np.ndarray, geometry: Geometry) -> None:
    """As any program would write it: columns, rows, slices, with their place."""
    image = SimpleITK.GetImageFromArray(array)
    axes = geometry.to_lps_mm[:3, [2, 1, 0]]
    lengths = np.linalg.norm(axes, axis=0)
    image.SetSpacing(lengths.tolist())
    image.SetDirection((axes / lengths).ravel().tolist())
    image.SetOrigin(geometry.to_lps_mm[:3, 3].tolist())
    SimpleITK.WriteImage(image, str(path))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    geometry = anatomy_phantoms.grid((24, 40, 44), 2.5)
    x, y, z = anatomy_phantoms.positions(geometry)
    body = (x / 40) ** 2 + (y / 32) ** 2 + (z / 24) ** 2 <= 1
    write_image(folder / "scan.nii.gz", np.where(body, 40, -1000).astype(np.int16), geometry)
    labels = body.astype(np.uint8)
    labels[body & (x > 0)] = 2
    write_image(folder / "labels.nii.gz", labels, geometry)
    # The same voxels in another order, as a file that runs from the feet up.
    turned = geometry.to_lps_mm.copy()
    turned[:3, 3] += turned[:3, :2] @ (np.array(labels.shape[:2]) - 1)
    turned[:3, :2] *= -1
    write_image(folder / "turned.nii.gz", labels[::-1, ::-1], Geometry(labels.shape, turned))
    away = geometry.to_lps_mm.copy()
    away[2, 3] += 200
    write_image(folder / "elsewhere.nii.gz", labels, Geometry(labels.shape, away))
    (folder / "pictures").mkdir()
    for number, plane in enumerate(labels):
        Image.fromarray(plane).save(folder / "pictures" / f"slice {number + 1}.png")
    return folder


@pytest.fixture(scope="module")
def board(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, Path]:
    cases = data / "cases.toml"
    cases.write_text(
        'title = "A phantom"\nabout = "<b>bold</b> | piped"\n'
        + case("turned", reference="turned.nii.gz")
        + case("pictured", reference="pictures", pictures=', pictures = "from-the-top"', role="develop")
        + case("no-reference", reference="none.nii.gz")
        + case("no-scan", scan="none")
        + case("elsewhere", reference="elsewhere.nii.gz")
        + case("an-atlas", atlas=True)
    )
    out = tmp_path_factory.mktemp("out")
    return evaluate(EvaluationRequest(cases, out)), out


def by_name(report: dict) -> dict[str, dict]:
    return {each["name"]: each for each in report["cases"]}


def test_each_organ_of_each_case_is_scored_whatever_the_order_of_its_reference(board):
    found = by_name(board[0])
    turned, pictured = (found[name]["scores"]["skin"] for name in ("turned", "pictured"))
    for score in (turned, pictured):
        assert score["outcome"] == "found"
        assert score["dice"] > 0.99
        assert score["hd95_mm"] <= 2.5
        assert score["light"] in ("green", "amber", "red")
    assert turned["dice"] == pictured["dice"]
    assert turned["assd_mm"] == pytest.approx(pictured["assd_mm"], abs=1e-6)
    assert found["turned"]["scores"]["lung-left"]["outcome"] == "absent"


def test_a_case_that_cannot_be_scored_says_why_and_costs_only_itself(board):
    found = by_name(board[0])
    assert found["no-reference"]["error"]["code"] == "evaluation.no-reference"
    assert found["elsewhere"]["error"]["code"] == "evaluation.reference-elsewhere"
    assert found["no-scan"]["error"]["code"] == "input.no-images"
    assert "an-atlas" not in found
    assert board[0]["atlases"] == [{"name": "an-atlas", "title": "an-atlas"}]


def test_means_are_apart_by_role(board):
    rows = {(row["role"], row["structure"]): row for row in board[0]["summary"]}
    assert rows["judge", "skin"]["cases"] == rows["develop", "skin"]["cases"] == 1
    assert rows["judge", "skin"]["figures"]["dice"]["low"] is None
    assert rows["judge", "lung-left"]["outcomes"] == {"absent": 1}
    assert rows["judge", "lung-left"]["figures"]["dice"] is None


def test_time_and_memory_are_told_by_stage(board):
    stages = {stage["name"]: stage for stage in by_name(board[0])["turned"]["stages"]}
    assert {"read the scan", "segment", "surface", "check"} <= stages.keys()
    assert stages["segment"]["wall_s"] > 0
    if Path("/proc/self/statm").exists():
        assert 20 < stages["read the scan"]["peak_mb"] < 20_000


def test_the_scoreboard_is_written_in_four_forms_that_agree(board):
    report, out = board
    assert json.loads((out / "scoreboard.json").read_text())["summary"] == json.loads(
        json.dumps(report["summary"])
    )
    with (out / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    scored = [row for row in rows if row["outcome"] == "found"]
    assert len(scored) == 2
    dice = by_name(report)["turned"]["scores"]["skin"]["dice"]
    assert float(scored[0]["dice"]) == dice
    text, page = (out / "scoreboard.md").read_text(), (out / "scoreboard.html").read_text()
    assert f"{dice:.3f}" in text
    assert f"{dice:.3f}" in page
    assert "evaluation.no-reference" in text
    assert "evaluation.no-reference" in page


def test_the_page_needs_nothing_else_and_lets_no_text_of_the_cases_be_markup(board):
    page = (board[1] / "scoreboard.html").read_text()
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "&lt;b&gt;bold" in page
    assert page.count("data:image/png;base64,") == 2
    assert page.count("<img alt=") == 2


def test_a_second_run_scores_nothing_anew(board, data: Path, monkeypatch: pytest.MonkeyPatch):
    def never(*_: object, **__: object) -> None:
        raise AssertionError("scored again")

    monkeypatch.setattr(evaluation, "score_case", never)
    done = ("turned", "pictured")
    again = evaluate(EvaluationRequest(data / "cases.toml", board[1], only=done))
    assert by_name(again) == {name: json.loads(json.dumps(by_name(board[0])[name])) for name in done}
    with pytest.raises(AssertionError, match="scored again"):
        evaluate(EvaluationRequest(data / "cases.toml", board[1], only=("turned",), is_fresh=True))


def test_a_reference_that_changed_is_scored_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    cases = tmp_path / "cases.toml"
    cases.write_text(case("plain"))
    counted: list[str] = []

    def count(case, *_: object, **__: object):
        counted.append(case.name)
        return {"scores": {}, "stages": []}, {}

    monkeypatch.setattr(evaluation, "score_case", count)
    request = EvaluationRequest(cases, tmp_path / "out", data=data)
    evaluate(request)
    evaluate(request)
    assert counted == ["plain"]
    os.utime(data / "labels.nii.gz", (1, 1))
    evaluate(request)
    assert counted == ["plain", "plain"]
    (tmp_path / "out" / "cases" / "plain.json").write_text("{")
    evaluate(request)
    assert len(counted) == 3


def test_stopped_it_keeps_what_is_done(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    cases = tmp_path / "cases.toml"
    cases.write_text(case("first") + case("second"))
    begun: list[str] = []

    def short(case, *_: object, progress: Progress, **__: object):
        begun.append(case.name)
        if len(begun) == 2:
            raise Cancelled
        return {"scores": {}, "stages": []}, {}

    monkeypatch.setattr(evaluation, "score_case", short)
    request = EvaluationRequest(cases, tmp_path / "out", data=data)
    with pytest.raises(Cancelled):
        evaluate(request)
    evaluate(request)
    assert begun == ["first", "second", "second"]


def test_progress_runs_from_nothing_to_all_and_names_the_case(data: Path, tmp_path: Path, monkeypatch):
    cases = tmp_path / "cases.toml"
    cases.write_text(case("first") + case("second"))
    monkeypatch.setattr(evaluation, "score_case", lambda *_, **__: ({"scores": {}, "stages": []}, {}))
    told: list[tuple[float, str]] = []
    progress = Progress(say=lambda event: told.append((event.share_done, event.doing)))
    evaluate(EvaluationRequest(cases, tmp_path / "out", data=data), progress=progress)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    assert any(words.startswith("second: ") for _, words in told)


def test_a_case_nobody_wrote_down_is_refused(data: Path, tmp_path: Path):
    cases = tmp_path / "cases.toml"
    cases.write_text(case("first"))
    with pytest.raises(CasesFlaw, match="no case called 'third'"):
        evaluate(EvaluationRequest(cases, tmp_path / "out", data=data, only=("third",)))
