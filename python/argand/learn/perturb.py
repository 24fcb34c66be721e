"""The displacements that `PerturbedCrystals` draws: those of `argand.simulate`, of atoms of the cell in P 1."""

from __future__ import annotations

from argand.simulate.directions import ALL_AXES
from argand.simulate.directions import Directions as Perturbation

__all__ = ["ALL_AXES", "Perturbation"]
