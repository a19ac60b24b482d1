"""Least and greatest of what a person may choose of a plate, mm: the door and the step hold to the same."""

WIDTH_MM = (5.0, 1000.0)
THICKNESS_MM = (0.2, 50.0)
BORDER_MM = (0.0, 50.0)
