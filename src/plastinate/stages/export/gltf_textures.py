"""The skins of a scene in, the images, samplers and textures of a glTF document out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from plastinate.stages.export.gltf_meshes import MeshParts, Skins

LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP = 9729, 9987, 33071


@dataclass(frozen=True)
class GltfTextures:
    """What textures add to a document.

    Attributes:
        fields: "images", "samplers" and "textures"; empty without any.
        of_mesh: for each mesh the number of its texture, None without.
    """

    fields: dict[str, Any]
    of_mesh: tuple[int | None, ...]


def gltf_textures(parts: MeshParts, skins: Skins) -> GltfTextures:
    """Append every texture to the binary part, each once, as the file that it is."""
    numbers: dict[int, int] = {}
    images: list[dict[str, Any]] = []
    of_mesh: list[int | None] = []
    for skin in skins:
        if skin is None or skin.texture is None:
            of_mesh.append(None)
            continue
        if id(skin.texture) not in numbers:
            numbers[id(skin.texture)] = len(images)
            start = parts.append(skin.texture.data)
            parts.views.append({"buffer": 0, "byteOffset": start, "byteLength": len(skin.texture.data)})
            images.append({"bufferView": len(parts.views) - 1, "mimeType": skin.texture.media_type})
            parts.buffers[0]["byteLength"] = len(parts.binary)
        of_mesh.append(numbers[id(skin.texture)])
    if not images:
        return GltfTextures({}, tuple(of_mesh))
    sampler = {"magFilter": LINEAR, "minFilter": LINEAR_MIPMAP_LINEAR, "wrapS": CLAMP, "wrapT": CLAMP}
    textures = [{"sampler": 0, "source": number} for number in range(len(images))]
    return GltfTextures({"images": images, "samplers": [sampler], "textures": textures}, tuple(of_mesh))
