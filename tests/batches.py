"""Random ragged batches for the tests of the kernels, and their slow truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import oracles
from argand._seam import Batch

COMPLEX = {"float32": np.complex64, "float64": np.complex128}


def random_complex(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex128]:
    """Draw complex numbers whose real and imaginary parts are normally distributed."""
    real = rng.normal(size=shape)
    return real + 1j * rng.normal(size=shape)


def random_batch(
    rng: np.random.Generator,
    *,
    reflections: str,
    atoms: tuple[int, ...] = (5, 0, 1, 20),
    reach: tuple[int, int, int] = (3, 4, 5),
    kinds: int = 3,
    at_rest: bool = False,
    dispersion: bool = False,
    dtype: str = "float64",
) -> Batch:
    """Draw a batch of crystals of the given numbers of atoms.

    `reflections` is "box", "list" (one for all crystals) or "lists" (ragged).
    """
    atom_count = sum(atoms)
    beta = _random_beta(rng, atom_count)
    lists = _random_lists(rng, reflections, len(atoms), reach)
    form_rows = _random_form_rows(rng, lists, kinds, dispersion)
    list_of_crystal = np.zeros(len(atoms), int)
    if reflections == "lists":
        list_of_crystal = np.arange(len(atoms))
    list_of_atom = np.repeat(list_of_crystal, atoms)
    real = np.dtype(dtype)
    frac = rng.uniform(-1, 2, (atom_count, 3)).astype(real)
    occ = rng.uniform(0.1, 1, atom_count).astype(real)
    scatterer = kinds * list_of_atom + rng.integers(0, kinds, atom_count)
    form = np.concatenate([np.zeros(0), *form_rows])
    hkl = np.concatenate([np.zeros((0, 3)), *lists]).astype(np.int32)
    return Batch(
        atom_ptr=pointers(atoms),
        frac=frac,
        beta=None if at_rest else beta.astype(real),
        occ=occ,
        scatterer=scatterer.astype(np.int32),
        form=form.astype(COMPLEX[dtype] if dispersion else real),
        form_ptr=pointers([len(row) for row in form_rows]),
        hkl=None if reflections == "box" else hkl,
        hkl_ptr=pointers([len(orders) for orders in lists]) if reflections == "lists" else None,
        box=reach if reflections == "box" else None,
    )


def _random_beta(rng: np.random.Generator, atoms: int) -> NDArray[np.float64]:
    root = rng.normal(size=(atoms, 3, 3)) * 0.03
    tensor = root @ root.transpose(0, 2, 1)
    rows, columns = [0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]
    return np.ascontiguousarray(tensor[:, rows, columns])


def _random_lists(
    rng: np.random.Generator,
    reflections: str,
    crystals: int,
    reach: tuple[int, int, int],
) -> list[NDArray[np.int32]]:
    box = oracles.box(reach)
    if reflections == "box":
        return [box]
    if reflections == "list":
        return [rng.permutation(box)]
    lists = []
    for _ in range(crystals):
        shuffled = rng.permutation(box)
        lists.append(shuffled[: rng.integers(0, len(box))])
    return lists


def _random_form_rows(
    rng: np.random.Generator,
    lists: Sequence[NDArray[np.int32]],
    kinds: int,
    dispersion: bool,
) -> list[NDArray[Any]]:
    """Draw form factors of every kind of atom at every list; they are even in hkl."""
    rows: list[NDArray[Any]] = []
    for hkl in lists:
        squares = hkl.astype(float) ** 2 @ [0.01, 0.008, 0.006]
        for _ in range(kinds):
            rows.append(rng.uniform(1, 30) * np.exp(-rng.uniform(1, 5) * squares))
    if dispersion:
        for number, row in enumerate(rows):
            rows[number] = row + rng.normal() + 1j * rng.uniform(0, 2)
    return rows


def truth(batch: Batch) -> NDArray[np.complex128]:
    """Compute F of a batch by the definition, in the shape of its output."""
    f_of_crystals = []
    for crystal in range(batch.crystals):
        atoms = slice(batch.atom_ptr[crystal], batch.atom_ptr[crystal + 1])
        hkl = _reflections_of(batch, crystal)
        starts = batch.form_ptr[batch.scatterer[atoms]]
        form = np.zeros((len(starts), len(hkl)), batch.form.dtype)
        for row, start in zip(form, starts, strict=True):
            row[...] = batch.form[start : start + len(hkl)]
        beta = np.zeros((len(starts), 6)) if batch.beta is None else batch.beta[atoms]
        occ = np.ones(len(starts)) if batch.occ is None else batch.occ[atoms]
        frac = batch.frac[atoms].astype(float)
        f_of_crystals.append(oracles.structure_factors(frac, beta, occ, form, hkl))
    return np.concatenate(f_of_crystals).reshape(batch.out_shape)


def _reflections_of(batch: Batch, crystal: int) -> NDArray[Any]:
    if batch.box:
        return oracles.box(batch.box)
    assert batch.hkl is not None
    if batch.hkl_ptr is None:
        hkl: NDArray[Any] = batch.hkl
    else:
        hkl = batch.hkl[batch.hkl_ptr[crystal] : batch.hkl_ptr[crystal + 1]]
    return hkl


def as_double(batch: Batch) -> Batch:
    """Return a batch in double precision."""
    wider = {np.dtype(np.float32): np.float64, np.dtype(np.complex64): np.complex128}
    fields: dict[str, Any] = {}
    for name, value in batch._asdict().items():
        if isinstance(value, np.ndarray) and value.dtype in wider:
            value = value.astype(wider[value.dtype])
        fields[name] = value
    return Batch(**fields)


def pointers(lengths: Any) -> NDArray[np.int64]:
    """Return where rows of given lengths begin in a flat array, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def worst_error(values: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the largest error of any number over the largest expected magnitude."""
    return float(np.abs(values - expected).max() / np.abs(expected).max())


def assert_close(values: Any, expected: Any, tolerance: float) -> None:
    """Fail where any number differs from the expected one by more than a tolerance."""
    np.testing.assert_allclose(values, expected, rtol=0, atol=tolerance)


def empty_gradients(
    atoms: int,
    dtype: Any = np.float64,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Allocate gradients by frac, beta and occ, full of NaN."""
    by_frac = np.full((atoms, 3), np.nan, dtype)
    by_beta = np.full((atoms, 6), np.nan, dtype)
    by_occ = np.full(atoms, np.nan, dtype)
    return by_frac, by_beta, by_occ
