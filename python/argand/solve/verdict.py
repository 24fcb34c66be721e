"""Turn figures of merit into the probability that phases are right, and into a verdict."""

from __future__ import annotations

from argand.solve.figures import PhaseFigures
from argand.solve.primitive import PrimitiveReflections

__all__ = ["judge_phases"]


def judge_phases(figures: PhaseFigures, data: PrimitiveReflections) -> float:
    """Return the probability that phases are right."""
    if data.d_min <= 1.3:
        good = (
            figures.free_correlation > 0.72
            and figures.strong_residual < 0.30
            and figures.symmetry > 0.3
        )
    else:
        good = figures.free_correlation > 0.80 and figures.strong_residual < 0.24
    return 0.99 if good else 0.0
