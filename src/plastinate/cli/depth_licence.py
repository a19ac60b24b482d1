"""The name of a depth network flows in, what a person says to its licence comes out: unasked, or asked."""

from __future__ import annotations

import sys

import click


def agreed_words(model: str | None, *, is_said: bool) -> frozenset[str]:
    """What a person says to the licence of a depth network; at a terminal they are shown it and asked.

    Args:
        model: its name; None where none was chosen.
        is_said: whether they said so on the command line.

    Raises:
        LicenceNotAgreed: the word is missing, and nobody can be asked or nobody agrees.
        ModelNotFound, ModelCardFlaw: there is no such model, or its card was refused.
    """
    from plastinate.services.depth_choice import AGREED, needs_agreement, require_agreed

    said = AGREED if is_said else frozenset[str]()
    if model is not None and not is_said and needs_agreement(model) and _can_be_asked():
        _show(model)
        if click.confirm("Do you agree to the licence, and fetch it?", default=False, err=True):
            said = AGREED
    require_agreed(model, saying=said, hint="Read the licence, and build again with --agree to fetch it.")
    return said


def _can_be_asked() -> bool:
    from plastinate.cli.terminal import err

    return err.is_terminal and sys.stdin is not None and sys.stdin.isatty()


def _show(model: str) -> None:
    from plastinate.cli.models import announce
    from plastinate.cli.terminal import err
    from plastinate.services.models import list_models

    announce(list_models([model])[0], console=err)
