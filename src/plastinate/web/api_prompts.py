"""Prompts over the API: a box, click, scribble or lasso on a slice, and the mask that it means, at once."""

from __future__ import annotations

from apiflask import APIBlueprint

from plastinate.services import prompts as service
from plastinate.web.actor import current_actor
from plastinate.web.app_state import archive_of_app, state_of_app
from plastinate.web.payloads_prompts import MaskAsked, SliceAsked, SliceMask, SliceReady

prompts = APIBlueprint("api_prompts", __name__, url_prefix="/api", tag="Prompts")


@prompts.post("/cases/<case_id>/prompts/slice")
@prompts.input(SliceAsked)
@prompts.output(SliceReady)
def look_at_slice(case_id: str, json_data: SliceAsked) -> SliceReady:
    """Have the network see a slice that is going to be drawn on, so that the first answer comes at once.

    The first slice of a case takes as long as its scan takes to read.
    """
    queue = state_of_app().prompt_queue()
    asked = json_data.model_dump()
    return SliceReady.model_validate(
        service.look_at_slice(archive_of_app(), queue, current_actor(), case_id, asked=asked)
    )


@prompts.post("/cases/<case_id>/prompts/mask")
@prompts.input(MaskAsked)
@prompts.output(SliceMask)
def mask_on_slice(case_id: str, json_data: MaskAsked) -> SliceMask:
    """Answer what the prompts on one slice mean. Nothing is kept.

    To keep an organ, ask for a job with the prompts of all its slices.
    """
    queue = state_of_app().prompt_queue()
    asked = json_data.model_dump(exclude_none=True)
    return SliceMask.model_validate(
        service.mask_on_slice(archive_of_app(), queue, current_actor(), case_id, asked=asked)
    )


@prompts.delete("/cases/<case_id>/prompts")
@prompts.output({}, status_code=204)
def take_back(case_id: str) -> str:
    """End what you still wait for; those requests answer 409."""
    service.take_back(archive_of_app(), state_of_app().prompt_queue(), current_actor(), case_id)
    return ""
