"""The settings that decide what the results of a series are."""

from __future__ import annotations

from dataclasses import dataclass, fields

from argand.cell import Cell

__all__ = ["SeriesSettings"]


@dataclass(frozen=True)
class SeriesSettings:
    """Identify a series by its estimator and by how its files are predicted.

    Parameters
    ----------
    estimator : str
        Fingerprint of the estimator.
    refine : bool
        Whether displacements are refined to convergence, or estimated quickly.
    maps : bool
        Whether a density is written for each file.
    cell : (a, b, c, alpha, beta, gamma), optional
        Unit cell of the measured crystals in angstrom and degrees, used instead of the one that a
        file states; None uses the cell of the file, or that of the known crystal.
    """

    estimator: str
    refine: bool = True
    maps: bool = False
    cell: Cell | None = None

    def differences(self, other: SeriesSettings) -> list[str]:
        """Return the names of the fields in which two settings differ."""
        names = [field.name for field in fields(self)]
        return [name for name in names if getattr(self, name) != getattr(other, name)]
