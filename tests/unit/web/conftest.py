"""One application for each test of the web."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from web_stage import Scene, Stage, open_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = open_stage(tmp_path / "home")
    yield stage
    stage.close()


@pytest.fixture
def scene(stage: Stage) -> Scene:
    return stage.new_scene()
