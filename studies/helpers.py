"""Helpers of all studies: one core, tables, the description of the machine, Wilson's interval.

Most of it belongs to the benchmarks and is imported from their folder here, once for all studies.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

import argand

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

from goals import Goal, verdict
from machine import describe, list_facts
from one_core import restart_on_one_core
from section import Section
from section import main as run_section
from tables import table

__all__ = [
    "Goal",
    "Section",
    "describe",
    "list_facts",
    "run_on_one_core",
    "run_section",
    "table",
    "verdict",
    "wilson_interval",
]


def run_on_one_core(main: Callable[[], None]) -> None:
    """Run a study on one core and one thread, without argand's warnings."""
    restart_on_one_core()
    warnings.simplefilter("ignore", argand.errors.ArgandWarning)
    main()


def wilson_interval(successes: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's interval of a share: 95 % for z = 1.96."""
    share = successes / n
    denominator = 1.0 + z * z / n
    middle = share + z * z / (2.0 * n)
    half = z * np.sqrt(share * (1.0 - share) / n + z * z / (4.0 * n * n))
    low = (middle - half) / denominator
    high = (middle + half) / denominator
    return max(0.0, low), min(1.0, high)
