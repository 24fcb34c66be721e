"""A sample like one you know: learn, from simulated samples, where atoms have gone from what amplitudes have become.

>>> made = adapt(crystal, d_min=1.0)  # seconds to minutes
>>> made.save("run")
>>> estimates = made(data, refine=True)  # merged data sets: displacements, phases, R, uncertainties
"""

from __future__ import annotations

from argand.adapt.adaptation import Adaptation, Rung
from argand.adapt.linear import Linear
from argand.adapt.training import WIDTHS, Progress, adapt
from argand.adapt.width import WidthCurve
from argand.estimate.linearisation import Linearisation

__all__ = [
    "WIDTHS",
    "Adaptation",
    "Linear",
    "Linearisation",
    "Progress",
    "Rung",
    "WidthCurve",
    "adapt",
]
