"""What all samples of a crystal share, as tensors that are gathered by crystal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from argand.crystal import Crystal
from argand.reflections import hkl_cube, reachable, stol
from argand.structure_factors import pack

__all__ = ["Tables", "make_tables"]


class Tables(NamedTuple):
    """n crystals in P 1 on one cube, D = 2H + 1."""

    atom_ptr: Tensor  # (n + 1,) int64
    frac: Tensor  # (atoms, 3) float64
    occ: Tensor | None  # (atoms,) float32; None: all 1
    beta: Tensor | None  # (atoms, 6) float32; None: at rest
    scatterer: Tensor  # (atoms,) int32, row of form
    form: Tensor  # (rows, D^3) float32
    in_phase: Tensor  # (n, D, D, D) float32, 1 / sum_j occ_j |f_j|
    reach: Tensor  # (n, D, D, D) bool: d >= lambda/2 and not 000
    stol2: Tensor  # (n, D, D, D) float32


def make_tables(crystals: Sequence[Crystal], hkl_max: int, energy_kev: float | None, table: str) -> Tables:
    """Tables of crystals that are already in P 1; without an energy every reflection but 000 is in reach."""
    hkl = hkl_cube(hkl_max)
    cube = (2 * hkl_max + 1,) * 3
    packed = pack(crystals, hkl, table=table, dtype="float32")
    form = packed.form.reshape(-1, len(hkl))
    in_phase = np.empty((len(crystals), len(hkl)), np.float32)
    reach = np.empty((len(crystals), len(hkl)), np.bool_)
    stol2 = np.empty((len(crystals), len(hkl)), np.float32)
    for c, crystal in enumerate(crystals):
        atoms = slice(packed.atom_ptr[c], packed.atom_ptr[c + 1])
        content = np.bincount(packed.scatterer[atoms], weights=packed.occ[atoms], minlength=len(form))
        kinds = np.flatnonzero(content)
        in_phase[c] = 1.0 / (content[kinds] @ np.abs(form[kinds]))
        reach[c] = hkl.any(axis=1) & (energy_kev is None or reachable(hkl, crystal.cell, energy_kev))
        stol2[c] = stol(hkl, crystal.cell) ** 2
    everywhere = bool(np.all(packed.occ == 1.0))
    return Tables(
        atom_ptr=torch.from_numpy(packed.atom_ptr),
        frac=torch.from_numpy(np.concatenate([crystal.frac for crystal in crystals])),
        occ=None if everywhere else torch.from_numpy(packed.occ),
        beta=None if packed.beta is None else torch.from_numpy(packed.beta),
        scatterer=torch.from_numpy(packed.scatterer),
        form=torch.from_numpy(form),
        in_phase=torch.from_numpy(in_phase).view(-1, *cube),
        reach=torch.from_numpy(reach).view(-1, *cube),
        stol2=torch.from_numpy(stol2).view(-1, *cube),
    )
