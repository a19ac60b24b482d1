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
    # why there is nothing: clauses
    N_("nothing in the picture stands out from the rest"),
    # doubts about the model
    N_("The surface is not closed, so it cannot be printed."),
    N_("{count} pairs of triangles run through each other."),
    N_("The shape was estimated from one picture and not measured."),
    N_("Invented: {sides}."),
    N_("The network contradicts itself from view to view: its depth is little more than a guess."),
    N_("The picture is of one brightness everywhere: the model shows nothing of it."),
    N_("No length in the picture is known, so none can be measured on the model."),
    # which sides: clauses
    N_("the far side and the rim: no picture shows them"),
    N_("the far side and the rim; and the front is a guess from light and shadow"),
    N_("the back, the sides, and what stands hidden behind nearer things"),
    N_("the back, the sides, and what only one of the two cameras saw"),
    N_("all of its depth: bright is put in front, which a picture never promises"),
    N_("nothing is seen from the side: the height is the picture's brightness, and no depth"),
)
