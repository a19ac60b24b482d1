"""What goes in and out of the routes of prompts, typed: the shapes of `web/api_prompts.py`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from plastinate.model.prompts import COORDINATE_MAX, POINTS_MAX, PROMPTS_MAX
from plastinate.web.payloads_about import Payload

Coordinate = Annotated[float, Field(allow_inf_nan=False, ge=-COORDINATE_MAX, le=COORDINATE_MAX)]
Point = Annotated[list[Coordinate], Field(min_length=3, max_length=3)]
Points = Annotated[list[Point], Field(min_length=1, max_length=POINTS_MAX)]


class Drawn(Payload):
    """What is taken as it stands: "60" and true are no numbers, as in a file of prompts.

    So `model/prompts.py`, which reads what comes through any door, sees what was sent.
    """

    model_config = ConfigDict(strict=True)


class PromptAsked(Drawn):
    """One thing drawn on one slice."""

    kind: Literal["box", "click", "scribble", "lasso"] = Field(
        description="A box has two opposite corners, a lasso at least three points."
    )
    plane: Literal["axial", "coronal", "sagittal"] = "axial"
    inside: bool = Field(True, description="False marks what is not meant; a box marks what is.")
    points_lps_mm: Points | None = Field(None, description="[x, y, z] each, all on one slice.")
    points_index: Points | None = Field(None, description="[slice, row, column] each, instead.")


class MaskAsked(Drawn):
    """What was drawn on one slice, and of which series."""

    prompts: list[PromptAsked] = Field(min_length=1, max_length=PROMPTS_MAX)
    series: int | None = Field(None, ge=1, le=100_000, description="As the inspection numbers them.")
    phase: int | None = Field(None, ge=1, le=100_000)
    modality: Literal["CT", "MR"] | None = Field(
        None, description="What you know the scan to be, where its files do not say."
    )


class SliceAsked(Drawn):
    """A slice that is going to be drawn on."""

    plane: Literal["axial", "coronal", "sagittal"] = "axial"
    slice: int = Field(ge=0, le=100_000, description="Its number along the plane, from 0.")
    series: int | None = Field(None, ge=1, le=100_000)
    phase: int | None = Field(None, ge=1, le=100_000)
    modality: Literal["CT", "MR"] | None = None


class SliceReady(Payload):
    """The network has seen a slice."""

    plane: Literal["axial", "coronal", "sagittal"]
    slice: int
    slices: int = Field(description="How many the scan has along this plane.")
    was_ready: bool = Field(description="It had been seen before.")
    seconds: float = Field(description="That it took on the server.")


class SliceMask(SliceReady):
    """What the prompts mean on their slice."""

    shape: list[int] = Field(description="Pixels down and to the right, along the slice's two index axes.")
    axes: list[int] = Field(description="Those axes: 0 slice, 1 row, 2 column.")
    runs: list[int] = Field(
        description="Row by row, how many pixels in turn are not meant and are; the first are not."
    )
    pixels: int = Field(description="That are meant.")
    area_mm2: float
    volume_ml: float = Field(description="Of the slice, as thick as slices lie apart.")
    sureness: float = Field(description="Of the answer, 0 to 1.")
    index_to_lps: list[list[float]] = Field(description="4 by 4, (slice, row, column, 1) to LPS mm.")
