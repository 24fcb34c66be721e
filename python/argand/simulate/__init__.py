"""Crystals like one that is known, and what a diffractometer would measure of them: numpy only.

>>> changes = Perturbation([Independent(rms=(0.05, 0.7))], unmodelled=Unmodelled(probability=0.1))
>>> measurement = Measurement(noise=0.04, scale=(0.5, 2.0))
>>> simulation = Simulation(crystal, changes, measurement, d_min=1.0, seed=1)
>>> samples = simulation.draw(range(1000))  # sample i is a pure function of (seed, i)
"""

from __future__ import annotations

from argand.simulate.changes import Substitution, Unmodelled
from argand.simulate.description import from_json, to_json
from argand.simulate.directions import ALL_AXES, Directions
from argand.simulate.displacements import Displacement, Groups, Independent, Modes, Waves
from argand.simulate.files import read_samples, write_folder, write_samples
from argand.simulate.measurement import Measurement
from argand.simulate.perturbation import Perturbation
from argand.simulate.samples import Samples
from argand.simulate.simulation import Simulation
from argand.simulate.widths import Width

__all__ = [
    "ALL_AXES",
    "Directions",
    "Displacement",
    "Groups",
    "Independent",
    "Measurement",
    "Modes",
    "Perturbation",
    "Samples",
    "Simulation",
    "Substitution",
    "Unmodelled",
    "Waves",
    "Width",
    "from_json",
    "read_samples",
    "to_json",
    "write_folder",
    "write_samples",
]
