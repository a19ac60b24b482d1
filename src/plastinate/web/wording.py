"""Codes and names of the engine -> words for people, in the reader's language.

The engine states what it found in exact English sentences, with its numbers in them. A page leads each with
a heading from here, which is translated, and keeps the sentence as it is, marked as English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from plastinate.web.wording_errors import ERRORS, HINTS
from plastinate.web.wording_findings import FINDINGS
from plastinate.web.wording_pictures import BUILT as BUILT_OF_PICTURES
from plastinate.web.wording_pictures import PARTS as PARTS_OF_PICTURES
from plastinate.web.wording_pictures import STEPS as STEPS_OF_PICTURES

SEVERITIES = {
    "note": _l("Good to know"),
    "repaired": _l("Repaired"),
    "warning": _l("Look here"),
    "problem": _l("Not used"),
}
LIGHTS = {
    "green": (_l("green"), _l("nothing speaks against it")),
    "amber": (_l("amber"), _l("look before you rely on it")),
    "red": (_l("red"), _l("do not rely on it")),
    "missing": (_l("not found"), _l("asked for, and not made")),
}
MODALITIES = {
    "CT": _l("Computed tomography"),
    "MR": _l("Magnetic resonance"),
    "PT": _l("Positron emission tomography"),
    "US": _l("Ultrasound"),
    "NM": _l("Scintigraphy"),
    "": _l("Scan of unknown kind"),
    "OT": _l("Scan of unknown kind"),
}
PLANES = {
    "axial": _l("axial"),
    "coronal": _l("coronal"),
    "sagittal": _l("sagittal"),
    "oblique": _l("oblique"),
}
ROLES = {
    "view": _l("may look"),
    "edit": _l("may change"),
    "own": _l("owner"),
    "admin": _l("administrator"),
}
# Name of a format: what it is called, what it is good for.
FORMATS = {
    "glb": ("GLB", _l("The web, AR and VR")),
    "stl": ("STL", _l("3D printing")),
    "3mf": ("3MF", _l("3D printing in colour")),
    "obj": ("OBJ", _l("Modelling programs")),
    "usdz": ("USDZ", _l("iPhone and iPad, in the room")),
    "ply": ("PLY", _l("Mesh research: MeshLab, CloudCompare")),
    "nifti": ("NIfTI", _l("The voxels behind the models, for research")),
    "nrrd": ("NRRD", _l("The voxels behind the models, for 3D Slicer")),
    "seg": ("DICOM SEG", _l("Radiology viewers and PACS")),
}
# How a GLB is packed: what to call it, who can open it.
COMPRESSIONS = {
    "none": (_l("Plain"), _l("Opens in every program that reads GLB. The largest.")),
    "meshopt": (
        _l("Packed with meshopt"),
        _l("About a sixth of the size, for web pages. Only programs that know meshopt open it."),
    ),
    "draco": (
        _l("Packed with Draco"),
        _l("The smallest, and slower to write. Only programs that know Draco open it."),
    ),
}
# Of a GLB that is packed: who opens it.
PACKED = {
    "meshopt": _l(
        "Packed with meshopt: three.js, Babylon.js and model-viewer open it, many other programs do not."
    ),
    "draco": _l("Packed with Draco: three.js, Babylon.js, model-viewer and Blender open it, others may not."),
}
# For whoever may build: how to have one that everybody opens.
PLAIN_AGAIN = _l("For a plain one, build it again with “Plain” chosen under “Formats and exceptions”.")
KINDS = {
    "inspect": _l("Looking at the files"),
    "build": _l("Building the models"),
}
# What a running job says it does, and the stages it names before a colon.
STEPS = {
    "fetch the files": _l("Fetching the files"),
    "look at the files": _l("Looking at the files"),
    "check the case archive": _l("Checking the case archive"),
    "read the scan": _l("Reading the scan"),
    "fetch": _l("Fetching a model"),
    "fetch the scan": _l("Fetching the scan"),
    "read the reference": _l("Reading the reference"),
    "score": _l("Comparing with the reference"),
    "prepare": _l("Preparing the scan"),
    "segment": _l("Finding"),
    "label: one structure for each voxel": _l("Giving each voxel one owner"),
    "surface": _l("Laying the surface"),
    "check": _l("Measuring the model against the scan"),
    "write the models": _l("Writing the models"),
    "render the picture": _l("Drawing the pictures"),
    "write the certificate": _l("Writing the certificate"),
    "keep the files": _l("Storing the results"),
    "done": _l("Storing the results"),
    **STEPS_OF_PICTURES,
}
# Pairs that a form offers as one, and what tells their two apart.
PAIRS = {"lung": _l("Both lungs"), "kidney": _l("Both kidneys")}
SIDES = {"left": _l("left only"), "right": _l("right only")}
# Methods that a step names, where no structure is called so.
PARTS = {
    "merge-labels": _l("one owner for each voxel"),
    "lungs": _l("lungs"),
    "kidneys": _l("kidneys"),
    "spine-and-ribs": _l("spine and ribs"),
    "fat-layers": _l("fat under the skin and within"),
    "liver-net": _l("liver"),
    "brain-net": _l("brain"),
    "from-prompts": _l("what was drawn"),
    "own-net": _l("a model of your own"),
    "totalsegmentator": _l("TotalSegmentator's networks"),
    "head": _l("head"),
    "head-mr": _l("head"),
    "brain-ct": _l("brain"),
    "brain-mr": _l("brain"),
    "crop-to-body": _l("cutting off what lies around the body"),
    "gaussian": _l("smoothing"),
    "median": _l("smoothing"),
    "curvature-diffusion": _l("smoothing"),
    "non-local-means": _l("smoothing"),
    "ct-window": _l("fitting the intensities"),
    "mr-percentiles": _l("fitting the intensities"),
    "standard-histogram": _l("fitting the intensities"),
    "n4-bias-field": _l("evening out the brightness"),
    "to-spacing": _l("changing the size of the voxels"),
    "isotropic": _l("changing the size of the voxels"),
    "threshold": _l("range of intensities"),
    "preset": _l("range of intensities"),
    "otsu": _l("range of intensities"),
    "multi-otsu": _l("range of intensities"),
    "connected-threshold": _l("growing from a seed"),
    "confidence-connected": _l("growing from a seed"),
    "watershed": _l("parting at the edges"),
    "gradient-edges": _l("looking for edges"),
    "geodesic-contour": _l("looking for edges"),
    "dilate": _l("adding a rim"),
    "closing": _l("closing narrow gaps"),
    "fill-cavities": _l("filling cavities"),
    "fill-holes": _l("filling holes"),
    "union": _l("joining"),
    "intersection": _l("keeping what is in both"),
    "difference": _l("taking away what belongs elsewhere"),
    "invert": _l("taking the rest"),
    "within": _l("keeping what lies within"),
    "erode": _l("taking off the rim"),
    "opening": _l("cutting thin bridges"),
    "outside-of": _l("leaving out what belongs elsewhere"),
    "remove-specks": _l("leaving out specks"),
    "largest-pieces": _l("keeping the largest pieces"),
    **PARTS_OF_PICTURES,
}


def finding_title(code: str) -> str:
    """The heading of a finding; "" where there is none of that code."""
    return str(FINDINGS.get(code, ""))


def error_title(code: str) -> str:
    """What an error means, in a sentence without its numbers; "" where there is none of that code."""
    return str(ERRORS.get(code, ""))


def error_hint(code: str, hint: str) -> str:
    """What to do about an error on a page; its own hint where there is no other."""
    return str(HINTS.get(code, hint))


def translated(text: str) -> str:
    """A recipe's title or a structure's name in the reader's language, where it is known."""
    return str(gettext(text)) if text else ""


def names_here() -> dict[str, str]:
    """What the reader calls organs and recipes, by their English names."""
    from plastinate.recipes.load import list_recipes, load_structures

    known = [each.name for each in load_structures().values()] + [each.title for each in list_recipes()]
    return {each: translated(each) for each in known}


def built_of_picture(wish: Mapping[str, Any]) -> str:
    """What a model of a picture is called; "" for anything else."""
    asked = wish.get("picture")
    return str(BUILT_OF_PICTURES.get(asked.get("kind", ""), "")) if isinstance(asked, Mapping) else ""


def doing(words: str) -> str:
    """What a running job says it does, for people.

    >>> doing("")
    ''
    """
    stage, _, parts = words.partition(": ")
    if words in STEPS:
        return str(STEPS[words])
    shown = str(STEPS.get(stage, stage))
    if not parts:
        return shown
    return f"{shown}: {', '.join(part_name(each) for each in parts.split(', '))}"


def organs_in_words(organs: Sequence[str]) -> str:
    """Structures as people list them: both sides of a pair as one."""
    from plastinate.recipes.load import organ_groups

    pairs = {
        side: name
        for name, sides in organ_groups().items()
        if name in PAIRS and set(sides) <= set(organs)
        for side in sides
    }
    named = [str(PAIRS[pairs[each]]) if each in pairs else part_name(each) for each in organs]
    return ", ".join(dict.fromkeys(named))


def part_name(name: str) -> str:
    """A structure's name, or what a method finds."""
    from plastinate.recipes.load import load_structures

    structures = load_structures()
    if name in structures:
        return translated(structures[name].name)
    return str(PARTS.get(name, name))
