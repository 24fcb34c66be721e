"""Estimate where the atoms of a known crystal have moved, from measured amplitudes.

`LeastSquares` needs the known structure only; `argand.adapt` learns from simulated crystals first.
Both go through one search, `search_displacements`.
"""

from __future__ import annotations

from argand.estimate.estimate import Answer, Estimate, Estimator, FurtherAtom, with_atom
from argand.estimate.least_squares import LeastSquares
from argand.estimate.linearisation import Linearisation
from argand.estimate.models import MovableCrystal
from argand.estimate.observed import Observed, noise, on_one_list
from argand.estimate.search import SearchResult, search_displacements
from argand.estimate.settings import SearchSettings

__all__ = [
    "Answer",
    "Estimate",
    "Estimator",
    "FurtherAtom",
    "LeastSquares",
    "Linearisation",
    "MovableCrystal",
    "Observed",
    "SearchResult",
    "SearchSettings",
    "noise",
    "on_one_list",
    "search_displacements",
    "with_atom",
]
