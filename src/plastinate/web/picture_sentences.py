"""The sentences that the engine says about models of pictures, as templates; `{places}` hold its numbers."""

from __future__ import annotations

from plastinate.web.marked import N_

SENTENCES = (
    # about the picture
    N_("The file holds {count} pictures."),
    N_("The first one was taken."),
    N_("The picture is larger than {count} pixels along one side."),
    N_("It was taken at {columns} x {rows} pixels."),
    N_("The colour profile of the picture cannot be read."),
    N_("Its colours were taken for sRGB."),
    N_("The picture is in printing colours (CMYK) and has no profile."),
    N_("Its colours are an approximation."),
    N_("The picture does not say through what lens it was taken."),
    N_("A field of {degrees} degrees along its longer side was assumed."),
    N_("The file says where the picture was taken."),
    N_("That goes into nothing that is made of it; the file itself still says it."),
    N_("The file says whose picture it is."),
    N_("That goes into nothing that is made of it; the file itself still says whose it is."),
    N_("The file says that words are written into the picture itself, perhaps a name."),
    N_("Words may be written into the picture itself, perhaps a name: the file does not say that none are."),
    N_("They cannot be removed, and stand on the model too: look before you share it."),
    N_(
        "The file says how large a pixel is on the detector ({count} mm), and not in the body, whose shadow "
        "is larger than itself."
    ),
    N_("No length was taken from it."),
    N_("The file is a film of {count} pictures: they follow each other in time, and not through the body."),
    # why a picture is none
    N_("{name} cannot be used: it is no picture by its content."),
    N_("{name} cannot be used: pictures of the kind {kind} are not read."),
    N_("{name}: the number of pixels along one side is {count}, more than the {cap} allowed."),
    N_("{name}: the number of pixels is {count}, more than the {cap} allowed."),
    N_("{name}: the number of scans of a JPEG is {count}, more than the {cap} allowed."),
    N_("{name}: the number of strips and tiles of a TIFF is {count}, more than the {cap} allowed."),
    N_("{name} cannot be used: all of it is transparent."),
    N_("{name} cannot be used: none of its pixels is a number."),
    N_("Save it without its transparency."),
    N_("{name} cannot be used: its {columns} x {rows} pixels show no shape."),
    N_("{name} cannot be used: it holds {count} pictures, and a model is made of one."),
    N_("{name} cannot be used: it holds two pictures that are no photographs, and a model is made of one."),
    N_(
        "{name} cannot be used: it holds two pictures of different sizes ({columns} x {rows} and "
        "{others_columns} x {others_rows} pixels), which are no pair."
    ),
    N_("{name} is damaged: it is cut short, or its pixels cannot be decoded."),
    N_("{name} is damaged: its header makes no sense."),
    N_("{name} is damaged: its colours cannot be decoded."),
    N_("The two pictures are no pair: they do not show the same thing from two places."),
    N_("Take the second one a hand's breadth to the right of the first, with as much of the same in it."),
    N_("OpenCV is not installed, and this needs it."),
    N_("Give one picture, or two of the same size that were taken side by side."),
    N_("Give a picture of at least {columns} x {rows} pixels."),
    N_("Save it as JPEG, PNG, WebP or TIFF, then try again."),
    N_("Let the phone send it as JPEG (camera settings: most compatible), or export it as JPEG."),
    N_("It is drawn of lines: export it as PNG, then try again."),
    N_("It is a document: export its page as PNG, or save the picture in it as JPEG."),
    # why there is nothing: clauses
    N_("nothing in the picture stands out from the rest"),
    # doubts about the model
    N_("The surface is not closed, so it cannot be printed."),
    N_("{count} pairs of triangles run through each other."),
    N_("The shape was estimated from one picture and not measured."),
    N_("The shape was estimated from two pictures and not measured."),
    N_("Only {count} of the picture was found in the other one: the rest of its depth is filled in."),
    N_("Invented: {sides}."),
    N_("The network contradicts itself from view to view: its depth is little more than a guess."),
    N_("The picture is of one brightness everywhere: the model shows nothing of it."),
    N_("No length in the picture is known, so none can be measured on the model."),
    N_("Its millimetres hold if the thing is as far away as what its length was taken from."),
    N_("Its millimetres hold as far away as the reference; elsewhere the depth is estimated."),
    N_(
        "What was taken for the coin is more than half as long as the model: "
        "see in the certificate whether it is the coin."
    ),
    # which sides: clauses
    N_("the far side and the rim: no picture shows them"),
    N_("the far side and the rim; and the front is a guess from light and shadow"),
    N_("the back, the sides, and what stands hidden behind nearer things"),
    N_("the back, the sides, and what only one of the two cameras saw"),
    N_("all of its depth: bright is put in front, which a picture never promises"),
    N_("nothing is seen from the side: the height is the picture's brightness, and no depth"),
)
