"""Scene | Surface | LabelMap -> files."""
