"""Files in and out: CIF, HKL, FCF and MTZ are read; CCP4 maps and MTZ are written. gemmi does the work."""

from argand.io._crystal import read_crystal
from argand.io._maps import read_map, write_map
from argand.io._mtz import write_reflections
from argand.io._reflections import Reflections, read_reflections

__all__ = ["Reflections", "read_crystal", "read_map", "read_reflections", "write_map", "write_reflections"]
