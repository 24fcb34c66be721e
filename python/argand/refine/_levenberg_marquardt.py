"""Minimise chi^2 of many data sets side by side by the method of Levenberg and Marquardt.

    (N + lambda D) step = g

lambda falls where the step was as good as predicted, and rises where chi^2 rose. Each data set has
a damping lambda of its own and stops by itself. D is the largest diagonal element of N among the
parameters of a kind, one number for all of them (Levenberg), not the diagonal itself
(Marquardt): heavy atoms, which the data determine best, then move first, and light ones only when
phases are good enough to say where to. With short steps that converges from farther away than
larger steps with the diagonal.

Floating origins are held by a stiff spring along them, which does not change chi^2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dposv

from argand.cell import FloatArray
from argand.refine._target import Rows, Target

# The farthest that one step may take a parameter of each kind: angstrom, A^2, A^2, fraction, A^2,
# SHELXL's x. A linearisation is not good beyond.
LARGEST_STEP = {
    "position": 0.2,
    "u": 0.05,
    "b": 2.0,
    "occupancy": 0.3,
    "overall_b": 2.0,
    "extinction": 0.3,
}

#: Damping lambda at the start: steps are short until N has proved to predict chi^2.
FIRST_DAMPING = 1.0
# Below this lambda a step is that of Gauss and Newton.
_LEAST_DAMPING = 1e-6
# No step with a larger lambda moves anything: the data set is at a minimum.
_LARGEST_DAMPING = 1e8

# Factors of lambda after a step: chi^2 rose; it fell by less than a quarter of the prediction; by
# more than three quarters of it. In between lambda stays.
_AFTER_RISE = 5.0
_AFTER_POOR_STEP = 2.0
_AFTER_GOOD_STEP = 0.3
_POOR = 0.25
_GOOD = 0.75

# Parameters from which each data set is solved by itself: a call takes some microseconds.
_SOLVED_ALONE = 32

# chi^2 below this share of the weighted squares of the data is rounding.
_ROUNDING = 1e-20
# A step that promises less than this share of chi^2 is the last.
_LEAST_PROMISE = 1e-12


class State(NamedTuple):
    """Hold the parameters of n data sets during a refinement; its arrays are written to."""

    p: FloatArray  # (n, k)
    cycles: NDArray[np.int64]  # (n,)
    converged: NDArray[np.bool_]  # (n,)


def levenberg_marquardt(
    target: Target,
    state: State,
    rows: Rows,
    *,
    cycles: int,
    tolerance: float,
    damping: float = FIRST_DAMPING,
    after_cycle: Callable[[int], None],
) -> None:
    """Refine the data sets `rows` (b,) of `state` in place.

    A data set has converged when an accepted step lowers chi^2 by less than `tolerance` of it, or
    when no step lowers it.

    Parameters
    ----------
    cycles
        The largest number of cycles.
    damping
        lambda at the start.
    after_cycle
        Called after every cycle with the number of data sets that have converged.
    """
    model = target.model
    if not len(model):
        state.converged[rows] = True
        return
    damper = _Damper(model.parameters.kinds, model.floating())
    p = state.p[rows]
    point = target.reweighted(rows, p, target.at(rows, p))
    normal, gradient = target.normal(rows, p, point, np.float32)
    damping_of_rows = np.full(len(rows), damping)
    squares = np.square(target.observed[rows])
    least_chi2 = _ROUNDING * np.einsum("bm,bm->b", target.weight[rows], squares)
    active = np.ones(len(rows), bool)
    state.converged[rows] = False
    for cycle in range(cycles):
        running = np.flatnonzero(active)
        if not len(running):
            break
        step, predicted = damper.step(normal[running], gradient[running], damping_of_rows[running])
        trial_p = p[running] + step
        trial = target.at(rows[running], trial_p)
        chi2 = point.chi2[running]
        gain = chi2 - trial.chi2
        accepted = gain > 0.0

        at_limit = damping_of_rows[running] >= _LARGEST_DAMPING
        finished = np.where(accepted, gain <= tolerance * chi2, at_limit)
        finished |= accepted & (trial.chi2 <= least_chi2[running])
        finished |= predicted <= _LEAST_PROMISE * chi2

        damping_of_rows[running] *= _damping_factor(gain, predicted)
        np.clip(damping_of_rows, _LEAST_DAMPING, _LARGEST_DAMPING, out=damping_of_rows)

        better = running[accepted]
        p[better] = trial_p[accepted]
        state.p[rows[better]] = trial_p[accepted]
        state.cycles[rows[running]] += 1
        stopped = running[finished]
        active[stopped] = False
        state.converged[rows[stopped]] = True

        moved = accepted & ~finished
        # No step follows the last cycle, and nothing needs its normal equations.
        if moved.any() and cycle + 1 < cycles:
            moving = running[moved]
            data_sets = rows[moving]
            new_point = target.reweighted(data_sets, p[moving], trial.select(moved))
            point.put(moving, new_point)
            new_normal, new_gradient = target.normal(data_sets, p[moving], new_point, np.float32)
            normal[moving] = new_normal
            gradient[moving] = new_gradient
        after_cycle(int(np.count_nonzero(~active)))


def _damping_factor(gain: FloatArray, predicted: FloatArray) -> FloatArray:
    """Return the factors (b,) of lambda after steps that lowered chi^2 by `gain` (b,)."""
    quality = np.divide(gain, predicted, out=np.zeros_like(gain), where=predicted > 0.0)
    factor = np.full(len(gain), _AFTER_POOR_STEP)
    factor[quality > _POOR] = 1.0
    factor[quality > _GOOD] = _AFTER_GOOD_STEP
    factor[~(gain > 0.0)] = _AFTER_RISE
    return factor


class _Damper:
    """Solve damped normal equations.

    Parameters
    ----------
    kinds
        The kind of each of the k parameters, a key of `LARGEST_STEP`.
    floating : (j, k)
        Unit vectors along which chi^2 does not change.
    """

    def __init__(self, kinds: Sequence[str], floating: FloatArray) -> None:
        names = sorted(set(kinds))
        self._kind = np.array([names.index(kind) for kind in kinds], np.int64)
        self._limits = np.array([LARGEST_STEP[kind] for kind in kinds])
        self._number_of_kinds = len(names)
        self._springs = floating.T @ floating if len(floating) else None

    def step(
        self, normal: FloatArray, gradient: FloatArray, damping: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return damped steps (b, k), cut to `LARGEST_STEP`, and the predicted falls of chi^2 (b,).

        Parameters
        ----------
        normal : (b, k, k)
            N, the normal matrices.
        gradient : (b, k)
            g.
        damping : (b,)
            lambda.
        """
        diagonal = np.einsum("bkk->bk", normal)
        largest = diagonal.max(axis=1, initial=0.0, keepdims=True)
        largest = np.maximum(largest, np.finfo(float).tiny)
        # Solve in units in which the diagonal of N is 1.
        root = np.sqrt(np.maximum(diagonal, 1e-10 * largest))
        levels = self._largest_of_kind(diagonal)
        # The small constant keeps parameters without effect from making the matrix singular.
        added = damping[:, None] * levels / np.square(root) + 1e-10
        damped = normal / root[:, :, None]
        damped /= root[:, None, :]
        if self._springs is not None:
            stiffness = largest[:, :, None] / (root[:, :, None] * root[:, None, :])
            damped += self._springs * stiffness
        np.einsum("bkk->bk", damped)[:] += added
        scaled = _solutions(damped, gradient / root)
        step = np.clip(scaled / root, -self._limits, self._limits)
        linear = 2.0 * np.einsum("bk,bk->b", gradient, step)
        changed = np.matmul(normal, step[..., None])[..., 0]
        quadratic = np.einsum("bk,bk->b", step, changed)
        return step, linear - quadratic

    def _largest_of_kind(self, diagonal: FloatArray) -> FloatArray:
        """Return, for every parameter (b, k), the largest diagonal element of its kind."""
        largest = []
        for number in range(self._number_of_kinds):
            of_kind = diagonal[:, self._kind == number]
            largest.append(of_kind.max(axis=1, initial=0.0))
        return np.stack(largest, axis=1)[:, self._kind]


def _solutions(matrices: FloatArray, right: FloatArray) -> FloatArray:
    """Solve symmetric equations (b, k, k), which are overwritten, with right-hand sides (b, k).

    A Cholesky factor takes half the time of a general one, which is needed where rounding has made
    a matrix indefinite. Small matrices are solved together.
    """
    if right.shape[1] < _SOLVED_ALONE:
        return np.asarray(np.linalg.solve(matrices, right[..., None])[..., 0], np.float64)
    solutions = np.empty_like(right)
    for number, matrix in enumerate(matrices):
        # LAPACK stores columns one after another, as the transpose of a symmetric matrix does.
        diagonal = matrix.diagonal().copy()
        _, solution, failed = dposv(matrix.T, right[number], lower=1, overwrite_a=1)
        if failed:
            # The factor lies in one half of the matrix, and on its diagonal.
            half = np.tril(matrix, -1)
            solution = np.linalg.solve(half + half.T + np.diag(diagonal), right[number])
        solutions[number] = solution
    return solutions
