"""The learning rate of every training: a linear warm-up, then a fall by a cosine."""

from __future__ import annotations

import math

__all__ = ["warmup_cosine"]


def warmup_cosine(
    step: int,
    steps: int,
    *,
    warmup: float = 0.1,
    cosine_start: float = 0.1,
    lowest: float = 0.02,
) -> float:
    """Return the factor on the highest learning rate at a step of a training.

    Parameters
    ----------
    step, steps
        Number of this step, from 0, and of all steps.
    warmup
        Share of the steps over which the factor rises linearly from 0 to 1.
    cosine_start
        Share of the steps after which the cosine begins to fall; at 0 it falls during the warm-up
        too.
    lowest
        Smallest factor that is returned.
    """
    done = min(step / max(steps, 1), 1.0)
    rise = min(1.0, done / warmup)
    fallen = max(0.0, done - cosine_start) / (1.0 - cosine_start)
    fall = 0.5 * (1.0 + math.cos(math.pi * fallen))
    return max(rise * fall, lowest)
