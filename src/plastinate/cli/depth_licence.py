"""The name of a depth network flows in, what a person says to its licence comes out: unasked, or asked."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from plastinate.services.picture_request import PictureRequest


def with_word(request: PictureRequest, *, is_said: bool) -> PictureRequest:
    """The request with what a person says to its network's licence; at a terminal they see it and are asked.

    Args:
        request: what is asked for.
        is_said: whether they agreed on the command line.

    Raises:
        RecipeError: the request makes no sense, whatever is agreed to.
        ModelAbsent: the network is not here, and the settings forbid to fetch it.
        LicenceNotAgreed: the word is missing, and nobody can be asked or nobody agrees.
        ModelNotFound, ModelCardFlaw: there is no such model, or its card was refused.
    """
    from plastinate.services.depth_choice import AGREED, needs_agreement, require_usable
    from plastinate.services.picture_request import recipe_of

    recipe_of(request)
    model = request.depth
    said = AGREED if is_said else frozenset[str]()
    if model is not None and not is_said and needs_agreement(model) and _can_be_asked():
        _show(model)
        if click.confirm("Do you agree to the licence, and fetch it?", default=False, err=True):
            said = AGREED
    require_usable(model, saying=said, hint="Read the licence, and build again with --agree to fetch it.")
    return replace(request, agreed=said)


def _can_be_asked() -> bool:
    from plastinate.cli.terminal import err

    return err.is_terminal and sys.stdin is not None and sys.stdin.isatty()


def _show(model: str) -> None:
    from plastinate.cli.models import announce
    from plastinate.cli.terminal import err
    from plastinate.services.models import list_models

    announce(list_models([model])[0], console=err)
