"""Compute crystallographic structure factors and electron densities, and learn phases from them.

The public names are functions on numpy arrays. `argand.torch` has them as differentiable torch
operators, `argand.cuda` on CuPy arrays, and `argand.learn` has data sets, models and training.
Modules and packages are imported when they are first used, as attributes of `argand` too:
`import argand` loads none of them, and neither numpy nor gemmi.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

# Before anything else is imported.
from argand import _interpreter as _interpreter
from argand._version import __version__ as __version__
from argand.errors import ArgandError

if TYPE_CHECKING:
    from argand._config import build_config, num_threads, set_num_threads
    from argand._memory import memory_limit, set_memory_limit
    from argand.crystal import Crystal
    from argand.density import grid_shape, map_from_structure_factors, structure_factors_from_map
    from argand.form_factors import form_factors
    from argand.io import read_crystal, read_map, read_reflections, write_map, write_reflections
    from argand.maps import difference_coefficients
    from argand.phases import align_origin, map_correlation, phase_error
    from argand.reflections import hkl_cube, miller_indices, stol
    from argand.solve import solve
    from argand.structure_factors import structure_factors

__all__ = [
    "ArgandError",
    "Crystal",
    "align_origin",
    "build_config",
    "difference_coefficients",
    "form_factors",
    "grid_shape",
    "hkl_cube",
    "map_correlation",
    "map_from_structure_factors",
    "memory_limit",
    "miller_indices",
    "num_threads",
    "phase_error",
    "read_crystal",
    "read_map",
    "read_reflections",
    "set_memory_limit",
    "set_num_threads",
    "solve",
    "stol",
    "structure_factors",
    "structure_factors_from_map",
    "write_map",
    "write_reflections",
]

# The module that defines each public name which is resolved at its first use.
_MODULE_OF_NAME = {
    "Crystal": "crystal",
    "align_origin": "phases",
    "build_config": "_config",
    "difference_coefficients": "maps",
    "form_factors": "form_factors",
    "grid_shape": "density",
    "hkl_cube": "reflections",
    "map_correlation": "phases",
    "map_from_structure_factors": "density",
    "memory_limit": "_memory",
    "miller_indices": "reflections",
    "num_threads": "_config",
    "phase_error": "phases",
    "read_crystal": "io",
    "read_map": "io",
    "read_reflections": "io",
    "set_memory_limit": "_memory",
    "set_num_threads": "_config",
    "solve": "solve",
    "stol": "reflections",
    "structure_factors": "structure_factors",
    "structure_factors_from_map": "density",
    "write_map": "io",
    "write_reflections": "io",
}


class _LazyPackage(ModuleType):
    """Keep public functions where a module has the same name, as `argand.structure_factors` has."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a module to its package once it is loaded, over any function.
        if name in _MODULE_OF_NAME and isinstance(value, ModuleType):
            return
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _LazyPackage


def __getattr__(name: str) -> Any:
    """Import a public name, or a module of argand, when it is first asked for."""
    if name in _MODULE_OF_NAME:
        module = importlib.import_module(f"argand.{_MODULE_OF_NAME[name]}")
        value = vars(module)[name]
        globals()[name] = value
        return value
    if name.startswith("_") or importlib.util.find_spec(f"argand.{name}") is None:
        raise AttributeError(f"module 'argand' has no attribute {name!r}")
    return importlib.import_module(f"argand.{name}")


def __dir__() -> list[str]:
    """Return the public names."""
    return list(__all__)
