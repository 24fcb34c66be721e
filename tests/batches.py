"""Random ragged batches for the tests of the kernels, and their slow truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import oracles
from argand._seam import Batch

COMPLEX = {"float32": np.complex64, "float64": np.complex128}


def random_batch(
    rng: np.random.Generator,
    *,
    reflections: str,  # "box", "list" (shared) or "lists" (ragged)
    atoms: tuple[int, ...] = (5, 0, 1, 20),
    reach: tuple[int, int, int] = (3, 4, 5),
    kinds: int = 3,
    at_rest: bool = False,
    dispersion: bool = False,
    dtype: str = "float64",
) -> Batch:
    n = sum(atoms)
    root = rng.normal(size=(n, 3, 3)) * 0.03
    u = root @ root.transpose(0, 2, 1)
    beta = np.stack(
        [u[:, 0, 0], u[:, 1, 1], u[:, 2, 2], u[:, 0, 1], u[:, 0, 2], u[:, 1, 2]], axis=1
    )
    every = oracles.box(reach)
    lists = [every]
    if reflections == "lists":
        lists = [rng.permutation(every)[: rng.integers(0, len(every))] for _ in atoms]
    elif reflections == "list":
        lists = [rng.permutation(every)]
    stol2 = [
        (h.astype(float) ** 2 @ [0.01, 0.008, 0.006]) for h in lists
    ]  # even in h, as form factors are
    form = [
        rng.uniform(1, 30) * np.exp(-rng.uniform(1, 5) * s) for s in stol2 for _ in range(kinds)
    ]
    if dispersion:
        form = [f + rng.normal() + 1j * rng.uniform(0, 2) for f in form]
    own = np.repeat(
        np.arange(len(atoms)) if reflections == "lists" else np.zeros(len(atoms), int), atoms
    )
    real = np.dtype(dtype)
    return Batch(
        atom_ptr=pointers(atoms),
        frac=rng.uniform(-1, 2, (n, 3)).astype(real),
        beta=None if at_rest else beta.astype(real),
        occ=rng.uniform(0.1, 1, n).astype(real),
        scatterer=(kinds * own + rng.integers(0, kinds, n)).astype(np.int32),
        form=np.concatenate([np.zeros(0), *form]).astype(COMPLEX[dtype] if dispersion else real),
        form_ptr=pointers([len(f) for f in form]),
        hkl=None
        if reflections == "box"
        else np.concatenate([np.zeros((0, 3)), *lists]).astype(np.int32),
        hkl_ptr=pointers([len(h) for h in lists]) if reflections == "lists" else None,
        box=reach if reflections == "box" else None,
    )


def truth(batch: Batch) -> NDArray[np.complex128]:
    """F of the batch by the definition, in the shape of its output."""
    result = []
    for c in range(batch.crystals):
        own = slice(batch.atom_ptr[c], batch.atom_ptr[c + 1])
        hkl = oracles.box(batch.box) if batch.box else batch.hkl
        if batch.hkl_ptr is not None:
            hkl = batch.hkl[batch.hkl_ptr[c] : batch.hkl_ptr[c + 1]]
        starts = batch.form_ptr[batch.scatterer[own]]
        form = (
            np.stack([batch.form[s : s + len(hkl)] for s in starts])
            if len(starts)
            else np.zeros((0, len(hkl)))
        )
        beta = np.zeros((len(starts), 6)) if batch.beta is None else batch.beta[own]
        occ = np.ones(len(starts)) if batch.occ is None else batch.occ[own]
        result.append(
            oracles.structure_factors(batch.frac[own].astype(float), beta, occ, form, hkl)
        )
    return np.concatenate(result).reshape(batch.out_shape)


def as_double(batch: Batch) -> Batch:
    wide: dict[str, Any] = {}
    for name, value in batch._asdict().items():
        if isinstance(value, np.ndarray) and value.dtype in (np.float32, np.complex64):
            value = value.astype(np.float64 if value.dtype == np.float32 else np.complex128)
        wide[name] = value
    return Batch(**wide)


def pointers(lengths: Any) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
