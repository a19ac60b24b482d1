"""A solid made of a picture -> what can be measured of it, and a light that is never green."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from plastinate.model.depth import DepthMap
from plastinate.model.evidence import Light, SurfaceQuality, Verdict
from plastinate.model.solid import Solid
from plastinate.native.crossings import self_crossings
from plastinate.stages.verify.measure import measure_surface, thinnest_wall

# Mean agreement of the network's views with each other below which the depth is little more than a guess.
UNSURE_BELOW = 0.5
# Of two pictures: where less than half of the one is found in the other, most of the depth is filled in.
FOUND_BELOW = 0.5
# A slip here and there is cut by a printer's program; more of them mean that the body is turned into itself.
CROSSINGS_SHARE_MAX = 0.001
# Whoever lays a coin beside a thing has a larger thing; else the thing may have been taken for the coin.
COIN_SHARE_MAX = 0.5
DOUBTED_COIN = (
    "What was taken for the coin is more than half as long as the model: "
    "see in the certificate whether it is the coin."
)


def measure_estimate(solid: Solid, *, level: str = "full", unit: str = "px") -> SurfaceQuality:
    """Measure one surface against the cells it was made of, which are themselves an estimate.

    Distances are in cells, and say how faithful the surface is to the estimate, not to the thing. Volume and
    area are stated in millimetres only where a length is known.

    Args:
        solid: made of a picture.
        level: which of its surfaces.
        unit: "mm" or "px".

    Raises:
        EmptyMask: it is empty.
    """
    quality = measure_surface(solid.on_grid[level], mask=solid.mask, geometry=solid.grid)
    surface = solid.surfaces[level]
    in_mm = unit == "mm"
    return replace(
        quality,
        # Rounding moves a vertex on the way into the room: it is looked at again there.
        self_crossings=self_crossings(surface.vertices, surface.triangles)[0],
        volume_ml=surface.volume_ml if in_mm else None,
        area_cm2=surface.area_cm2 if in_mm else None,
        thinnest_wall_mm=thinnest_wall(surface) if in_mm else None,
    )


def judge_estimate(
    quality: SurfaceQuality,
    depth: DepthMap,
    *,
    invented: str,
    unit: str,
    is_by_reference: bool = False,
    is_one_thing: bool = False,
    coin_share: float = 0.0,
) -> Verdict:
    """Amber at best: the shape was estimated from one picture or two, and part of it nobody saw.

    Args:
        quality: of the finest surface.
        depth: what the shape was made of.
        invented: which sides nobody saw, a clause.
        unit: "mm" or "px".
        is_by_reference: its millimetres are those of something of a known size in the picture.
        is_one_thing: it is the thing in front, and not the whole view.
        coin_share: how wide the coin that gave its millimetres is, as a share of its longest side.
    """
    doubts = [*_shape(quality), *_estimate(depth, invented), *_length(unit)]
    if is_by_reference:
        doubts += _reference(is_one_thing=is_one_thing)
    if coin_share > COIN_SHARE_MAX:
        doubts.append(("amber", DOUBTED_COIN))
    worst: Light = "red" if any(light == "red" for light, _ in doubts) else "amber"
    return Verdict(worst, tuple(reason for _, reason in doubts))


def _shape(quality: SurfaceQuality) -> Iterator[tuple[Light, str]]:
    if not quality.is_closed or not quality.is_manifold:
        yield "red", "The surface is not closed, so it cannot be printed."
    if quality.self_crossings:
        is_tangled = quality.self_crossings > CROSSINGS_SHARE_MAX * quality.triangles
        yield (
            "red" if is_tangled else "amber",
            f"{quality.self_crossings} pairs of triangles run through each other.",
        )


def _estimate(depth: DepthMap, invented: str) -> Iterator[tuple[Light, str]]:
    found = depth.facts.get("measured_share")
    count = "one picture" if found is None else "two pictures"
    yield "amber", f"The shape was estimated from {count} and not measured."
    yield "amber", f"Invented: {invented}."
    agreement = depth.facts.get("mean_confidence")
    if agreement is not None and agreement < UNSURE_BELOW:
        yield (
            "amber",
            "The network contradicts itself from view to view: its depth is little more than a guess.",
        )
    if found is not None and found < FOUND_BELOW:
        yield (
            "amber",
            (
                f"Only {found:.0%} of the picture was found in the other one: "
                "the rest of its depth is filled in."
            ),
        )
    if depth.facts.get("is_even"):
        yield "amber", "The picture is of one brightness everywhere: the model shows nothing of it."


def _reference(*, is_one_thing: bool) -> Iterator[tuple[Light, str]]:
    if is_one_thing:
        yield "amber", "Its millimetres hold if the thing is as far away as what its length was taken from."
    else:
        yield "amber", "Its millimetres hold as far away as the reference; elsewhere the depth is estimated."


def _length(unit: str) -> Iterator[tuple[Light, str]]:
    if unit != "mm":
        yield "amber", "No length in the picture is known, so none can be measured on the model."
