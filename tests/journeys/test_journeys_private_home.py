"""What a server keeps is for its owner only, also in a folder that was there before and is open to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from running_server import serving

pytestmark = pytest.mark.slow


def test_nothing_in_a_home_that_others_may_enter_is_open_to_them(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    with serving(tmp_path) as server:
        server.first_administrator()
        modes = {path.name: path.stat().st_mode & 0o077 for path in home.iterdir()}
    assert {"plastinate.db", "secret-key", "files", "uploads"} <= set(modes)
    assert [name for name, open_to_others in modes.items() if open_to_others] == []
