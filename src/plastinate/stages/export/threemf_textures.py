"""The skins of a scene in, the parts, resources and triangles of a 3MF that lay textures onto them out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from plastinate.model.skin import Skin
from plastinate.model.surface import Surface
from plastinate.stages.export.number_text import number_rows

MATERIALS = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
OPC = "http://schemas.openxmlformats.org/package/2006"
MODEL_RELATIONSHIPS = "3D/_rels/3dmodel.model.rels"
TEXTURE_TYPE = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dtexture"


@dataclass(frozen=True)
class PackedTextures:
    """Textures of the organs of one file, by the number of the organ.

    Attributes:
        parts: path in the package -> bytes; empty where no organ has a texture.
        content_types: lines for the package's list.
        skins: number of the organ -> its skin.
        group_ids: number of the organ -> id of its group of places; the texture has the id before it.
        paths: number of the organ -> path of its texture.
    """

    parts: Mapping[str, bytes] = field(default_factory=dict)
    content_types: str = ""
    skins: Mapping[int, Skin] = field(default_factory=dict)
    group_ids: Mapping[int, int] = field(default_factory=dict)
    paths: Mapping[int, str] = field(default_factory=dict)

    def resources(self) -> Iterator[bytes]:
        """The textures and the places on them.

        Source: 3MF Consortium, Materials and Properties Extension 1.2.1, sections 6 and 7.
        """
        for number, skin in self.skins.items():
            group, kind = self.group_ids[number], skin.texture.media_type if skin.texture else ""
            yield (
                f'<m:texture2d id="{group - 1}" path="/{self.paths[number]}" contenttype="{kind}" '
                f'tilestyleu="clamp" tilestylev="clamp"/>\n'
                f'<m:texture2dgroup id="{group}" texid="{group - 1}">\n'
            ).encode()
            yield from number_rows(skin.places_from_below, ('<m:tex2coord u="', '" v="', '"/>\n'))
            yield b"</m:texture2dgroup>\n"

    def triangles(self, surface: Surface, number: int) -> Iterator[bytes]:
        """The triangles of an organ, with their places where it has a texture."""
        if number not in self.skins:
            yield from number_rows(surface.triangles, ('<triangle v1="', '" v2="', '" v3="', '"/>\n'))
            return
        rows = np.concatenate([surface.triangles, self.skins[number].corners], axis=1)
        pieces = (
            '<triangle v1="',
            '" v2="',
            '" v3="',
            f'" pid="{self.group_ids[number]}" p1="',
            '" p2="',
            '" p3="',
        )
        yield from number_rows(np.ascontiguousarray(rows), (*pieces, '"/>\n'))


def packed_textures(skins: Sequence[Skin | None], *, first_id: int) -> PackedTextures:
    """Give every texture a path and ids.

    Args:
        skins: of the organs, in their order.
        first_id: the lowest that no other resource has.
    """
    textured = {
        number: skin for number, skin in enumerate(skins) if skin is not None and skin.texture is not None
    }
    if not textured:
        return PackedTextures()
    parts: dict[str, bytes] = {}
    relationships: list[str] = []
    suffixes: dict[str, str] = {}
    paths: dict[int, str] = {}
    for number, skin in textured.items():
        texture = skin.texture
        if texture is None:
            continue
        paths[number] = f"3D/Textures/texture{number + 1}{texture.suffix}"
        parts[paths[number]] = texture.data
        suffixes[texture.suffix.lstrip(".")] = texture.media_type
        relationships.append(
            f'<Relationship Target="/{paths[number]}" Id="texture{number + 1}" Type="{TEXTURE_TYPE}"/>'
        )
    parts[MODEL_RELATIONSHIPS] = (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Relationships xmlns="{OPC}/relationships">'
        f"{''.join(relationships)}</Relationships>"
    ).encode()
    types = "".join(
        f'<Default Extension="{suffix}" ContentType="{kind}"/>' for suffix, kind in suffixes.items()
    )
    groups = {number: first_id + 2 * place + 1 for place, number in enumerate(textured)}
    return PackedTextures(parts, types, textured, groups, paths)
