"""How much memory may still be taken."""

from __future__ import annotations

import subprocess
import sys

from plastinate.native.spare_memory import _of_container as of_container
from plastinate.native.spare_memory import spare_memory_bytes

UNDER_A_LIMIT = """
import resource
from plastinate.native.spare_memory import spare_memory_bytes
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
print(spare_memory_bytes())
"""


def test_there_is_some():
    assert spare_memory_bytes() > 0


def test_a_process_with_a_limit_has_less_than_that():
    told = subprocess.run(
        [sys.executable, "-c", UNDER_A_LIMIT], capture_output=True, text=True, check=True, timeout=60
    )
    assert 0 < int(told.stdout) < 1 << 30


def test_a_container_has_what_its_limit_leaves(tmp_path):
    (tmp_path / "memory.current").write_text("300\n")
    (tmp_path / "memory.max").write_text("1000\n")
    assert of_container(tmp_path) == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert of_container(tmp_path) is None
    assert of_container(tmp_path / "no-accounts") is None
