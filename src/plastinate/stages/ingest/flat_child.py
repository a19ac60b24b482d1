"""The process that may die, for flat pictures: reads one under limits, answers in JSON lines.

Started by `sandbox.py` as `python -m plastinate.stages.ingest.flat_child`. The pixels go back as three
planes of 16 bits: red and green, blue and opacity, brightness.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plastinate.stages.ingest.child import Line, SharedVoxels, serve

PLANES = 3


def read_flat(request: dict[str, Any], *, line: Line) -> dict[str, Any]:
    """Read the picture that the request names; see `flat_read.py` for what it asks.

    Raises:
        UnsupportedFile: the file is no picture.
        PlastinateError: what its decoder raises.
    """
    from plastinate.model.errors import UnsupportedFile
    from plastinate.stages.ingest.flat_decode import FORMATS, decode_flat
    from plastinate.stages.ingest.flat_dicom import decode_dicom_picture
    from plastinate.stages.ingest.flat_kinds import sniff_flat
    from plastinate.stages.ingest.jobs import digest_of
    from plastinate.stages.ingest.limits import Limits

    path, name, limits = Path(request["path"]), request["name"], Limits(**request["limits"])
    kind = sniff_flat(path)
    line.progress(0, 1, "decoding the picture")
    if kind == "dicom":
        workspace = Path(request["workspace"])
        found = decode_dicom_picture(path, name=name, workspace=workspace, limits=limits)
    elif kind in FORMATS:
        found = decode_flat(path, kind=kind, name=name, limits=limits)
    else:
        hint = "Save it as JPEG, PNG, WebP or TIFF, then try again."
        said = (
            f"pictures of the kind {kind.upper()} are not read" if kind else "it is no picture by its content"
        )
        raise UnsupportedFile(name, said, hint=hint)
    rows, columns = found.grey.shape
    planes = SharedVoxels(request["voxels_fd"]).make((PLANES, rows, columns), "int16").view("uint16")
    planes[0] = found.rgba[:, :, 0].astype("uint16") | (found.rgba[:, :, 1].astype("uint16") << 8)
    planes[1] = found.rgba[:, :, 2].astype("uint16") | (found.rgba[:, :, 3].astype("uint16") << 8)
    planes[2] = found.grey
    return {
        "array": {"shape": [PLANES, rows, columns], "dtype": "int16"},
        "focal_px": found.focal_px,
        "shrunk": found.shrunk,
        "kind": found.kind,
        "spacing_mm": found.spacing_mm,
        "format": kind,
        "inputs": {"sha256": digest_of([path]), "files": 1},
        "findings": [finding.as_dict() for finding in found.findings],
    }


if __name__ == "__main__":
    serve(read_flat)
