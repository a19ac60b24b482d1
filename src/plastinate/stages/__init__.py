"""The rooms. Each does one thing, knows the model, and never another room."""
