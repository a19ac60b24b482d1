"""A scan of a small ball, of some twenty slices: enough for every door, and built in no time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from phantom_series import Scan, write_series
from phantoms import Phantom, sphere

RADIUS_MM = 7.0


def bead() -> Phantom:
    """A ball of 1.44 ml."""
    return replace(sphere(RADIUS_MM), name="bead")


def write_bead(folder: Path, scan: Scan | None = None) -> Path:
    """Write its scan; what is inside is bone-bright."""
    write_series(bead(), folder, scan or Scan())
    return folder


def plastinate(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line as a person does, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "plastinate.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
    )
