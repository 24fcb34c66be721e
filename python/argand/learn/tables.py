"""What all samples of a crystal share, as arrays that are gathered by crystal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from argand.crystal import Crystal
from argand.radiation import reachable
from argand.reflections import hkl_cube, stol
from argand.torch import tensors

__all__ = ["Tables", "make_tables"]


class Tables(NamedTuple):
    """n crystals in P 1 on one cube, D = 2H + 1."""

    atom_ptr: NDArray[np.int64]  # (n + 1,)
    frac: NDArray[np.float64]  # (atoms, 3)
    occ: NDArray[np.float32] | None  # (atoms,); None: all 1
    beta: NDArray[np.float32] | None  # (atoms, 6); None: at rest
    scatterer: NDArray[np.int32]  # (atoms,) row of form
    form: NDArray[np.float32]  # (rows, D^3) float32
    in_phase: NDArray[np.float32]  # (n, D, D, D) 1 / sum_j occ_j |f_j|
    reach: NDArray[np.bool_]  # (n, D, D, D) d >= lambda/2 and not 000
    stol2: NDArray[np.float32]  # (n, D, D, D)


def make_tables(
    crystals: Sequence[Crystal], hkl_max: int, energy_kev: float | None, table: str
) -> Tables:
    """Tables of crystals that are already in P 1; without an energy every reflection but 000 is in reach."""
    hkl = hkl_cube(hkl_max)
    cube = (2 * hkl_max + 1,) * 3
    packed = tensors(crystals, hkl, table=table, dtype=torch.float32)
    atom_ptr, scatterer = packed["atom_ptr"].numpy(), packed["scatterer"].numpy()
    form = packed["form"].view(-1, len(hkl)).numpy()
    in_phase = np.empty((len(crystals), len(hkl)), np.float32)
    reach = np.empty((len(crystals), len(hkl)), np.bool_)
    stol2 = np.empty((len(crystals), len(hkl)), np.float32)
    for c, crystal in enumerate(crystals):
        rows = scatterer[atom_ptr[c] : atom_ptr[c + 1]]
        content = np.bincount(rows, weights=crystal.occ, minlength=len(form))
        kinds = np.flatnonzero(content)
        in_phase[c] = 1.0 / (content[kinds] @ np.abs(form[kinds]))
        reach[c] = hkl.any(axis=1) & (
            energy_kev is None or reachable(hkl, crystal.cell, energy_kev)
        )
        stol2[c] = stol(hkl, crystal.cell) ** 2
    full = all(bool(np.all(crystal.occ == 1.0)) for crystal in crystals)
    return Tables(
        atom_ptr=atom_ptr,
        frac=np.concatenate([crystal.frac for crystal in crystals]),
        occ=None if full else packed["occ"].numpy(),
        beta=packed["beta"].numpy() if "beta" in packed else None,
        scatterer=scatterer,
        form=form,
        in_phase=in_phase.reshape(-1, *cube),
        reach=reach.reshape(-1, *cube),
        stol2=stol2.reshape(-1, *cube),
    )
