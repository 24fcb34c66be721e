"""The settings that decide what the results of a series are."""

from __future__ import annotations

from dataclasses import dataclass, fields

from argand.cell import Cell
from argand.estimate.settings import check_time_limit

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
    force : bool
        Whether files are predicted that are unlike what the estimator was made for.
    reindex : bool
        Whether files are reindexed to the best axes; else only where R proves them.
    time_limit : float, optional
        Seconds that the search for one file may take; None sets no limit.
    cell : (a, b, c, alpha, beta, gamma), optional
        Unit cell of the measured crystals in angstrom and degrees, used instead of the one that a
        file states; None uses the cell of the file, or that of the known crystal.
    """

    estimator: str
    refine: bool = True
    maps: bool = False
    cell: Cell | None = None
    force: bool = False
    reindex: bool = False
    time_limit: float | None = None

    def __post_init__(self) -> None:
        check_time_limit(self.time_limit)

    def differences(self, stored: SeriesSettings) -> list[str]:
        """Return the fields in which stored settings differ, each with its two values."""
        differences: list[str] = []
        for field in fields(self):
            here = getattr(self, field.name)
            there = getattr(stored, field.name)
            if here != there:
                differences.append(f"{field.name} ({there} there, {here} here)")
        return differences
