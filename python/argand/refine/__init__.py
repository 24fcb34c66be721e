"""Refinement: a known crystal with free parameters, fitted to what was measured of it."""

from argand.refine.model import Model
from argand.refine.parameters import Parameters, free

__all__ = ["Model", "Parameters", "free"]
