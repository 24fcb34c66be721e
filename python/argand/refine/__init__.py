"""Refinement: a known crystal with free parameters, fitted to what was measured of it."""

from argand.refine.figures import Figures
from argand.refine.model import Model
from argand.refine.parameters import Parameters, free
from argand.refine.prior import GaussianPrior
from argand.refine.refinement import Progress, Refinement, refine
from argand.refine.weighting import Weighting

__all__ = [
    "Figures",
    "GaussianPrior",
    "Model",
    "Parameters",
    "Progress",
    "Refinement",
    "Weighting",
    "free",
    "refine",
]
