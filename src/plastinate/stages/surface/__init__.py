"""masks and grey values -> Surface."""
