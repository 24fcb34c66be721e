"""Define what is raised where a command line or a file of options cannot be understood."""

from __future__ import annotations

__all__ = ["Usage"]


class Usage(Exception):
    """Say why a command line cannot be understood."""
