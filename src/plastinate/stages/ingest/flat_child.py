"""The process that may die, for flat pictures: reads one under limits, answers in JSON lines.

Started by `sandbox.py` as `python -m plastinate.stages.ingest.flat_child`. The pixels go back as three
planes of 16 bits: red and green, blue and opacity, brightness.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plastinate.stages.ingest.child import Line, SharedVoxels, serve

PLANES = 3
# What to do about a picture of a kind that is not read.
SAVE_IT = {
    "": "Save it as JPEG, PNG, WebP or TIFF, then try again.",
    "heic": "Let the phone send it as JPEG (camera settings: most compatible), or export it as JPEG.",
    "svg": "It is drawn of lines: export it as PNG, then try again.",
    "pdf": "It is a document: export its page as PNG, or save the picture in it as JPEG.",
}


def answer(request: dict[str, Any], *, line: Line) -> dict[str, Any]:
    """Do one job: "find" the pictures at a path, or "read" one of them."""
    return find_flat(request) if request.get("job") == "find" else read_flat(request, line=line)


def find_flat(request: dict[str, Any]) -> dict[str, Any]:
    """Name the pictures at the path that the request names; none where a scan lies there."""
    from plastinate.model.errors import InputError, LimitError
    from plastinate.stages.ingest.flat_find import pictures_at
    from plastinate.stages.ingest.limits import Limits

    try:
        found = pictures_at(
            Path(request["path"]), workspace=Path(request["workspace"]), limits=Limits(**request["limits"])
        )
    except (InputError, LimitError):
        # Whoever reads scans meets the same flaw, and tells of it.
        found = ()
    return {"pictures": [{"name": each.name, "kind": each.kind, "shows": each.shows} for each in found]}


def read_flat(request: dict[str, Any], *, line: Line) -> dict[str, Any]:
    """Read the picture that the request names; see `flat_read.py` for what it asks.

    Raises:
        UnsupportedFile: the file is no picture, or there are several.
        PlastinateError: what its decoder raises.
    """
    from plastinate.model.errors import UnsupportedFile
    from plastinate.stages.ingest.flat_decode import FORMATS, decode_flat
    from plastinate.stages.ingest.flat_dicom import decode_dicom_picture
    from plastinate.stages.ingest.flat_find import the_picture
    from plastinate.stages.ingest.jobs import digest_of
    from plastinate.stages.ingest.limits import Limits

    limits, workspace = Limits(**request["limits"]), Path(request["workspace"])
    chosen = the_picture(
        Path(request["path"]),
        name=request["name"],
        which=request.get("which"),
        workspace=workspace,
        limits=limits,
    )
    path, name, kind = chosen.path, chosen.name, chosen.kind
    line.progress(0, 1, "decoding the picture")
    if kind == "dicom":
        # What was unpacked lies in the workspace under numbers, as an inflated copy will.
        inflated = workspace / "inflated"
        inflated.mkdir()
        found = decode_dicom_picture(path, name=name, workspace=inflated, limits=limits)
    elif kind in FORMATS:
        found = decode_flat(path, kind=kind, name=name, limits=limits)
    else:
        said = (
            f"pictures of the kind {kind.upper()} are not read" if kind else "it is no picture by its content"
        )
        raise UnsupportedFile(name, said, hint=SAVE_IT.get(kind, SAVE_IT[""]))
    rows, columns = found.grey.shape
    planes = SharedVoxels(request["voxels_fd"]).make((PLANES, rows, columns), "int16").view("uint16")
    planes[0] = found.rgba[:, :, 0].astype("uint16") | (found.rgba[:, :, 1].astype("uint16") << 8)
    planes[1] = found.rgba[:, :, 2].astype("uint16") | (found.rgba[:, :, 3].astype("uint16") << 8)
    planes[2] = found.grey
    return {
        "name": name,
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
    serve(answer)
