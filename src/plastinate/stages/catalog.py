"""Every method a recipe may name. A line here is the only registration.

Paths are text, so nothing is imported until a recipe asks for it.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plastinate.model.errors import RecipeNotFound


@dataclass(frozen=True)
class Method:
    """Where a method lives, what must be installed for it, and which models it uses (see `depot/`)."""

    path: str
    needs: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, name = self.path.partition(":")
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return function


PREPARE: dict[str, Method] = {
    "crop-to-body": Method("plastinate.stages.prepare.crop:crop_to_body"),
    "gaussian": Method("plastinate.stages.prepare.denoise:gaussian"),
    "median": Method("plastinate.stages.prepare.denoise:median"),
    "curvature-diffusion": Method("plastinate.stages.prepare.denoise:curvature_diffusion"),
    "non-local-means": Method("plastinate.stages.prepare.denoise:non_local_means"),
    "ct-window": Method("plastinate.stages.prepare.normalise:ct_window"),
    "mr-percentiles": Method("plastinate.stages.prepare.normalise:mr_percentiles"),
    "standard-histogram": Method("plastinate.stages.prepare.normalise:standard_histogram"),
    "n4-bias-field": Method("plastinate.stages.prepare.bias_field:n4_bias_field"),
    "to-spacing": Method("plastinate.stages.prepare.resample:to_spacing"),
    "isotropic": Method("plastinate.stages.prepare.resample:isotropic"),
}
SEGMENT: dict[str, Method] = {
    "threshold": Method("plastinate.stages.segment.threshold:threshold"),
    "preset": Method("plastinate.stages.segment.threshold:preset"),
    "otsu": Method("plastinate.stages.segment.otsu:otsu"),
    "multi-otsu": Method("plastinate.stages.segment.otsu:multi_otsu"),
    "connected-threshold": Method("plastinate.stages.segment.region_growing:connected_threshold"),
    "confidence-connected": Method("plastinate.stages.segment.region_growing:confidence_connected"),
    "watershed": Method("plastinate.stages.segment.watershed:watershed"),
    "gradient-edges": Method("plastinate.stages.segment.edges:gradient_edges"),
    "geodesic-contour": Method("plastinate.stages.segment.edges:geodesic_contour"),
    "dilate": Method("plastinate.stages.segment.morphology:dilate"),
    "erode": Method("plastinate.stages.segment.morphology:erode"),
    "opening": Method("plastinate.stages.segment.morphology:opening"),
    "closing": Method("plastinate.stages.segment.morphology:closing"),
    "largest-pieces": Method("plastinate.stages.segment.morphology:largest_pieces"),
    "remove-specks": Method("plastinate.stages.segment.morphology:remove_specks"),
    "fill-cavities": Method("plastinate.stages.segment.morphology:fill_cavities"),
    "fill-holes": Method("plastinate.stages.segment.morphology:fill_holes"),
    "union": Method("plastinate.stages.segment.combine:union"),
    "intersection": Method("plastinate.stages.segment.combine:intersection"),
    "difference": Method("plastinate.stages.segment.combine:difference"),
    "invert": Method("plastinate.stages.segment.combine:invert"),
    "within": Method("plastinate.stages.segment.combine:within"),
    "outside-of": Method("plastinate.stages.segment.combine:outside_of"),
    "body": Method("plastinate.stages.segment.body:body"),
    "skin": Method("plastinate.stages.segment.body:skin"),
    "table": Method("plastinate.stages.segment.body:table"),
    "airways": Method("plastinate.stages.segment.airways:airways"),
    "trachea": Method("plastinate.stages.segment.airways:trachea"),
    "lungs": Method("plastinate.stages.segment.lungs:lungs"),
    "skeleton": Method("plastinate.stages.segment.skeleton:skeleton"),
    "spine-and-ribs": Method("plastinate.stages.segment.spine_and_ribs:spine_and_ribs"),
    "aorta": Method("plastinate.stages.segment.aorta:aorta"),
    "spleen": Method("plastinate.stages.segment.spleen:spleen"),
    "fat-layers": Method("plastinate.stages.segment.fat_layers:fat_layers"),
    "heart": Method("plastinate.stages.segment.heart:heart"),
    "kidneys": Method("plastinate.stages.segment.kidneys:kidneys"),
    "head": Method("plastinate.stages.segment.head_field:head"),
    "skull": Method("plastinate.stages.segment.head:skull"),
    "brain-ct": Method("plastinate.stages.segment.brain_ct:brain_ct"),
    "head-mr": Method("plastinate.stages.segment.brain_mr:head_mr"),
    "brain-mr": Method("plastinate.stages.segment.brain_mr:brain_mr"),
    "brain-net": Method("plastinate.stages.segment.brain_net:brain_net", models=("brain-t1", "brain-mr")),
    "liver-net": Method("plastinate.stages.segment.liver_net:liver_net", models=("liver-ct",)),
    "from-prompts": Method("plastinate.stages.segment.from_prompts:from_prompts", models=("box-prompt",)),
    # Which model it runs, the step's parameter `model` says.
    "own-net": Method("plastinate.stages.segment.own_net:own_net"),
    # Its weights are another program's; services/totalsegmentator_weights.py has them here beforehand.
    "totalsegmentator": Method("plastinate.stages.segment.totalsegmentator:totalsegmentator"),
}
SURFACE: dict[str, Method] = {
    "soft-field": Method("plastinate.stages.surface.soft_field:soft_field"),
    "shared-net": Method("plastinate.stages.surface.label_walls:shared_net"),
}

# What recipes for pictures choose between: what is in front, how far away it is, what body that makes.
FOREGROUND: dict[str, Method] = {
    "foreground-net": Method("plastinate.stages.segment.foreground:foreground_net", models=("foreground",)),
    "foreground-by-colour": Method("plastinate.stages.segment.foreground:foreground_by_colour"),
}
DEPTH: dict[str, Method] = {
    "depth-net": Method("plastinate.stages.depth.depth_net:depth_net", models=("depth-small",)),
    "shading": Method("plastinate.stages.depth.shading:shading"),
    "brightness": Method("plastinate.stages.depth.brightness:brightness"),
    "stereo": Method("plastinate.stages.depth.stereo:stereo", needs=("opencv",)),
}
SOLID: dict[str, Method] = {
    "object-solid": Method("plastinate.stages.surface.object_solid:object_solid"),
    "scene-solid": Method("plastinate.stages.surface.scene_solid:scene_solid"),
    "plate-solid": Method("plastinate.stages.surface.plate_solid:plate_solid"),
}

# Doors of rooms that recipes do not choose between: the pipeline and the services come in here.
DOORS: dict[str, Method] = {
    "inspect-input": Method("plastinate.stages.ingest.read:inspect_input"),
    "glance-input": Method("plastinate.stages.ingest.read:glance_input"),
    "run-limited": Method("plastinate.stages.ingest.sandbox:run_job"),
    "find-pictures": Method("plastinate.stages.ingest.flat_read:find_pictures"),
    "read-flat-picture": Method("plastinate.stages.ingest.flat_read:read_flat_picture"),
    "find-reference": Method("plastinate.stages.scale.find_reference:find_reference"),
    "read-volume": Method("plastinate.stages.ingest.read:read_volume"),
    "read-mesh": Method("plastinate.stages.export.read_mesh:read_mesh"),
    "box-prompter": Method("plastinate.stages.segment.from_prompts:prompter_here"),
    "prompted-slices": Method("plastinate.stages.segment.prompted_slices:PromptedSlices"),
    "impossible-size": Method("plastinate.stages.segment.trunk:impossible_size"),
    "trunk-lie": Method("plastinate.stages.segment.trunk_lie:trunk_lie"),
    "find-metal": Method("plastinate.stages.verify.metal:find_metal"),
    "merge-labels": Method("plastinate.stages.segment.merge_labels:merge_labels"),
    "measure-surface": Method("plastinate.stages.verify.measure:measure_surface"),
    "judge-structure": Method("plastinate.stages.verify.plausibility:judge_structure"),
    "measure-estimate": Method("plastinate.stages.verify.estimate:measure_estimate"),
    "judge-estimate": Method("plastinate.stages.verify.estimate:judge_estimate"),
    "score-masks": Method("plastinate.stages.verify.scores.score_masks:score_masks"),
    "onto-grid": Method("plastinate.stages.verify.scores.onto_grid:onto_grid"),
    "bootstrap": Method("plastinate.stages.verify.scores.bootstrap:bootstrap"),
    "lighten-surface": Method("plastinate.stages.surface.decimate:decimate"),
    "compose-scene": Method("plastinate.stages.compose.scene:compose_scene"),
    "paint-skins": Method("plastinate.stages.compose.skin:paint_skins"),
    "render-estimate": Method("plastinate.stages.compose.estimate_pictures:render_estimate"),
    "render-reference": Method("plastinate.stages.compose.reference_picture:render_reference"),
    "render-pictures": Method("plastinate.stages.compose.pictures:render_pictures"),
    "glimpse": Method("plastinate.stages.compose.glimpse:Glimpse"),
    "render-thumbnail": Method("plastinate.stages.compose.thumbnail:render_thumbnail"),
    "render-small-picture": Method("plastinate.stages.compose.thumbnail:render_small_picture"),
    "shrink-picture": Method("plastinate.stages.compose.thumbnail:shrink_picture"),
    "write-formats": Method("plastinate.stages.export.formats:write_formats"),
    "check-formats": Method("plastinate.stages.export.formats:check_formats"),
    "write-bytes": Method("plastinate.stages.export.atomic_write:write_bytes"),
    "write-file": Method("plastinate.stages.export.formats:write_file"),
    "worst-slice": Method("plastinate.stages.compose.score_picture:worst_slice"),
    "write-scoreboard": Method("plastinate.stages.export.scoreboard:write_scoreboard"),
    "write-certificate": Method("plastinate.stages.export.certificate:write_certificate"),
    "write-dicom-series": Method("plastinate.stages.export.dicom_series:write_dicom_series"),
}


def door(name: str) -> Callable[..., Any]:
    """The function behind a room's door, imported now."""
    return find(DOORS, "door", name).load()


def find(table: dict[str, Method], kind: str, name: str) -> Method:
    """The method of that name.

    Raises:
        RecipeNotFound: no such line in the table.
    """
    if name not in table:
        raise RecipeNotFound(kind, name, near=difflib.get_close_matches(name, table, 2))
    return table[name]
