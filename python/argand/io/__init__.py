"""Files in and out: CIF, SHELX, FCF and MTZ are read; CCP4 maps and MTZ are written. gemmi does most of the work."""

from argand.io._contents import Contents, identify
from argand.io._crystal import read_crystal
from argand.io._crystal_out import write_crystal
from argand.io._experiment import Experiment, read_experiment
from argand.io._hklf_out import write_hklf4
from argand.io._maps import read_map, write_map
from argand.io._mtz_out import write_reflections
from argand.io._read_reflections import read_reflections
from argand.io._reflections import Reflections
from argand.io._shelx import Instructions, read_instructions

__all__ = [
    "Contents",
    "Experiment",
    "Instructions",
    "Reflections",
    "identify",
    "read_crystal",
    "read_experiment",
    "read_instructions",
    "read_map",
    "read_reflections",
    "write_crystal",
    "write_hklf4",
    "write_map",
    "write_reflections",
]
