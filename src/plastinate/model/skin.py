"""What a surface looks like beyond one colour: a texture, a colour for each vertex, what was invented."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Texture:
    """A picture to be laid onto a surface, coded once and written into every file as it is.

    Attributes:
        data: the bytes of a JPEG or PNG file.
        media_type: "image/jpeg" or "image/png".
    """

    data: bytes
    media_type: str

    @property
    def suffix(self) -> str:
        """Of a file that holds it.

        >>> Texture(b"", "image/jpeg").suffix
        '.jpg'
        """
        return ".png" if self.media_type == "image/png" else ".jpg"


@dataclass(frozen=True, eq=False)
class Skin:
    """The look of one surface at one detail level.

    Places in the texture hang on the corners of triangles and not on vertices: along a seam one vertex has
    two places, and the surface stays closed.

    Attributes:
        texture: shared by all levels; None for colours alone.
        places: (P, 2) float32, 0 to 1, (0, 0) the upper left corner of the texture, as glTF has it.
        corners: (T, 3) uint32, the place of each corner of each triangle.
        colours: (V, 3) uint8 sRGB of the vertices, for formats without textures.
        confidence: (V,) float32, 0 to 1; -1 where nothing was seen.
        is_invented: (T,) bool, True where no picture shows what the triangle stands for.
        confidence_texture: the confidence as colours, at the same places; None where there is none.
    """

    texture: Texture | None
    places: npt.NDArray[np.float32]
    corners: npt.NDArray[np.uint32]
    colours: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.float32]
    is_invented: npt.NDArray[np.bool_]
    confidence_texture: Texture | None = None

    def __post_init__(self) -> None:
        if self.corners.shape != (len(self.is_invented), 3) or self.places.shape != (len(self.places), 2):
            raise ValueError("each triangle has three corners, and each place two numbers")
        if self.corners.size and int(self.corners.max()) >= len(self.places):
            raise ValueError("a corner names a place that does not exist")
        if self.colours.shape != (len(self.confidence), 3):
            raise ValueError("each vertex has a colour and a confidence")

    @property
    def places_from_below(self) -> npt.NDArray[np.float32]:
        """(P, 2) the places as OBJ and 3MF count them: (0, 0) is the lower left corner."""
        turned = self.places.copy()
        turned[:, 1] = np.float32(1) - turned[:, 1]
        return turned
