"""Derivative of a loss by the form factors: F(h) = sum_r f_r(h) A_r(h) is linear in them.

With g = dL/dRe F + i dL/dIm F, dL/df = Re(conj(g) A) for real f and g conj(A) for complex f, summed over the crystals
that share a row. A_r, the sum over the atoms of one scatterer without their form factor, is a structure factor itself:
every (crystal, scatterer) becomes a crystal of its own, with f = 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand._memory import demand
from argand._seam import Batch


def form_gradient(batch: Batch, g: NDArray[Any]) -> NDArray[Any]:
    """dL/dform, of the shape and dtype of ``batch.form``; `batch` holds numpy arrays, g is laid out like its F."""
    gradient: NDArray[Any] = np.zeros_like(batch.form)
    owner = np.repeat(np.arange(batch.crystals), np.diff(batch.atom_ptr))
    order = np.lexsort([batch.scatterer, owner])
    pairs, first = np.unique(
        np.stack([owner, batch.scatterer])[:, order], axis=1, return_index=True
    )
    if not len(first):
        return gradient
    crystal, row = pairs
    alone = _one_scatterer_each(batch, order, np.append(first, len(owner)), crystal)
    numbers = math.prod(alone.out_shape)
    demand(
        f"the derivative by form factors, {numbers:,} sums",
        2 * batch.frac.itemsize * numbers,
        "give fewer crystals",
    )
    a = np.empty(alone.out_shape, np.result_type(batch.frac.dtype, np.complex64))
    _seam.structure_factors(alone, a)
    if batch.hkl_ptr is None:
        sums = list(a.reshape(len(row), -1))
        weights = [g.reshape(batch.crystals, -1)[c] for c in crystal]
    else:
        assert alone.hkl_ptr is not None
        sums = np.split(a, alone.hkl_ptr[1:-1])
        weights = [g[batch.hkl_ptr[c] : batch.hkl_ptr[c + 1]] for c in crystal]
    for r, weight, sum_ in zip(row, weights, sums, strict=True):
        share = weight * sum_.conj()
        start = batch.form_ptr[r]
        gradient[start : start + len(share)] += share if np.iscomplexobj(gradient) else share.real
    return gradient


def _one_scatterer_each(
    batch: Batch, order: NDArray[np.intp], atom_ptr: NDArray[np.intp], crystal: NDArray[np.intp]
) -> Batch:
    hkl, hkl_ptr = batch.hkl, None
    if batch.hkl_ptr is not None:
        assert batch.hkl is not None
        lists = [batch.hkl[batch.hkl_ptr[c] : batch.hkl_ptr[c + 1]] for c in crystal]
        hkl = np.concatenate(lists)
        hkl_ptr = np.concatenate([[0], np.cumsum([len(h) for h in lists])]).astype(np.int64)
        longest = max(map(len, lists))
    else:
        longest = int(np.prod(batch.out_shape[1:]))
    return Batch(
        atom_ptr=atom_ptr.astype(np.int64),
        frac=np.ascontiguousarray(batch.frac[order]),
        beta=None if batch.beta is None else np.ascontiguousarray(batch.beta[order]),
        occ=None if batch.occ is None else np.ascontiguousarray(batch.occ[order]),
        scatterer=np.zeros(len(order), np.int32),
        form=np.ones(longest, batch.frac.dtype),
        form_ptr=np.array([0, longest]),
        hkl=hkl,
        hkl_ptr=hkl_ptr,
        box=batch.box,
    )
