"""Solve the crystal structure behind measured reflections of which no similar structure is known."""
