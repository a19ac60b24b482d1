"""The process that converts a mesh and may die: foreign bytes in, the new file out, findings as JSON.

Started by `convert_mesh.py` as `python -m plastinate.services.convert_child`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plastinate.stages.ingest.child import Line, serve


def convert(request: dict[str, Any], *, line: Line) -> dict[str, Any]:
    """Read the mesh and write it in the format of the target's suffix.

    Args:
        request: {"source", "target", "compression"}.
        line: unused, a mesh takes no time worth a bar.
    """
    from plastinate.stages import catalog

    del line
    scene, findings = catalog.door("read-mesh")(Path(request["source"]))
    catalog.door("write-file")(scene, Path(request["target"]), compression=request["compression"])
    return {"findings": [finding.as_dict() for finding in findings]}


if __name__ == "__main__":
    serve(convert)
