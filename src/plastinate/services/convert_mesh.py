"""One mesh file or label map -> the same in another format."""

from __future__ import annotations

from pathlib import Path

from plastinate.model.errors import CannotWrite, EmptyInput, PathNotFound, UnsupportedFile
from plastinate.model.evidence import Finding
from plastinate.services.convert_labels import convert_labels
from plastinate.services.output_folder import output_folder, require_writable
from plastinate.stages import catalog


def convert_file(source: Path, target: Path, *, compression: str = "meshopt") -> tuple[Finding, ...]:
    """Convert whatever it is: a mesh, else a label map.

    Raises:
        UnsupportedFile: it is neither.
        PlastinateError: as of `convert_mesh` and `convert_labels`.
    """
    try:
        return convert_mesh(source, target, compression=compression)
    except UnsupportedFile as no_mesh:
        try:
            return convert_labels(source, target, compression=compression)
        except EmptyInput:
            raise no_mesh from None


def convert_mesh(source: Path, target: Path, *, compression: str = "meshopt") -> tuple[Finding, ...]:
    """Read a mesh by its content and write it in the format that the target's suffix names.

    Both happen in a child process with limits on memory and time, as for scans:
    a mesh from elsewhere may be made to break its reader.

    Args:
        source: STL, OBJ, PLY, GLB or 3MF.
        target: file to write, atomically; its folder is made where it is missing.
        compression: of a GLB.

    Returns:
        What had to be assumed, such as the unit of a foreign file.

    Raises:
        InputError: the source is damaged or of no known kind.
        RecipeNotFound: no format goes by the target's suffix.
        ParserStopped: reading costs more than it may.
        CannotWrite: the system refused.
    """
    try:
        if source.is_dir():
            raise UnsupportedFile(str(source), "it is a folder, not a mesh")
        is_there = source.is_file()
    except (OSError, ValueError):
        is_there = False
    if not is_there:
        raise PathNotFound(str(source))
    target = target.absolute()
    require_writable(target.parent)
    if target.is_dir():
        raise CannotWrite(str(target), "there is a folder of that name")
    with output_folder(target.parent) as folder:
        request = {"source": str(source.absolute()), "target": str(folder / target.name)}
        answer = catalog.door("run-limited")(
            {**request, "compression": compression}, module="plastinate.services.convert_child"
        )
    return tuple(Finding(**finding) for finding in answer.data["findings"])
