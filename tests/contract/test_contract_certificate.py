"""What other programs rely on: the keys of certificate.json, the codes and exit statuses of errors."""

from __future__ import annotations

import json

import pytest

from bead_scans import write_bead
from plastinate.api import build_model
from plastinate.model import errors
from plastinate.model.errors import PlastinateError

EXIT_STATUSES = {
    "PlastinateError": 1,
    "InputError": 3,
    "LimitError": 4,
    "RecipeError": 5,
    "ResultError": 6,
    "SystemFault": 7,
    "Cancelled": 130,
}
QUALITY_KEYS = {
    "triangles",
    "vertices",
    "is_closed",
    "is_manifold",
    "self_crossings",
    "pieces",
    "volume_ml",
    "mask_volume_ml",
    "volume_drift_percent",
    "area_cm2",
    "distance_mean_mm",
    "distance_p95_mm",
    "distance_max_mm",
    "distance_mean_voxel",
    "distance_p95_voxel",
    "distance_max_voxel",
    "thinnest_wall_mm",
}


def leaves(kind: type[PlastinateError] = PlastinateError) -> list[type[PlastinateError]]:
    return [kind, *(leaf for below in kind.__subclasses__() for leaf in leaves(below))]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("contract")
    build_model(
        write_bead(folder / "scan"),
        threshold=(500, None),
        output=folder / "out",
        formats="stl",
        levels={"full": None},
        preview=False,
    )
    text = (folder / "out" / "certificate.json").read_text(encoding="utf-8")
    assert str(folder) not in text, "where a file lay says who had it, and differs between machines"
    return json.loads(text)


def test_the_certificate_has_its_keys(report: dict):
    assert list(report) == [
        "format",
        "content_sha256",
        "title",
        "notice",
        "structures",
        "inputs",
        "findings",
        "steps",
        "quality",
        "verdicts",
        "not_found",
        "outputs",
    ]
    assert report["format"] == "plastinate-certificate/1"
    assert {
        "sha256",
        "files",
        "series",
        "geometry",
        "quantity",
        "recipe",
        "result_key",
        "plastinate_version",
    } <= set(report["inputs"])
    assert set(report["quality"]["surface"]["full"]) == QUALITY_KEYS
    assert set(report["verdicts"]["surface"]) == {"light", "reasons"}
    assert {"id", "name", "code", "colour_srgb", "detail_levels"} <= set(report["structures"][0])
    for step in report["steps"]:
        assert set(step) == {"stage", "method", "version", "parameters", "structures", "notes"}


def test_nothing_of_the_run_is_in_the_certificate(report: dict):
    words = json.dumps(report)
    assert not any(word in words for word in ("wall_s", "started_utc", "peak_memory"))


def test_each_branch_of_the_tree_has_its_exit_status():
    for name, status in EXIT_STATUSES.items():
        for leaf in leaves(getattr(errors, name)):
            if name != "PlastinateError":
                assert leaf.exit_status == status, leaf


def test_every_code_is_its_own_and_every_error_says_what_to_do():
    known = [leaf for leaf in leaves() if leaf.__module__ == errors.__name__]
    codes = [leaf.code for leaf in known]
    assert len(set(codes)) == len(codes)
    for leaf in known:
        assert "." in leaf.code
        assert isinstance(leaf.hint, str)
        assert leaf.hint
