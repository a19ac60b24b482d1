"""Volume -> masks."""
