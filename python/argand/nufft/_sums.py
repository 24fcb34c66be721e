"""Structure factors by a low-rank basis and non-uniform transforms, and their adjoint."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand.cell import FloatArray, beta_from_u_aniso
from argand.completion import independent_part
from argand.crystal import Crystal
from argand.nufft import _device, _transforms
from argand.nufft._basis import Basis
from argand.nufft._choice import check
from argand.nufft._pairs import Complex, Reflections, Strengths, pairs_of
from argand.nufft._prepare import Prepared, Term, prepare
from argand.nufft._threads import sequential_blas
from argand.reflections import as_hkl


class Gradients(NamedTuple):
    """Derivatives of a real loss by the parameters of every atom."""

    frac: FloatArray  # (n, 3)
    b_iso: FloatArray  # (n,), of anisotropic atoms by a B that is added to the tensor
    occ: FloatArray  # (n,)
    u_aniso: FloatArray | None = (
        None  # (n, 6) by U of every atom, isotropic ones too; where it was asked for
    )


def structure_factors(
    crystal: Crystal,
    hkl: ArrayLike,
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    eps: float = 1e-6,
) -> NDArray[np.complex128]:
    """F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(2 pi i h.x_j), (m,), of a crystal of any space group.

    Parameters
    ----------
    crystal, table, energy_kev : as in `argand.structure_factors`
    hkl : (m, 3) whole numbers in any order
    eps : error over the root mean square of F at low angles (see `argand.nufft`), 1e-12 to 1e-2

    Raises
    ------
    ImportError
        finufft is not installed.
    MemoryLimitError
        The box around hkl is too large, see `argand.memory_limit`; says how large.
    """
    indices = as_hkl(hkl)
    part, completion = independent_part(crystal, real_form=energy_kev is None)
    return completion.complete(sum_in_p1(part, indices, table, energy_kev, eps), indices)


@sequential_blas()
def sum_in_p1(
    crystal: Crystal, hkl: NDArray[np.int32], table: str, energy_kev: float | None, eps: float
) -> NDArray[np.complex128]:
    """The same of a crystal in P 1, at a contiguous list."""
    reflections = Reflections.of(hkl, crystal.cell)
    check(crystal, reflections, eps)
    if not len(hkl) or not len(crystal.types):
        return np.zeros(len(hkl), np.complex128)
    given = prepare(crystal, reflections, table, energy_kev, eps)
    f, *others = (_forward(given, term) for term in given.terms)
    for term, other in zip(given.terms[1:], others, strict=True):
        f += term.factor * other
    return f


@sequential_blas()
def vjp(
    crystal: Crystal,
    hkl: ArrayLike,
    g: ArrayLike,
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    eps: float = 1e-6,
    by_tensors: bool = False,
) -> Gradients:
    """Derivatives of a real loss L, given g = dL/dRe F + i dL/dIm F of every reflection (m,).

    dL/dp_j = Re sum_h conj(g(h)) dF(h)/dp_j: type 2 transforms of g v_r, four for two ranks. They are derivatives of
    what `structure_factors` computes. Errors are about eps |g| max|f| by occupancy, and larger for positions and B by
    2 pi |h| and stol^2 at the end of the list.

    The crystal must be in P 1 (`Crystal.to_p1`), as the parameters of symmetry images are not free. `by_tensors` asks
    for derivatives by U_cif too: six transforms more.
    """
    indices = as_hkl(hkl)
    if len(crystal.symops) != 1:
        raise ValueError(
            f"crystal has {len(crystal.symops)} symmetry operations, needs P 1: crystal.to_p1()"
        )
    by_f = np.asarray(g, dtype=np.complex128)
    if by_f.shape != (len(indices),):
        raise ValueError(f"g has shape {by_f.shape}, needs ({len(indices)},): one for each of hkl")
    reflections = Reflections.of(indices, crystal.cell)
    check(crystal, reflections, eps)
    n = len(crystal.types)
    result = Gradients(
        np.zeros((n, 3)), np.zeros(n), np.zeros(n), np.zeros((n, 6)) if by_tensors else None
    )
    if n and by_f.any():
        given = prepare(crystal, reflections, table, energy_kev, eps, differentiable=True)
        for term in given.terms:
            parts = _backward(given, term, np.conj(term.factor) * by_f, eps, by_tensors)
            for total, part in zip(result, parts, strict=True):
                if total is not None and part is not None:
                    total += part
    return result


def _forward(given: Prepared, term: Term) -> NDArray[np.complex128]:
    """The error of a transform is that of its strengths at random phases, eps sqrt(sum c^2)."""
    atoms, points = given.atoms, given.points
    count = None if points.weight is None else points.per_atom(points.weight)
    u, squares = term.basis.strengths(atoms.kind, points.b, atoms.occ, count)
    pairs = pairs_of(_size(term.basis, squares), given.tolerance, given.reflections.reach)
    forward = _device.forward if _device.usable() else _transforms.forward
    return forward(
        points.frac, Strengths(u, points.atom, points.weight), pairs, term.basis, given.reflections
    )


def _backward(given: Prepared, term: Term, g: Complex, eps: float, by_tensors: bool) -> Gradients:
    """With W_r(x) = Re sum_h conj(g) v_r exp(2 pi i h.x): dL/docc = sum_r u_r W_r, and likewise by the others."""
    atoms, points, basis = given.atoms, given.points, term.basis
    reach = given.reflections.reach
    once, a = _half(given.reflections.hkl, reach, g)
    half = given.reflections._replace(hkl=given.reflections.hkl[once], q=given.reflections.q[once])
    h = half.hkl.T.astype(np.float64)
    # What stands beside the term in its derivative: 1 by occupancy, 2 pi i h by position, -h_i h_j by beta
    beside: list[Complex | FloatArray | None] = [None, *(2j * np.pi * h)]
    if by_tensors:
        beside += [
            -h[i] * h[j] * (1 if i == j else 2)
            for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
        ]
    u, _ = basis.strengths(atoms.kind, points.b)
    by_b = basis.strengths_by_b(atoms.kind, points.b)
    backward = (_device.Backward if _device.usable() else _transforms.Backward)(
        points.frac, basis, half
    )
    sums: FloatArray = np.zeros((1 + len(beside), len(points.frac)))  # by B, then as `beside`
    for pair in pairs_of(np.maximum(_share(basis, u), _share(basis, by_b)), 0.5 * eps, reach):
        one, two = (points.of_atoms(row) for row in u[pair.ranks])
        for row, factor in enumerate(beside, 1):
            field = backward(pair, a if factor is None else a * factor)
            sums[row] += one * field.real + two * field.imag
            if factor is None:
                one_b, two_b = (points.of_atoms(row) for row in by_b[pair.ranks])
                sums[0] += one_b * field.real + two_b * field.imag
    b, occ, x, y, z, *beta = (points.per_atom(row) for row in sums)
    by_place = atoms.occ[:, None] * np.stack([x, y, z], axis=1)
    by_u = (
        beta_from_u_aniso(atoms.occ[:, None] * np.stack(beta, axis=1), atoms.cell)
        if by_tensors
        else None
    )
    return Gradients(by_place, atoms.occ * b, occ, by_u)


def _size(basis: Basis, squares: FloatArray) -> FloatArray:
    """How much each pair adds to a sum: squares of strengths (rank,) times the largest ones of its functions."""
    size = squares * np.square(basis.vectors).max(axis=0, initial=0.0)
    return np.asarray(np.sqrt(size.reshape(-1, 2).sum(axis=1)))


def _share(basis: Basis, u: FloatArray) -> FloatArray:
    """How much each pair adds to the largest value among all atoms."""
    whole = float(np.abs(basis.vectors @ u).max(initial=1e-300))
    return np.asarray(_size(basis, np.square(u).max(axis=1, initial=0.0)) / whole)


def _half(
    hkl: NDArray[np.int32], reach: tuple[int, int, int], g: Complex
) -> tuple[NDArray[np.intp], Complex]:
    """One reflection of each Friedel pair, and half the sum of conj(g) that falls to it: F(-h) = conj F(h)."""
    _, k, l = (2 * n + 1 for n in reach)
    index = hkl.astype(np.intp) @ np.array([k * l, l, 1])  # of -h it is the negative
    _, once, place = np.unique(np.abs(index), return_index=True, return_inverse=True)
    same = np.where(index == index[once][place], g.conj(), g)
    a = np.bincount(place, 0.5 * same.real) + 1j * np.bincount(place, 0.5 * same.imag)
    return once, a.astype(np.complex128)
