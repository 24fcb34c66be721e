"""Read and write files: CIF, SHELX, FCF, MTZ and CCP4 maps; gemmi does most of the parsing.

`read_crystal`, `read_reflections` and all functions that begin with `read` take a path. To
read several things from one file, open it with `open_file`: it is then parsed once.
"""

from argand.io.ccp4 import write_map
from argand.io.cif_writer import write_crystal
from argand.io.doors import (
    identify,
    read_crystal,
    read_experiment,
    read_instructions,
    read_map,
    read_reflections,
)
from argand.io.experiment import Experiment
from argand.io.formula import parse_formula
from argand.io.hklf import write_hklf4
from argand.io.mtz_writer import write_reflections
from argand.io.reflections import Reflections
from argand.io.shelx import Instructions
from argand.io.source_file import Contents, SourceFile, open_file
from argand.io.tsc import read_tsc, write_tsc

__all__ = [
    "Contents",
    "Experiment",
    "Instructions",
    "Reflections",
    "SourceFile",
    "identify",
    "open_file",
    "parse_formula",
    "read_crystal",
    "read_experiment",
    "read_instructions",
    "read_map",
    "read_reflections",
    "read_tsc",
    "write_crystal",
    "write_hklf4",
    "write_map",
    "write_reflections",
    "write_tsc",
]
