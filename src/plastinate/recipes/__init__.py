"""Organs as data: structures.toml, one TOML file for each recipe, and the loader."""
