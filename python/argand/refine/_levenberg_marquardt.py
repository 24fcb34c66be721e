"""Levenberg-Marquardt for many data sets side by side, each with its own damping and its own end.

    (N + lambda D) step = g,   lambda down where the step was as good as foreseen, up where chi^2 rose.

D is the largest diagonal element of N among the parameters of a kind, the same for all of them (Levenberg), not the
diagonal itself (Marquardt): heavy atoms, which the data determine best, then move first, and the light ones only when
phases are good enough to say where to. With short steps that reaches further than larger steps and the diagonal.

Floating origins are no obstacle: a stiff spring along them holds the step, and chi^2 does not feel it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.refine._target import Point, Rows, Target

# The farthest that one step may take a parameter of a kind: angstrom, A^2, A^2, fraction, A^2, SHELXL's x
LARGEST_STEP = {
    "position": 0.2,
    "u": 0.05,
    "b": 2.0,
    "occupancy": 0.3,
    "overall_b": 2.0,
    "extinction": 0.3,
}

_LAMBDA_START, _LAMBDA_LEAST, _LAMBDA_MOST = 1.0, 1e-6, 1e8


class State(NamedTuple):
    """Where the data sets are; arrays that are written to."""

    p: FloatArray  # (n, k)
    cycles: Any  # (n,) int
    converged: Any  # (n,) bool


class _Kinds(NamedTuple):
    of: NDArray[np.int64]  # (k,) number of the kind of each parameter
    limits: FloatArray  # (k,) its largest step
    number: int


def _kinds(kinds: Sequence[str]) -> _Kinds:
    names = sorted(set(kinds))
    of = np.array([names.index(kind) for kind in kinds], np.int64)
    return _Kinds(of, np.array([LARGEST_STEP[kind] for kind in kinds]), len(names))


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
    if not len(model):
        state.converged[rows] = True
        return
    kinds = _kinds(model.parameters.kinds)
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
        step, foreseen = _step(normal[at], gradient[at], damping[at], springs, kinds)
        tried = p[at] + step
        there = target.at(rows[at], tried)
        gain = point.chi2[at] - there.chi2
        good = gain > 0.0
        better = at[good]
        small = np.where(good, gain <= tolerance * point.chi2[at], damping[at] >= _LAMBDA_MOST)
        small |= (good & (there.chi2 <= floor[at])) | (foreseen <= 1e-12 * point.chi2[at])
        quality = np.divide(gain, foreseen, out=np.zeros_like(gain), where=foreseen > 0.0)
        damping[at] *= np.where(
            good, np.where(quality > 0.75, 0.3, np.where(quality > 0.25, 1.0, 2.0)), 5.0
        )
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
    normal: FloatArray,
    gradient: FloatArray,
    damping: FloatArray,
    springs: FloatArray,
    kinds: _Kinds,
) -> tuple[FloatArray, FloatArray]:
    """The damped step, cut to what a linearisation is good for, and the fall of chi^2 that it promises."""
    diagonal = np.einsum("bkk->bk", normal)
    largest = np.maximum(diagonal.max(axis=1, initial=0.0, keepdims=True), np.finfo(float).tiny)
    of_kind = np.stack(
        [diagonal[:, kinds.of == i].max(axis=1, initial=0.0) for i in range(kinds.number)], axis=1
    )
    root = np.sqrt(np.maximum(diagonal, 1e-10 * largest))
    # in units in which the diagonal of N is 1
    units = root[:, :, None] * root[:, None, :]
    alike = damping[:, None] * of_kind[:, kinds.of] / np.square(root) + 1e-10
    damped = (
        normal / units
        + springs * largest[:, :, None] / units
        + alike[:, :, None] * np.eye(len(kinds.of))
    )
    step = np.linalg.solve(damped, (gradient / root)[..., None])[..., 0] / root
    step = np.clip(step, -kinds.limits, kinds.limits)
    foreseen = 2.0 * np.einsum("bk,bk->b", gradient, step) - np.einsum(
        "bk,bkl,bl->b", step, normal, step
    )
    return step, foreseen


def _put(point: Point, rows: Any, new: Point) -> None:
    for field, value in zip(point, new, strict=True):
        field[rows] = value
