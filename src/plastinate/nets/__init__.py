"""Networks without the packages they come in: weights read safely, graphs built from them, run on tiles."""
