"""Plastinate: a scan becomes organs that can be turned, cut, measured, printed and carried away.

The one function most scripts need is here::

    from plastinate import build_model

    scene = build_model("scan/", recipe="ct-chest", output="models/")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "build_model", "model_of_picture"]

if TYPE_CHECKING:
    from plastinate.api import build_model, model_of_picture


def __getattr__(name: str) -> Any:
    # Late, so that `plastinate --help` and `import plastinate` cost no numpy.
    if name in ("build_model", "model_of_picture"):
        from plastinate import api

        return getattr(api, name)
    raise AttributeError(f"module 'plastinate' has no attribute {name!r}")
