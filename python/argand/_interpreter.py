"""Refuse to be imported in a subinterpreter, where the compiled libraries end in a deadlock.

Neither numpy nor gemmi nor the core of argand support subinterpreters: a lock that the process has
once is waited for by each of them. Importing this module raises an ImportError there.
"""

from __future__ import annotations

import importlib
from typing import Any

# The module of Python that knows interpreters, by its name since 3.13 and by its name before.
_MODULES = ("_interpreters", "_xxsubinterpreters")


def _is_main_interpreter() -> bool:
    """Tell whether this is the interpreter that the process began with; True if Python cannot."""
    for name in _MODULES:
        try:
            interpreters: Any = importlib.import_module(name)
        except ImportError:
            continue
        return _number(interpreters.get_current()) == _number(interpreters.get_main())
    return True


def _number(interpreter: Any) -> int:
    """Return the number of an interpreter, the first of two facts since 3.13."""
    return int(interpreter[0] if isinstance(interpreter, tuple) else interpreter)


if not _is_main_interpreter():
    raise ImportError("argand cannot be used in a subinterpreter: use processes or threads")
