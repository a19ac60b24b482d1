"""Surfaces -> Scene, and its picture."""
