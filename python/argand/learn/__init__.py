"""Data sets of simulated crystals, models that learn their phases, honest losses and metrics.

`train`, `evaluate` and `predict` are modules with a function of their name; they need lightning and
are imported when asked for: ``from argand.learn.train import train``.
"""

from __future__ import annotations

from argand.learn import losses, models
from argand.learn.dataset import PerturbedCrystals
from argand.learn.loading import Stream, collate, fixed_loader, stream_loader
from argand.learn.metals import ELEMENTS_16, METALS, metal
from argand.learn.origin_choices import OriginChoices
from argand.learn.recipes import RECIPES, Recipe, register_model
from argand.learn.samples import SampleBatch, features
from argand.learn.simulated import SimulatedCrystals
from argand.learn.sources import crystals_from_folder, load_crystals
from argand.learn.splits import hold_out, random_split

__all__ = [
    "ELEMENTS_16",
    "METALS",
    "RECIPES",
    "OriginChoices",
    "PerturbedCrystals",
    "Recipe",
    "SampleBatch",
    "SimulatedCrystals",
    "Stream",
    "collate",
    "crystals_from_folder",
    "features",
    "fixed_loader",
    "hold_out",
    "load_crystals",
    "losses",
    "metal",
    "models",
    "random_split",
    "register_model",
    "stream_loader",
]
