"""What a person asks to be made of one picture, checked before any work is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plastinate.model.errors import ParameterError
from plastinate.model.picture_recipe import KINDS, PictureRecipe
from plastinate.model.reference import Known
from plastinate.pipeline.picture_run import plan_picture
from plastinate.recipes.pictures import load_picture_recipe
from plastinate.services.depth_choice import with_depth

RECIPES = {
    "scene": "picture-scene",
    "object": "picture-object",
    "lithophane": "lithophane",
    "relief": "relief",
}
WITHOUT_NETWORK = {"scene": "picture-scene-plain", "object": "picture-object-plain"}
PAIR_RECIPE = "picture-scene-stereo"
PLATES = ("lithophane", "relief")
DEFAULT_FORMATS = ("glb", "obj", "stl", "ply")
FORMATS_WHERE_POSSIBLE = ("3mf",)
PICTURE_FORMATS = (*DEFAULT_FORMATS, *FORMATS_WHERE_POSSIBLE, "usdz")
PICTURE_LEVELS: Mapping[str, int | None] = {"full": None, "medium": 60_000}
# What to make of a picture where nobody says it: of a shadow or an echo there is no thing in front.
USUAL_KIND: Mapping[str, str] = {
    "photo": "object",
    "x-ray": "lithophane",
    "slice": "lithophane",
    "ultrasound": "relief",
}
PRINT_MM = (5.0, 2000.0)


@dataclass(frozen=True)
class PictureRequest:
    """What a person asks for.

    Attributes:
        path: one picture file; or a folder or zip that holds one, or two.
        output: folder to write into; None makes the model in memory only.
        kind: "scene", "object", "lithophane" or "relief".
        recipe: name of a recipe for pictures instead of the one of the kind.
        without_network: take the recipe that needs no network.
        depth: the model that is asked how far away things are; None for the recipe's own.
        agreed: what the person says to that model's licence (see `depot/agreements.py`).
        focal_35mm: the lens as its equivalent on 36 x 24 mm; None believes the file.
        which: of two pictures at `path` the one that is taken, 0 for the first by name; None where one is.
        is_pair: make a scene of both pictures at `path`; `which` is then the left one.
        second: the same thing seen from a little to the right, for a scene; None for one picture.
        baseline_mm: how far apart the two were taken.
        reference: what says how large the thing is: two points, a coin or a ruler; None leaves pixels.
        print_mm: how long the longer side of the model is to be made; its millimetres are those of the print.
        solid: numbers for the recipe's last step, as a person chose them.
        formats: names of the export table.
        compression: of the GLB.
        levels: detail level -> triangles at most.
        check, with_preview: measure it; draw it.
        with_view: write what the viewer reads as well, and the certificate's pictures as files of their own.
    """

    path: Path
    output: Path | None = None
    kind: str = "object"
    recipe: str | None = None
    without_network: bool = False
    depth: str | None = None
    agreed: frozenset[str] = frozenset()
    focal_35mm: float | None = None
    which: int | None = None
    is_pair: bool = False
    second: Path | None = None
    baseline_mm: float | None = None
    reference: Known | None = None
    print_mm: float | None = None
    solid: Mapping[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    compression: str = "meshopt"
    levels: Mapping[str, int | None] = field(default_factory=lambda: dict(PICTURE_LEVELS))
    check: bool = True
    with_preview: bool = True
    with_view: bool = False

    @property
    def has_two(self) -> bool:
        """Whether two pictures are asked to make one scene."""
        return self.is_pair or self.second is not None


def recipe_of(request: PictureRequest) -> PictureRecipe:
    """The recipe of a request, with the numbers that a person chose, checked.

    Raises:
        RecipeError: no such kind or recipe, or a number that has no place in it.
    """
    if request.kind not in KINDS:
        raise ParameterError(f"A picture is made into one of {', '.join(KINDS)}, not {request.kind!r:.40}.")
    if request.reference is not None and request.print_mm is not None:
        raise ParameterError("Say how large the thing is or how large the print is to be, and not both.")
    if not request.has_two and request.baseline_mm is not None:
        raise ParameterError("The distance of two cameras means something of two pictures only.")
    if request.has_two and request.kind != "scene":
        raise ParameterError(f"Two pictures are made into a scene, and not into one {request.kind}.")
    names = WITHOUT_NETWORK if request.without_network else RECIPES
    if request.has_two:
        names = {"scene": PAIR_RECIPE}
    recipe = load_picture_recipe(request.recipe or names.get(request.kind, RECIPES[request.kind]))
    if recipe.kind in PLATES and (request.reference is not None or request.print_mm is not None):
        raise ParameterError("How large a plate is, its width says (--width-mm).")
    if request.print_mm is not None and not PRINT_MM[0] <= request.print_mm <= PRINT_MM[1]:
        raise ParameterError(f"A print is {PRINT_MM[0]:g} to {PRINT_MM[1]:g} mm long.")
    strange = [name for name in request.formats if name not in PICTURE_FORMATS]
    if strange:
        error = ParameterError(f"Of a picture no {strange[0]} can be made: there are no voxels behind it.")
        error.hint = f"The formats for pictures are {', '.join(PICTURE_FORMATS)}."
        raise error
    chosen = with_depth(recipe, request.depth).with_solid(request.solid)
    plan_picture(chosen)
    return chosen
