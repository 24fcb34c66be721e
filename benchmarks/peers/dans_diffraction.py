"""Build crystals of Dans_Diffraction, and call its sum over atoms alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from peers.common import peer
from rounds import Run
from workloads.common import Cell, Floats


def dans_crystal(cell: Cell, types: Sequence[str], frac: Floats, u_iso: float = 0.0) -> Any:
    """Build a crystal of n atom types at fractional coordinates (n, 3), with U in A^2."""
    crystal = peer("Dans_Diffraction").Crystal()
    crystal.new_cell(cell)
    u, v, w = frac.T
    crystal.new_atoms(
        u=u,
        v=v,
        w=w,
        type=list(types),
        label=list(types),
        occupancy=[1.0] * len(types),
        uiso=[u_iso] * len(types),
    )
    return crystal


def mathematics_call(
    crystals: Sequence[Any], hkl: np.ndarray, form: Floats, debye_waller: Floats
) -> Run:
    """Return a call for q, r and the sum of each crystal, (crystals, m).

    Form factors and Debye-Waller factors (m, n) are given.
    """
    sf_atom = peer("Dans_Diffraction.functions_scattering").sf_atom
    occupancy = np.ones(form.shape[1])

    def run() -> np.ndarray:
        answers = []
        for crystal in crystals:
            q = crystal.Cell.calculateQ(hkl)
            r = crystal.Cell.calculateR(crystal.Structure.get()[0])
            f = sf_atom(q, r, scattering_factor=form, occ=occupancy, debyewaller=debye_waller)
            answers.append(f)
        return np.array(answers)

    return run
