"""L-BFGS by scipy, one data set after another: for so many parameters that no normal matrix is wanted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

from argand.cell import FloatArray
from argand.refine._levenberg_marquardt import State
from argand.refine._target import Rows, Target

# A step of 1 in these units changes F by about as much for each kind
_UNIT = {
    "position": 0.1,
    "u": 0.01,
    "b": 1.0,
    "occupancy": 0.1,
    "overall_b": 1.0,
    "extinction": 0.01,
}


def lbfgs(
    target: Target,
    state: State,
    rows: Rows,
    *,
    cycles: int,
    tolerance: float,
    after_cycle: Callable[[int], None],
) -> None:
    """As `levenberg_marquardt`."""
    units = np.array([_UNIT[kind] for kind in target.model.parameters.kinds])
    for done, row in enumerate(rows):
        only = np.array([row])
        at_start = target.reweighted(only, state.p[only], target.at(only, state.p[only]))
        size = max(float(at_start.chi2[0]), np.finfo(float).tiny)

        def loss(x: FloatArray, only: Rows = only, size: float = size) -> tuple[float, FloatArray]:
            p = (x * units)[None]
            point = target.at(only, p)
            return float(point.chi2[0]) / size, target.gradient(only, p, point)[0] * units / size

        def keep(x: FloatArray, row: int = row, done: int = done) -> None:
            state.p[row] = x * units
            state.cycles[row] += 1
            after_cycle(done)

        options = {"maxiter": cycles, "ftol": tolerance * 1e-3, "gtol": 1e-12, "maxcor": 30}
        found = minimize(
            loss, state.p[row] / units, jac=True, method="L-BFGS-B", callback=keep, options=options
        )
        state.p[row] = found.x * units
        state.converged[row] = bool(found.success)
