"""Volume -> Volume."""
