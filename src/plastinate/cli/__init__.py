"""The door from a shell."""
