"""Learn, from simulated crystals like a known one, what amplitudes say about displaced atoms.

>>> adaptation = adapt(crystal, d_min=1.0)  # seconds to minutes
>>> adaptation.save("run")
>>> estimates = adaptation(data, refine=True)  # of merged data sets
"""

from __future__ import annotations

from argand.adapt.adaptation import Adaptation
from argand.adapt.linear import Linear
from argand.adapt.rung import Rung
from argand.adapt.settings import WIDTHS, AdaptationSettings
from argand.adapt.training import AdaptationProgress, adapt
from argand.adapt.width import WidthCurve

__all__ = [
    "WIDTHS",
    "Adaptation",
    "AdaptationProgress",
    "AdaptationSettings",
    "Linear",
    "Rung",
    "WidthCurve",
    "adapt",
]
