"""Solve the crystal structure behind measured reflections, where no similar one is known."""
