from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from plastinate.stages.ingest.child import Line, SharedVoxels, answer
from plastinate.stages.ingest.discover import Candidate
from plastinate.stages.ingest.jobs import digest_of, files_of
from plastinate.stages.ingest.limits import Limits
from tiny_scans import save, save_series, slice_dataset


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Any]:
    """Put a request to the child's own function, in this process."""
    receive, send = os.pipe()
    voxels = os.open(tmp_path / "voxels", os.O_RDWR | os.O_CREAT)
    (tmp_path / "workspace").mkdir()

    def put(job: str, path: Path, **options: Any) -> dict[str, Any]:
        request = {
            "job": job,
            "path": str(path),
            "workspace": str(tmp_path / "workspace"),
            "voxels_fd": voxels,
            "limits": Limits().as_dict(),
            "series": None,
            "phase": None,
            "allow_gaps": False,
            **options,
        }
        return json.loads(json.dumps(answer(request, line=Line(send)), allow_nan=False))

    yield put
    for descriptor in (receive, send, voxels):
        os.close(descriptor)


def test_an_inspection_is_answered_in_json(ask: Any, tmp_path: Path) -> None:
    found = ask("inspect", save_series(tmp_path / "scan"))["result"]["inspection"]
    assert [series["shape_slice_row_column"] for series in found["series"]] == [[5, 4, 6]]


def test_voxels_lie_in_the_shared_memory(ask: Any, tmp_path: Path) -> None:
    result = ask("read", save_series(tmp_path / "scan"))["result"]
    assert result["array"] == {"shape": [5, 4, 6], "dtype": "int16"}
    shared = np.fromfile(tmp_path / "voxels", dtype=np.int16).reshape(5, 4, 6)
    assert shared[:, 0, 0].tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    ("options", "code"),
    [({"series": 9}, "input.series-not-found"), ({"phase": 2}, "input.series-not-found")],
)
def test_a_refusal_is_answered_in_json(ask: Any, tmp_path: Path, options: dict[str, int], code: str) -> None:
    assert ask("read", save_series(tmp_path / "scan"), **options)["error"]["code"] == code


def test_what_was_set_aside_is_the_reason_when_nothing_is_left(ask: Any, tmp_path: Path) -> None:
    save(slice_dataset(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.66.4"), tmp_path / "scan" / "seg")
    error = ask("read", tmp_path / "scan")["error"]
    assert error["code"] == "input.no-usable-series"
    assert "labels, not a scan" in error["sentence"]


def test_a_second_allocation_takes_the_place_of_the_first(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "voxels", os.O_RDWR | os.O_CREAT)
    shared = SharedVoxels(descriptor)
    shared.make((2, 2, 2), np.int16)[:] = 7
    shared.make((2, 2, 2), np.float32)[0, 0, 0] = 1.5
    os.close(descriptor)
    assert np.fromfile(tmp_path / "voxels", dtype=np.float32).tolist() == [1.5] + [0.0] * 7


def test_the_digest_knows_contents_and_not_names(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"2"), ("c", b"2"), ("d", b"1"), ("e", b"3")):
        (tmp_path / name).write_bytes(content)
    assert digest_of([tmp_path / "a", tmp_path / "b"]) == digest_of([tmp_path / "c", tmp_path / "d"])
    assert digest_of([tmp_path / "a", tmp_path / "b"]) != digest_of([tmp_path / "a", tmp_path / "e"])


def test_a_header_may_only_name_a_file_beside_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    header = tmp_path / "in" / "a.mhd"
    header.write_text("NDims = 3\nElementDataFile = ../../secret.raw\n")
    assert files_of(Candidate(header, "a.mhd", "metaimage")) == [header]
    (tmp_path / "in" / "secret.raw").write_bytes(b"")
    assert files_of(Candidate(header, "a.mhd", "metaimage")) == [header, tmp_path / "in" / "secret.raw"]
