"""Our masks and a reference's -> how well they match, as figures with stated definitions."""
