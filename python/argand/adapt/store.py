"""Save and load adaptations, and recognise their folders."""

from __future__ import annotations

from pathlib import Path

from argand.adapt.adaptation import Adaptation
from argand.adapt.folder import FORMAT, JSON_NAME

__all__ = ["FORMAT", "is_adaptation", "load_adaptation", "save_adaptation"]


def is_adaptation(path: str | Path) -> bool:
    """Return whether a path is the folder of an adaptation."""
    return (Path(path) / JSON_NAME).is_file()


def save_adaptation(adaptation: Adaptation, path: str | Path) -> Path:
    """Write the folder of an adaptation, and return its path."""
    return adaptation.save(path)


def load_adaptation(path: str | Path) -> Adaptation:
    """Read the folder of an adaptation; an `ArgandError` names a missing or damaged file."""
    return Adaptation.load(path)
