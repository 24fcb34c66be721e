"""The derivative of a loss by the form factors, on the CPU.

F(h) = sum_r f_r(h) A_r(h) is linear in the form factors f_r of the scatterers r. With g = dL/dRe F
+ i dL/dIm F, dL/df = Re(conj(g) A) for real f and g conj(A) for complex f, summed over the crystals
that share a row. A_r, the sum over the atoms of one scatterer without their form factor, is a
structure factor itself: every pair of a crystal and a scatterer becomes a crystal of its own, with
f = 1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from argand import _seam
from argand._memory import demand
from argand._seam import Batch, row_pointers


def form_gradient(batch: Batch, g: NDArray[Any]) -> NDArray[Any]:
    """Compute the derivative of a real loss by the form factors of a batch.

    The batch is checked by the seam; `g` is not checked: only argand calls this.

    Parameters
    ----------
    batch
        A batch of numpy arrays.
    g
        dL/dRe F + i dL/dIm F, in the shape and dtype of F.

    Returns
    -------
    dL/dform, in the shape and dtype of `batch.form`.

    Raises
    ------
    MemoryLimitError
        The sums without form factors take more than a call may take.
    """
    gradient: NDArray[Any] = np.zeros_like(batch.form)
    atoms_of_crystal = np.diff(batch.atom_ptr)
    crystal_of_atom = np.repeat(np.arange(batch.crystals), atoms_of_crystal)
    by_pair = np.lexsort([batch.scatterer, crystal_of_atom])
    pair_of_atom = np.stack([crystal_of_atom, batch.scatterer])[:, by_pair]
    pairs, first_atom = np.unique(pair_of_atom, axis=1, return_index=True)
    if not len(first_atom):
        return gradient
    crystal_of_pair, row_of_pair = pairs
    atom_ptr = np.append(first_atom, len(by_pair)).astype(np.int64)
    unweighted = _one_scatterer_each(batch, by_pair, atom_ptr, crystal_of_pair)
    numbers = math.prod(unweighted.out_shape)
    demand(
        f"the derivative by form factors, {numbers:,} sums",
        2 * batch.frac.itemsize * numbers,
        "give fewer crystals",
    )
    sums_dtype = np.result_type(batch.frac.dtype, np.complex64)
    sums = np.empty(unweighted.out_shape, sums_dtype)
    _seam.structure_factors(unweighted, sums)
    by_complex = np.iscomplexobj(gradient)
    sums_of_pair = _rows(sums, unweighted.hkl_ptr)
    g_of_crystal = _rows(g, batch.hkl_ptr)
    for crystal, row, pair_sums in zip(crystal_of_pair, row_of_pair, sums_of_pair, strict=True):
        product = g_of_crystal[crystal] * pair_sums.conj()
        start = batch.form_ptr[row]
        entries = gradient[start : start + len(product)]
        entries += product if by_complex else product.real
    return gradient


def _rows(values: NDArray[Any], hkl_ptr: NDArray[np.int64] | None) -> list[NDArray[Any]]:
    """Cut values at the reflections of several crystals into one flat array for each crystal."""
    if hkl_ptr is None:
        return list(values.reshape(len(values), -1))
    return np.split(values, hkl_ptr[1:-1])


def _one_scatterer_each(
    batch: Batch,
    atom_order: NDArray[np.intp],
    atom_ptr: NDArray[np.int64],
    crystal_of_pair: NDArray[np.intp],
) -> Batch:
    """Make a batch whose crystals are the pairs of a crystal and a scatterer, with f = 1.

    Parameters
    ----------
    batch
        The batch whose pairs are taken apart.
    atom_order
        Its atoms sorted by pair (atoms,).
    atom_ptr
        The first of the sorted atoms of each pair (pairs + 1,).
    crystal_of_pair
        The crystal of each pair (pairs,), whose reflections it has.
    """
    hkl, hkl_ptr = batch.hkl, None
    longest_list = math.prod(batch.out_shape[1:])
    if batch.hkl_ptr is not None:
        assert batch.hkl is not None
        lists = _rows(batch.hkl, batch.hkl_ptr)
        lists_of_pairs = [lists[crystal] for crystal in crystal_of_pair]
        lengths = [len(orders) for orders in lists_of_pairs]
        hkl, hkl_ptr = np.concatenate(lists_of_pairs), row_pointers(lengths)
        longest_list = max(lengths)
    return _seam.make_batch(
        frac=batch.frac[atom_order],
        form=np.ones((1, longest_list), batch.frac.dtype),
        hkl=hkl,
        box=batch.box,
        beta=None if batch.beta is None else batch.beta[atom_order],
        occ=None if batch.occ is None else batch.occ[atom_order],
        scatterer=np.zeros(len(atom_order), np.int32),
        atom_ptr=atom_ptr,
        hkl_ptr=hkl_ptr,
    )
