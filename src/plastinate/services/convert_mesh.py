"""One mesh file -> the same mesh in another format."""

from __future__ import annotations

from pathlib import Path

from plastinate.model.errors import PathNotFound
from plastinate.model.evidence import Finding
from plastinate.stages import catalog


def convert_mesh(source: Path, target: Path, *, compression: str = "meshopt") -> tuple[Finding, ...]:
    """Read a mesh by its content and write it in the format that the target's suffix names.

    Args:
        source: STL, OBJ, PLY, GLB or 3MF.
        target: file to write, atomically.
        compression: of a GLB.

    Returns:
        What had to be assumed, such as the unit of a foreign file.

    Raises:
        InputError: the source is damaged or of no known kind.
        RecipeNotFound: no format goes by the target's suffix.
    """
    if not source.is_file():
        raise PathNotFound(str(source))
    scene, findings = catalog.door("read-mesh")(source)
    catalog.door("write-file")(scene, target, compression=compression)
    found: tuple[Finding, ...] = findings
    return found
