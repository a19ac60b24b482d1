"""The words that scripts say -> a JSON island in the page, from the same catalogue as everything else.

A script asks for a sentence by its English text; a test holds that it asks for none that is not here.
"""

from __future__ import annotations

from flask_babel import gettext

from plastinate.web.languages import chosen_language
from plastinate.web.marked import N_
from plastinate.web.view_words import VIEW
from plastinate.web.wording import PARTS, STEPS, part_name
from plastinate.web.wording_errors import ERRORS, HINTS

PAGE = (N_("Copied"),)
MEASURES = (N_("A few seconds left"), N_("About {time} left"))
CASE = (
    N_("Beginning"),
    N_("Stopping ..."),
    N_("Waiting for its turn"),
    N_("Waiting: number {position} in the queue"),
    N_("Done"),
    N_("Failed"),
    N_("Stopped"),
)
UPLOAD = (
    N_("Looking through the folder ..."),
    N_("There is no file in what you chose. Choose the folder that holds the images."),
    N_("{count} files, {size}"),
    N_("Reading the files ..."),
    N_("A file could not be read."),
    N_("It was moved or changed while it was read. Choose the folder again."),
    N_("Scan"),
    N_("Connecting ..."),
    N_("{sent} of {whole}, {speed} a second"),
    N_("Everything has arrived. Opening the case ..."),
    N_("The server does not answer just now."),
    N_("Nothing is lost: the upload goes on by itself as soon as it can."),
    N_("You are no longer signed in."),
    N_("Sign in again in another tab, then go on here: what has arrived is kept."),
    N_("The server did not take the upload."),
    N_("Try again, or ask the administrator."),
    N_("Waiting"),
    N_("Go on"),
    N_("Pause"),
    N_("Paused. What has arrived is kept."),
)
PAGES = {
    "page": PAGE,
    "case": (*PAGE, *MEASURES, *CASE),
    "upload": (*PAGE, *MEASURES, *UPLOAD),
    "view": (*PAGE, *VIEW),
}


def script_words(page: str) -> dict[str, str]:
    """What the scripts of a page may say, by the English text."""
    words = {text: str(gettext(text)) for text in PAGES[page]}
    if page == "case":
        words |= {f"step {name}": str(shown) for name, shown in STEPS.items()}
        words |= {f"part {name}": part_name(name) for name in (*_structures(), *PARTS)}
    if page == "upload":
        words |= _refusals()
    return words


def _structures() -> list[str]:
    """What a build may say that it is at; the hundreds of TotalSegmentator only where that is here."""
    from plastinate.recipes.load import list_recipes, load_structures
    from plastinate.services.totalsegmentator_weights import is_offered

    if is_offered():
        return list(load_structures())
    return sorted({name for recipe in list_recipes() for name in recipe.structures})


def _refusals() -> dict[str, str]:
    """What the services refuse an upload with: by code, for their exact sentences are English.

    To an English reader they say it themselves; but what to do is done in another way on a page.
    """
    is_english = chosen_language() == "en"
    codes = [code for code in ERRORS if code.startswith(("request.", "limit.", "system."))]
    hints = {f"hint {code}": str(HINTS[code]) for code in codes if code in HINTS}
    if is_english:
        # Its own hints tell more: which uploads are meant.
        hints.pop("hint request.conflict")
        return hints
    return hints | {f"error {code}": str(ERRORS[code]) for code in codes}
