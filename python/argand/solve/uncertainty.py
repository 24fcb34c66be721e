"""Standard uncertainties of the sites of a refined model."""

from __future__ import annotations

import numpy as np

from argand.cell import FloatArray
from argand.refine import Refinement
from argand.refine.parameters import BISO, FRAC, UANISO

__all__ = ["site_sigma"]

# B = 8 pi^2 U
_B_PER_U = 8.0 * np.pi**2


def site_sigma(refinement: Refinement) -> FloatArray:
    """Return standard uncertainties (n, 10) of x y z, U 11 22 33 12 13 23 and the equivalent U.

    Positions are in fractions of the cell, U in A^2; 0 stands for what was not refined. Parameters
    that move one coordinate together are taken as independent of each other.
    """
    directions = refinement.model.parameters.directions
    variance = np.square(np.nan_to_num(refinement.sigma[0]))
    of_coordinates = np.einsum("k,knc->nc", variance, np.square(directions))
    sigma = np.zeros((directions.shape[1], 10))
    sigma[:, :3] = np.sqrt(of_coordinates[:, FRAC])
    sigma[:, 3:9] = np.sqrt(of_coordinates[:, UANISO])
    u_iso = np.sqrt(of_coordinates[:, BISO]) / _B_PER_U
    # The equivalent U is a third of the trace of an orthogonal tensor.
    equivalent = np.sqrt(np.square(sigma[:, 3:6]).sum(axis=1)) / 3.0
    sigma[:, 9] = np.where(equivalent > 0.0, equivalent, u_iso)
    return sigma
