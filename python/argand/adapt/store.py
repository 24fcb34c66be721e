"""Save and load adaptations, and recognise their folders."""

from __future__ import annotations

from pathlib import Path

from argand.adapt.adaptation import Adaptation
from argand.adapt.folder import FORMAT, JSON_NAME, write_into
from argand.files import save_or_rescue

__all__ = ["FORMAT", "is_adaptation", "load_adaptation", "save_adaptation"]


def is_adaptation(path: str | Path) -> bool:
    """Return whether a path is the folder of an adaptation."""
    return (Path(path) / JSON_NAME).is_file()


def save_adaptation(adaptation: Adaptation, path: str | Path) -> Path:
    """Write the folder of an adaptation, which the caller has locked, and return its path.

    Raises
    ------
    ArgandError
        The folder cannot be written, as on a full disk; the message names another folder, in which
        the adaptation was kept.
    """

    def save(folder: Path) -> Path:
        """Write all files into a folder."""
        return write_into(folder, adaptation, warning=adaptation.warning)

    return save_or_rescue(save, Path(path))


def load_adaptation(path: str | Path) -> Adaptation:
    """Read the folder of an adaptation; an `ArgandError` names a missing or damaged file."""
    return Adaptation.load(path)
