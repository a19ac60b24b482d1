"""Structure colours in, the same colours as each format wants them out."""

from __future__ import annotations

from typing import Any

from plastinate.model.structure import Structure

# Matt enough that the lamps of a viewer do not hide shape behind highlights.
ROUGHNESS = 0.65


def linear_rgb(colour_srgb: tuple[int, int, int]) -> tuple[float, float, float]:
    """Colours in sRGB bytes as linear light, as glTF factors are (glTF 2.0, section 3.9.2).

    >>> [round(c, 4) for c in linear_rgb((255, 128, 0))]
    [1.0, 0.2159, 0.0]

    Source: IEC 61966-2-1, the sRGB transfer function.
    """
    red, green, blue = (_linear(value / 255.0) for value in colour_srgb)
    return red, green, blue


def srgb_bytes(linear: tuple[float, float, float]) -> tuple[int, int, int]:
    """Linear light back as sRGB bytes.

    >>> srgb_bytes(linear_rgb((12, 128, 201)))
    (12, 128, 201)
    """
    red, green, blue = (round(255.0 * _encoded(min(max(value, 0.0), 1.0))) for value in linear)
    return red, green, blue


def hex_colour(structure: Structure, *, with_alpha: bool = False) -> str:
    """#RRGGBB, or #RRGGBBAA with the opacity."""
    alpha = f"{round(255 * structure.opacity):02X}" if with_alpha else ""
    return "#{:02X}{:02X}{:02X}".format(*structure.colour) + alpha


def gltf_material(structure: Structure, *, is_closed: bool, texture: int | None = None) -> dict[str, Any]:
    """A physically based material; an open surface shows both its sides.

    Args:
        structure: colour and opacity.
        is_closed: of its surface.
        texture: number of the texture that takes the colour's place.
    """
    colour = (1.0, 1.0, 1.0) if texture is not None else linear_rgb(structure.colour)
    factor = [round(value, 6) for value in (*colour, structure.opacity)]
    material: dict[str, Any] = {
        "name": structure.id,
        "pbrMetallicRoughness": {
            "baseColorFactor": factor,
            "metallicFactor": 0.0,
            "roughnessFactor": ROUGHNESS,
        },
    }
    if texture is not None:
        # A picture has its own highlights.
        material["pbrMetallicRoughness"] |= {"baseColorTexture": {"index": texture}, "roughnessFactor": 1.0}
    if structure.opacity < 1.0:
        material["alphaMode"] = "BLEND"
    if not is_closed:
        material["doubleSided"] = True
    return material


def _linear(value: float) -> float:
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)


def _encoded(value: float) -> float:
    return float(12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055)
