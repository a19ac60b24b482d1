"""What pages say of pictures, and of the models that are made of them."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from plastinate.web.marked import N_

# What is made of a picture: what to call it, what it is.
KIND_WORDS = {
    "pair": (
        _l("The whole view, of both pictures"),
        _l("Two cameras, or one moved to the right: how far apart things stand says how deep they lie."),
    ),
    "object": (_l("The thing in front"), _l("Cut out, rounded and closed all round. Can be printed.")),
    "scene": (_l("The whole view"), _l("A relief of everything in the picture, as deep as it seems.")),
    "lithophane": (
        _l("A lithophane"),
        _l("A plate to hold against the light: thick where the picture is dark."),
    ),
    "relief": (_l("A relief print"), _l("A plate to touch: high where the picture is bright.")),
}
BACK_WORDS = {
    "inflated": _l("rounded off"),
    "mirror": _l("the front once more, mirrored"),
    "flat": _l("flat"),
    "shell": _l("a shell that follows the front"),
}
# Networks that say how far away things are: what to call each, what to know of it.
DEPTH_WORDS = {
    "depth-small": (_l("Coarse"), _l("Made for rooms; quick.")),
    "depth-anything-v2-small": (
        _l("Fine"),
        _l("Made for pictures of every kind, with edges of single pixels; takes some seconds more."),
    ),
    "midas-v21-small": (_l("Smooth"), _l("Made for pictures of every kind; thin things are lost.")),
}
# Label, and what stands under it.
NUMBER_WORDS = {
    "wall_mm": _l("Thinnest wall (mm)"),
    "width_mm": _l("Longer side (mm)"),
    "thinnest_mm": _l("Thinnest place (mm)"),
    "thickest_mm": _l("Thickest place (mm)"),
    "base_mm": _l("Base under all of it (mm)"),
    "frame_mm": _l("Width of the frame (mm)"),
}
# The coins of `model/coins.py`, as the form offers them.
COIN_WORDS = {
    "1-euro": _l("1 euro"),
    "2-euro": _l("2 euro"),
    "50-euro-cent": _l("50 euro cent"),
    "10-euro-cent": _l("10 euro cent"),
    "5-euro-cent": _l("5 euro cent"),
    "2-euro-cent": _l("2 euro cent"),
    "1-euro-cent": _l("1 euro cent"),
    "us-cent": _l("US cent"),
    "us-nickel": _l("US nickel"),
    "us-dime": _l("US dime"),
    "us-quarter": _l("US quarter"),
    "us-half-dollar": _l("US half dollar"),
    "1-penny": _l("1 penny"),
    "2-pence": _l("2 pence"),
    "5-pence": _l("5 pence"),
    "10-pence": _l("10 pence"),
    "2-pounds": _l("2 pounds"),
    "half-swiss-franc": _l("half a Swiss franc"),
    "1-swiss-franc": _l("1 Swiss franc"),
    "2-swiss-francs": _l("2 Swiss francs"),
    "5-swiss-francs": _l("5 Swiss francs"),
    "1-yen": _l("1 yen"),
    "5-yen": _l("5 yen"),
    "10-yen": _l("10 yen"),
    "50-yen": _l("50 yen"),
    "100-yen": _l("100 yen"),
    "500-yen": _l("500 yen"),
}
PICTURE_KINDS = {
    "photo": _l("Picture"),
    "x-ray": _l("X-ray picture"),
    "ultrasound": _l("Ultrasound picture"),
    "slice": _l("Single slice"),
}
PAIR_OF_PICTURES = _l("Two pictures")
LENSES = {
    "file": _l("as the file says"),
    "person": _l("as it was stated"),
    "guess": _l("not stated; a usual one is assumed"),
}
# As the files name the body.
BODIES = (
    N_("Object, ESTIMATED"),
    N_("Scene, ESTIMATED"),
    N_("Lithophane, ESTIMATED"),
    N_("Relief, ESTIMATED"),
)
# What a build is called, by what was made.
BUILT = {
    "object": _l("Object, estimated"),
    "scene": _l("Scene, estimated"),
    "lithophane": _l("Lithophane, estimated"),
    "relief": _l("Relief, estimated"),
}
# From where a model has its length.
LENGTHS = {
    "unknown": _l("No length is known: every number is in pixels (px), and no millimetre can be claimed."),
    "the reference that was given": _l("Its millimetres come from the distance that was given."),
    "a coin in the picture": _l("Its millimetres come from the coin that was found in it."),
    "the marks of a ruler in the picture": _l("Its millimetres come from the marks of a ruler in it."),
    "the size chosen for the print": _l("Its millimetres are those chosen for the print."),
    "the distance of the two cameras": _l("Its millimetres come from the distance of the two cameras."),
    "the distance of the two cameras, through an assumed lens": _l(
        "Its millimetres come from the distance of the two cameras. Its lens was assumed: lengths along the "
        "view are off by as much as the lens is."
    ),
}
# Steps of a build, and their methods: joined to those of scans.
STEPS = {
    "read the picture": _l("Reading the picture"),
    "find the reference": _l("Looking for the coin or the ruler"),
    "foreground": _l("Finding what is in front"),
    "depth": _l("Guessing how far away things are"),
    "solid": _l("Making a body of it"),
    "lay the picture over it": _l("Laying the picture over it"),
    "check the surface": _l("Measuring the model"),
}
PARTS = {
    "foreground-net": _l("by a network"),
    "foreground-by-colour": _l("by its colours"),
    "depth-net": _l("by a network"),
    "shading": _l("from light and shadow"),
    "brightness": _l("as bright as it is"),
    "stereo": _l("from two pictures"),
    "object-solid": _l("closed all round"),
    "scene-solid": _l("a relief of the view"),
    "plate-solid": _l("a plate"),
}
