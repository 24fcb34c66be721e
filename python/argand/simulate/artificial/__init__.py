"""Crystals that nobody has listed: generated in any space group, and measured."""

from __future__ import annotations

from argand.simulate.artificial.crystals import ArtificialCrystals, CrystalBatch
from argand.simulate.artificial.elements import SYMBOLS
from argand.simulate.artificial.measured import ArtificialData, UniqueReflections
from argand.simulate.artificial.reflection_table import ReflectionTable
from argand.simulate.artificial.settings import ArtificialSettings, Kind, atom_range
from argand.simulate.artificial.shards import generate_shards, read_shard
from argand.simulate.artificial.space_groups import parse_groups, shares_of_groups
from argand.simulate.artificial.stream import ArtificialStream

__all__ = [
    "SYMBOLS",
    "ArtificialCrystals",
    "ArtificialData",
    "ArtificialSettings",
    "ArtificialStream",
    "CrystalBatch",
    "Kind",
    "ReflectionTable",
    "UniqueReflections",
    "atom_range",
    "generate_shards",
    "parse_groups",
    "read_shard",
    "shares_of_groups",
]
