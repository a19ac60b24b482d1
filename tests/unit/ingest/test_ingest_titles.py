"""What a scan may be called comes from what it says of itself, and never from its patient."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from plastinate.stages.ingest.read import inspect_input
from tiny_scans import save_series


@pytest.mark.slow
@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({"StudyDescription": "CT Thorax^Routine", "SeriesDescription": "1.0 B60f"}, "CT Thorax Routine"),
        ({"SeriesDescription": "Angio", "BodyPartExamined": "CHEST"}, "Angio, Chest"),
        ({"StudyDescription": "Chest CT", "BodyPartExamined": "CHEST"}, "Chest CT"),
        ({"SeriesDescription": None, "BodyPartExamined": "HEAD"}, "CT Head"),
        ({"StudyDescription": "Knee", "BodyPartExamined": "KNEE JOINT"}, "Knee joint"),
        ({"SeriesDescription": None}, None),
        ({"StudyDescription": "Thorax von Anna Muster", "PatientName": "Muster^Anna"}, "Tiny"),
        ({"StudyDescription": "ANNA", "SeriesDescription": "muster", "PatientName": "Muster^Anna"}, None),
        ({"StudyDescription": "Sample of a chest", "PatientName": "Anonymous^Sample"}, "Sample of a chest"),
        ({"StudyDescription": "Thorax Wu Li", "PatientName": "Wu^Li"}, "Tiny"),
        ({"StudyDescription": "Vulva Li-Fraumeni", "PatientName": "Wu^Na"}, "Vulva Li-Fraumeni"),
        ({"StudyDescription": "CT Thorax 47-11", "PatientID": "4711"}, "Tiny"),
        ({"StudyDescription": "CT of 1.1", "PatientID": "11"}, "CT of 1.1"),
        ({"StudyDescription": "Born 03.02.1970", "PatientBirthDate": "19700203"}, "Tiny"),
        ({"StudyDescription": "1970-02-03 CT", "PatientBirthDate": "19700203"}, "Tiny"),
        (
            {
                "StudyDescription": "M\xfcller",
                "SpecificCharacterSet": "ISO_IR 100",
                "PatientName": "M\xfcller",
            },
            "Tiny",
        ),
    ],
)
def test_a_scan_is_called_what_its_study_or_series_says(
    tmp_path: Path, said: dict[str, Any], title: str | None
):
    (series,) = inspect_input(save_series(tmp_path, 5, **said)).series
    assert series.tags.get("title") == title
    assert "Muster" not in str(series.as_dict()).replace("muster", "")


@pytest.mark.slow
def test_a_zip_is_counted_as_what_lies_in_it(tmp_path: Path):
    save_series(tmp_path / "scan", 5)
    with zipfile.ZipFile(tmp_path / "scan.zip", "w") as archive:
        for file in sorted((tmp_path / "scan").iterdir()):
            archive.write(file, file.name)
    assert inspect_input(tmp_path / "scan.zip").files_looked_at == 5
    assert inspect_input(tmp_path).files_looked_at == 10
    (tmp_path / "broken.zip").write_bytes((tmp_path / "scan.zip").read_bytes()[:300])
    assert inspect_input(tmp_path).files_looked_at == 11
