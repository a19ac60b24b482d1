"""The CT of a head that comes with Debian's invesalius-examples, read from that program's own file."""

from __future__ import annotations

import plistlib
import tarfile
from pathlib import Path

import numpy as np
import pytest

from plastinate.model.geometry import Geometry
from plastinate.model.volume import Volume

CRANIUM = Path("/usr/share/doc/invesalius-examples/examples/Cranium.inv3")


def cranium(into: Path) -> Volume:
    if not CRANIUM.exists():
        pytest.skip("the package invesalius-examples is not installed")
    with tarfile.open(CRANIUM) as packed:
        packed.extractall(into, filter="data")
    (facts,) = into.glob("*/main.plist")
    told = plistlib.loads(facts.read_bytes())
    column, row, plane = told["spacing"]
    array = np.fromfile(facts.parent / "matrix.dat", dtype=np.int16).reshape(told["matrix"]["shape"])
    # Planes run up and rows to the front; on which side its left is, the file does not say.
    matrix = np.eye(4)
    matrix[:3, :3] = [[0, 0, column], [0, -row, 0], [plane, 0, 0]]
    return Volume(Geometry(array.shape, matrix), array, "HU", "CT")
