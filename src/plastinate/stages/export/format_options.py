"""What a format wants to know beyond the scene, and how every format is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from plastinate.model.scene import Scene
from plastinate.model.surface import Surface
from plastinate.model.volume import Volume

# (surface, target_triangles=, max_error_mm=) -> the surface with fewer triangles, at most so far from it.
Lightens = Callable[..., Surface]


@dataclass(frozen=True)
class FormatOptions:
    """Choices that concern some formats only.

    Attributes:
        compression: of GLB files: "meshopt", "draco" or "none".
        source_files: the DICOM files the volume was read from, for DICOM SEG.
        level: which level of detail mesh files hold.
        volume: what was measured, for the viewer; None shows the models alone.
        lighten: makes levels of detail for the viewer that the scene lacks; None leaves what there is.
    """

    compression: str = "meshopt"
    source_files: tuple[Path, ...] = ()
    level: str = "full"
    volume: Volume | None = None
    lighten: Lightens | None = None


# Every format offers one such function: it returns each file it wrote, with its SHA-256.
Writer = Callable[[Scene, Path, FormatOptions], dict[Path, str]]
