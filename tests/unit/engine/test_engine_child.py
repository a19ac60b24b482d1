"""What a child answers, whatever its work comes to: a result, or an error in the program's own words."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from plastinate.engine.child import answer
from plastinate.stages.ingest.child import Line


def said(work: str, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer of a child that does this work, and what it told on the way."""
    reads, writes = os.pipe()
    request = {
        "work": f"failing_work:{work}",
        "request": {"recipe": "beads"},
        "inputs": [str(folder / "scan.zip")],
        "folder": str(folder),
        "limits": {"memory_bytes": 3 << 30},
    }
    try:
        found = answer(request, line=Line(writes))
    finally:
        os.close(writes)
        with os.fdopen(reads, "rb") as told:
            lines = [json.loads(line) for line in told]
    return found, lines


def test_a_result_is_answered_and_the_steps_to_it_are_told(tmp_path: Path):
    found, told = said("well", tmp_path)
    assert found == {"result": {"asked": {"recipe": "beads"}, "scan": "scan.zip"}}
    assert told[0]["progress"][2] == "count the beads"


@pytest.mark.parametrize(
    ("work", "code", "words"),
    [
        ("nothing_there", "input.no-images", "scan.zip"),
        ("no_room_to_unpack", "system.store-full", "full"),
        ("disk_full", "system.store-full", "full"),
        ("memory_out", "job.out-of-memory", "3.0 GB"),
        ("kernel_memory_out", "job.out-of-memory", "3.0 GB"),
        ("slip", "plastinate.error", "KeyError"),
    ],
)
def test_whatever_goes_wrong_is_answered_with_a_code_a_sentence_and_a_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], work: str, code: str, words: str
):
    error = said(work, tmp_path)[0]["error"]
    assert (error["code"], words in error["sentence"], bool(error["hint"])) == (code, True, True)
    # Only a slip of the program's own leaves a trace for whoever mends it.
    assert ("Traceback" in capsys.readouterr().err) == (work == "slip")
