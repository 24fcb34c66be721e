"""Levenberg-Marquardt for many data sets side by side, each with its own damping and its own end.

    (N + lambda diag N) step = g,   lambda down where the step was as good as foreseen, up where chi^2 rose.

Floating origins are no obstacle: a stiff spring along them holds the step, and chi^2 does not feel it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from argand.cell import FloatArray
from argand.refine._target import Point, Rows, Target

# The farthest that one step may take a parameter of a kind: angstrom, A^2, A^2, fraction, A^2. Beyond, a linearisation
# of phases is worth nothing: 0.4 A is half a wave at 0.8 A.
LARGEST_STEP = {"position": 0.4, "u": 0.05, "b": 2.0, "occupancy": 0.3, "overall_b": 2.0}

_LAMBDA_START, _LAMBDA_LEAST, _LAMBDA_MOST = 1e-2, 1e-6, 1e8


class State(NamedTuple):
    """Where the data sets are; arrays that are written to."""

    p: FloatArray  # (n, k)
    cycles: Any  # (n,) int
    converged: Any  # (n,) bool


def levenberg_marquardt(
    target: Target,
    state: State,
    rows: Rows,
    *,
    cycles: int,
    tolerance: float,
    after_cycle: Callable[[int], None],
) -> None:
    """Refine data sets `rows` of `state` in place, for at most `cycles` cycles.

    A data set has converged when an accepted step lowers chi^2 by less than `tolerance` of it, or when no step does.
    """
    model = target.model
    limits = np.array([LARGEST_STEP[kind] for kind in model.parameters.kinds])
    floating = model.floating()
    springs = floating.T @ floating
    p = state.p[rows]
    point = target.reweighted(rows, p, target.at(rows, p))
    normal, gradient = target.normal(rows, p, point, np.float32)
    damping = np.full(len(rows), _LAMBDA_START)
    floor = 1e-20 * np.einsum("bm,bm->b", target.weight[rows], np.square(target.observed[rows]))
    active = np.ones(len(rows), bool)
    state.converged[rows] = False
    for _ in range(cycles):
        at = np.flatnonzero(active)
        if not len(at):
            break
        step, foreseen = _step(normal[at], gradient[at], damping[at], springs, limits)
        tried = p[at] + step
        there = target.at(rows[at], tried)
        gain = point.chi2[at] - there.chi2
        good = gain > 0.0
        better = at[good]
        small = np.where(good, gain <= tolerance * point.chi2[at], damping[at] >= _LAMBDA_MOST)
        small |= (good & (there.chi2 <= floor[at])) | (foreseen <= 1e-12 * point.chi2[at])
        quality = gain / np.maximum(foreseen, np.finfo(float).tiny)
        damping[at] *= np.where(good, np.where(quality > 0.75, 0.1, np.where(quality > 0.25, 0.5, 2.0)), 5.0)
        np.clip(damping, _LAMBDA_LEAST, _LAMBDA_MOST, out=damping)
        p[better] = tried[good]
        state.p[rows[better]] = tried[good]
        state.cycles[rows[at]] += 1
        active[at[small]] = False
        state.converged[rows[at[small]]] = True
        go_on = good & ~small
        if go_on.any():
            some = at[go_on]
            here = target.reweighted(rows[some], p[some], there.some(go_on))
            _put(point, some, here)
            normal[some], gradient[some] = target.normal(rows[some], p[some], here, np.float32)
        after_cycle(int(np.count_nonzero(~active)))


def _step(
    normal: FloatArray, gradient: FloatArray, damping: FloatArray, springs: FloatArray, limits: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The damped step, cut to what a linearisation is good for, and the fall of chi^2 that it promises."""
    diagonal = np.einsum("bkk->bk", normal)
    largest = diagonal.max(axis=1, initial=0.0, keepdims=True)
    root = np.sqrt(np.maximum(diagonal, 1e-10 * np.maximum(largest, np.finfo(float).tiny)))
    # in units in which the diagonal is 1, so that angstrom and A^2 are damped alike
    scaled = normal / (root[:, :, None] * root[:, None, :])
    held = springs * largest[:, :, None] / (root[:, :, None] * root[:, None, :])
    damped = scaled + held + (damping[:, None] + 1e-10)[:, :, None] * np.eye(len(limits))
    step = np.linalg.solve(damped, (gradient / root)[..., None])[..., 0] / root
    step *= np.minimum(1.0, 1.0 / np.maximum(np.abs(step / limits).max(axis=1, initial=0.0), 1e-300))[:, None]
    foreseen = 2.0 * np.einsum("bk,bk->b", gradient, step) - np.einsum("bk,bkl,bl->b", step, normal, step)
    return step, foreseen


def _put(point: Point, rows: Any, new: Point) -> None:
    for field, value in zip(point, new, strict=True):
        field[rows] = value
