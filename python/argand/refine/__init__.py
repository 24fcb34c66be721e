"""Refine a known crystal: fit its free parameters to the intensities or amplitudes of data sets."""

from argand.refine.figures import Figures
from argand.refine.model import Model
from argand.refine.parameters import Parameters, free
from argand.refine.prior import GaussianPrior
from argand.refine.refinement import Refinement, RefinementProgress, refine
from argand.refine.weighting import Weighting

__all__ = [
    "Figures",
    "GaussianPrior",
    "Model",
    "Parameters",
    "Refinement",
    "RefinementProgress",
    "Weighting",
    "free",
    "refine",
]
