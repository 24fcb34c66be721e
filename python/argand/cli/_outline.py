"""Read the parameters of a verb from its source, without importing what the verb works with.

The help of a verb needs its signature and its docstring. Numpy and the rooms of argand, which its
module imports, take longer than all else that a help text needs.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

__all__ = ["outline"]

# Modules of the standard library from which annotations and defaults of verbs take their names.
_MODULES = ("__future__", "collections.abc", "math", "pathlib", "typing")


def outline(verb: str) -> Callable[..., Any]:
    """Return a function with the signature and the docstring of a verb, and without its work."""
    path = Path(__file__).with_name(f"{verb}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    body: list[ast.stmt] = []
    for node in tree.body:
        if (isinstance(node, ast.ImportFrom) and node.module in _MODULES) or _is_constant(node):
            body.append(node)
        elif isinstance(node, ast.FunctionDef) and node.name == verb:
            # The docstring is the first statement of the function.
            del node.body[1:]
            body.append(node)
    module = ModuleType(f"argand.cli.{verb}")
    code = compile(ast.Module(body, type_ignores=[]), str(path), "exec")
    exec(code, vars(module))
    function: Callable[..., Any] = getattr(module, verb)
    return function


def _is_constant(node: ast.stmt) -> bool:
    """Tell whether a statement gives a name to a plain value."""
    if not isinstance(node, ast.Assign):
        return False
    try:
        ast.literal_eval(node.value)
    except ValueError:
        return False
    return True
