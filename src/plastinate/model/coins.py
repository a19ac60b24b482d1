"""Coins by which lengths can be told: round ones, of which one name means one diameter.

Left out are coins with corners (20 and 50 pence, one pound), the 20 cents of the euro with their notches, and
names that stand for coins of several sizes, as those of rupees do.
"""

from __future__ import annotations

import difflib

from plastinate.model.errors import ParameterError

# Diameters in mm as their mints state them: Council Regulation (EC) No 975/98; United States Mint, "Coin
# specifications"; The Royal Mint (5 and 10 pence since 1990 and 1992); Japan Mint; Swissmint.
COINS_MM: dict[str, float] = {
    "1-euro-cent": 16.25,
    "2-euro-cent": 18.75,
    "5-euro-cent": 21.25,
    "10-euro-cent": 19.75,
    "50-euro-cent": 24.25,
    "1-euro": 23.25,
    "2-euro": 25.75,
    "us-cent": 19.05,
    "us-nickel": 21.21,
    "us-dime": 17.91,
    "us-quarter": 24.26,
    "us-half-dollar": 30.61,
    "1-penny": 20.3,
    "2-pence": 25.9,
    "5-pence": 18.0,
    "10-pence": 24.5,
    "2-pounds": 28.4,
    "half-swiss-franc": 18.2,
    "1-swiss-franc": 23.2,
    "2-swiss-francs": 27.4,
    "5-swiss-francs": 31.45,
    "1-yen": 20.0,
    "5-yen": 22.0,
    "10-yen": 23.5,
    "50-yen": 21.0,
    "100-yen": 22.6,
    "500-yen": 26.5,
}


def diameter_of_coin(name: str) -> float:
    """How wide a coin is, mm.

    Raises:
        ParameterError: no coin of that name is known.

    >>> diameter_of_coin("us-quarter")
    24.26
    """
    if name in COINS_MM:
        return COINS_MM[name]
    near = difflib.get_close_matches(name, COINS_MM, 1)
    error = ParameterError(
        f"No coin called {name!r:.40} is known{f'; did you mean {near[0]}' if near else ''}."
    )
    error.hint = f"Say its diameter in mm instead, or one of {', '.join(COINS_MM)}."
    raise error
