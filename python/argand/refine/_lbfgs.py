"""Minimise chi^2 by scipy's L-BFGS, one data set after another.

It needs no normal matrix, for models with so many parameters that the matrix would not fit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.refine._levenberg_marquardt import State
from argand.refine._target import Rows, Target

# A step of 1 in these units changes F by about as much for each kind of parameter.
_UNIT = {
    "position": 0.1,
    "u": 0.01,
    "b": 1.0,
    "occupancy": 0.1,
    "overall_b": 1.0,
    "extinction": 0.01,
}
# Pairs of steps and gradients that L-BFGS remembers.
_MEMORY = 30
# scipy compares the fall of one step, which is smaller than that of a Gauss-Newton cycle.
_TOLERANCE_FACTOR = 1e-3
# Gradient, of chi^2 over its value at the start, at which the minimum is exact.
_LEAST_GRADIENT = 1e-12


def lbfgs(
    target: Target,
    state: State,
    rows: Rows,
    *,
    cycles: int,
    tolerance: float,
    after_cycle: Callable[[int], None],
) -> None:
    """Refine the data sets `rows` (b,) of `state` in place, see `levenberg_marquardt`."""
    from scipy.optimize import minimize

    units = np.array([_UNIT[kind] for kind in target.model.parameters.kinds])
    options = {
        "maxiter": cycles,
        "ftol": tolerance * _TOLERANCE_FACTOR,
        "gtol": _LEAST_GRADIENT,
        "maxcor": _MEMORY,
    }
    for finished, row in enumerate(rows):
        loss = _loss(target, state, row, units)
        callback = _callback(state, row, units, finished, after_cycle)
        result = minimize(
            loss,
            state.p[row] / units,
            jac=True,
            method="L-BFGS-B",
            callback=callback,
            options=options,
        )
        state.p[row] = result.x * units
        state.converged[row] = bool(result.success)


def _loss(
    target: Target, state: State, row: int, units: FloatArray
) -> Callable[[FloatArray], tuple[float, FloatArray]]:
    """Return a function of p / units (k,) that gives chi^2 of one data set, and its gradient.

    Both are divided by chi^2 at the start, whose weights stay for the whole minimisation.
    """
    data_set = np.array([row])
    start = state.p[data_set]
    at_start = target.reweighted(data_set, start, target.at(data_set, start))
    size = max(float(at_start.chi2[0]), np.finfo(float).tiny)

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        p = (x * units)[None]
        point = target.at(data_set, p)
        gradient = target.gradient(data_set, p, point)[0]
        return float(point.chi2[0]) / size, gradient * units / size

    return loss


def _callback(
    state: State,
    row: int,
    units: FloatArray,
    finished: int,
    after_cycle: Callable[[int], None],
) -> Callable[[NDArray[np.float64]], None]:
    """Return a function that keeps what a cycle has reached, so that Ctrl-C loses nothing."""

    def keep(x: FloatArray) -> None:
        state.p[row] = x * units
        state.cycles[row] += 1
        after_cycle(finished)

    return keep
