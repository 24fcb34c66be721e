"""Print objects as JSON, for programs."""

from __future__ import annotations

import json
import sys
from typing import Any

from argand.store import null_for_nan, to_builtins

__all__ = ["json_text", "say_on_stderr"]


def json_text(content: Any) -> str:
    """Write an object as JSON, with null for NaN and infinity."""
    plain = null_for_nan(to_builtins(content))
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False)


def say_on_stderr(line: str) -> None:
    """Print a line for people where standard output is for a program."""
    print(line, file=sys.stderr)
