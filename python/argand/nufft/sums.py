"""Sum structure factors by a low-rank basis and non-uniform transforms, and their derivatives."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from argand._numbers import complex_array
from argand.cell import FloatArray, beta_from_u_aniso
from argand.completion import independent_part
from argand.crystal import Crystal
from argand.form_factors import Corrections, form_factors, gaussians
from argand.nufft import device, transforms
from argand.nufft.atoms import Points, points_of_atoms, type_numbers
from argand.nufft.basis import (
    Basis,
    fit_basis,
    rms_amplitude,
    sample_points,
    sample_scattering,
    type_ranges,
)
from argand.nufft.choice import require_usable
from argand.nufft.pairs import Complex, HklList, IntArray, Reach, Sources, angles, choose_accuracies
from argand.nufft.threads import sequential_blas
from argand.reflections import as_hkl

# Shares of eps S that the three steps may use. They are root mean squares: the largest error among
# a million reflections is four times as large.
_TRANSFORM_SHARE = 0.3
_BASIS_SHARE = 0.2
_QUADRATURE_SHARE = 0.4
# The error of a basis shows more in dg/dB than in g: derivatives take a basis with one digit more.
_DERIVATIVE_SHARE = 0.1
# Accuracy of the transforms of derivatives, as a share of eps.
_BACKWARD_SHARE = 0.5
# Factors of the real and of the imaginary part of the form factors.
_PART_FACTORS = (1.0, 1j)
# Rows and columns of the six numbers of beta: 11 22 33 12 13 23.
_BETA_INDICES = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
# Keeps quotients finite where nothing scatters.
_TINY = 1e-300


class Gradients(NamedTuple):
    """Hold derivatives of a real loss by the parameters of n atoms."""

    frac: FloatArray  # (n, 3)
    b_iso: FloatArray  # (n,), of an anisotropic atom by a B that is added to its tensor
    occ: FloatArray  # (n,)
    # (n, 6) by U of every atom, isotropic ones too; None where it was not asked for
    u_aniso: FloatArray | None = None


def structure_factors(
    crystal: Crystal,
    hkl: ArrayLike,
    *,
    table: str = "it92",
    energy_kev: float | None = None,
    eps: float = 1e-6,
) -> NDArray[np.complex128]:
    """Compute structure factors (m,) of a crystal in any space group by non-uniform transforms.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(2 pi i h.x_j), in electrons.

    Parameters
    ----------
    crystal, table, energy_kev
        As in `argand.structure_factors`.
    hkl : (m, 3)
        Integer Miller indices in any order.
    eps : float
        Largest error divided by the root mean square of F at low angles (see `argand.nufft`),
        1e-11 to 1e-2.

    Raises
    ------
    ImportError
        finufft is not installed.
    MemoryLimitError
        The box around hkl takes more than `argand.memory_limit` allows; the message says how much.
    """
    indices = as_hkl(hkl)
    part, completion = independent_part(crystal, real_form=energy_kev is None)
    return completion.complete(sum_in_p1(part, indices, table, energy_kev, eps), indices)


@sequential_blas()
def sum_in_p1(
    crystal: Crystal,
    hkl: NDArray[np.int32],
    table: str,
    energy_kev: float | None,
    eps: float,
    corrections: Corrections = (),
) -> NDArray[np.complex128]:
    """Compute structure factors (m,) of a crystal in P 1 at a contiguous list hkl (m, 3).

    Parameters
    ----------
    crystal : Crystal
        Its symmetry operations are not looked at.
    hkl : (m, 3)
        Integer Miller indices in any order.
    table, energy_kev
        As in `argand.structure_factors`.
    eps : float
        Largest error divided by the root mean square of F at low angles.
    corrections
        (element, f', f'') in electrons at this energy, instead of the tabulated ones.
    """
    hkl_list = HklList.of(hkl, crystal.cell)
    require_usable(crystal, len(hkl), hkl_list.reach, eps)
    if not len(hkl) or not len(crystal.types):
        return np.zeros(len(hkl), np.complex128)
    points, bases, tolerance = _prepare(
        crystal, hkl_list, table, energy_kev, eps, corrections=corrections
    )
    f = _forward(crystal, points, bases[0], hkl_list, tolerance)
    for factor, basis in zip(_PART_FACTORS[1:], bases[1:], strict=False):
        f += factor * _forward(crystal, points, basis, hkl_list, tolerance)
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
    """Compute the derivatives of a real loss L by the parameters of every atom.

    dL/dp_j = Re sum_h conj(g(h)) dF(h)/dp_j is computed by type 2 transforms of g v_r, four for two
    functions of the basis. The errors are about eps |g| max|f| for occupancies; for positions and
    B they are larger by 2 pi |h| and stol^2 at the end of the list.

    Parameters
    ----------
    crystal : Crystal
        In P 1 (`Crystal.to_p1`), because the parameters of symmetry images are not free.
    hkl : (m, 3)
        Integer Miller indices in any order.
    g : (m,)
        dL/dRe F + i dL/dIm F of every reflection.
    table, energy_kev
        As in `argand.structure_factors`.
    eps : float
        Accuracy, 1e-11 to 1e-2.
    by_tensors : bool
        Whether derivatives by U are wanted too, which takes six transforms more.

    Raises
    ------
    ValueError
        The crystal is not in P 1, or g does not have one value for each reflection.
    ImportError
        finufft is not installed.
    """
    indices = as_hkl(hkl)
    if len(crystal.symops) != 1:
        raise ValueError(
            f"crystal has {len(crystal.symops)} symmetry operations, needs P 1: crystal.to_p1()"
        )
    by_f = complex_array("g", g)
    if by_f.shape != (len(indices),):
        raise ValueError(f"g has shape {by_f.shape}, needs ({len(indices)},): one for each of hkl")
    hkl_list = HklList.of(indices, crystal.cell)
    require_usable(crystal, len(indices), hkl_list.reach, eps)

    n = len(crystal.types)
    totals = Gradients(
        frac=np.zeros((n, 3)),
        b_iso=np.zeros(n),
        occ=np.zeros(n),
        u_aniso=np.zeros((n, 6)) if by_tensors else None,
    )
    if not n or not by_f.any():
        return totals
    points, bases, _ = _prepare(crystal, hkl_list, table, energy_kev, eps, differentiable=True)
    for factor, basis in zip(_PART_FACTORS, bases, strict=False):
        g_of_part = np.conj(factor) * by_f
        gradients = _backward(crystal, points, basis, hkl_list, g_of_part, eps, by_tensors)
        for total, gradient in zip(totals, gradients, strict=True):
            if total is not None and gradient is not None:
                total += gradient
    return totals


def _prepare(
    crystal: Crystal,
    hkl_list: HklList,
    table: str,
    energy_kev: float | None,
    eps: float,
    differentiable: bool = False,
    corrections: Corrections = (),
) -> tuple[Points, list[Basis], float]:
    """Find the points of a crystal's atoms, and a basis for the real and imaginary part of f.

    The crystal has at least one atom and the list at least one reflection. f0 + f' is a real
    function and f'' another: each keeps F(-h) = conj F(h), which lets two sums share a transform.
    The second result has one basis without dispersion, and two with it. The third is the largest
    root mean square error of the transforms of one part, in electrons.
    """
    types, numbers = type_numbers(crystal)
    steepest_f = np.empty(len(types))
    for number, symbol in enumerate(types):
        _, widths = gaussians(symbol, table)
        steepest_f[number] = widths.max()
    sharpest = float((steepest_f[numbers] + crystal.b_iso).max())
    q = sample_points(hkl_list.interval, sharpest, eps)
    form = form_factors(types, np.sqrt(q), table, energy_kev, corrections)
    forms = [np.ascontiguousarray(form.real)]
    if energy_kev is not None:
        forms.append(np.ascontiguousarray(form.imag))

    points = Points(crystal.b_iso, crystal.frac)
    samples = _samples(q, forms, numbers, points.b_iso, crystal.occ)
    error_of_part = eps * max(rms_amplitude(samples), _TINY) / np.sqrt(len(forms))
    if crystal.u_aniso is not None:
        squares = [np.square(part) for part in forms]
        modulus = np.sqrt(np.sum(squares, axis=0))
        norm_of_occ = max(float(np.linalg.norm(crystal.occ)), _TINY)
        error_of_atom = _QUADRATURE_SHARE * error_of_part / norm_of_occ
        points = points_of_atoms(crystal, q, modulus, error_of_atom)
        samples = _samples(q, forms, numbers, points.b_iso, crystal.occ)

    ranges = type_ranges(numbers, points.b_iso, crystal.occ)
    digit = _DERIVATIVE_SHARE if differentiable else 1.0
    tolerance = digit * _BASIS_SHARE * error_of_part
    bases = []
    for part, sample in zip(forms, samples, strict=True):
        bases.append(fit_basis(q, part, sample, ranges, eps, tolerance))
    return points, bases, _TRANSFORM_SHARE * error_of_part


def _samples(
    q: FloatArray, forms: list[FloatArray], numbers: IntArray, b_iso: FloatArray, occ: FloatArray
) -> list[FloatArray]:
    """Return a sample of the scattering of atoms at q for each part of the form factors."""
    return [sample_scattering(q, form, numbers, b_iso, occ) for form in forms]


def _forward(
    crystal: Crystal, points: Points, basis: Basis, hkl_list: HklList, tolerance: float
) -> NDArray[np.complex128]:
    """Sum one part of the form factors over points, with a given error in electrons.

    The error of a transform is eps sqrt(sum c^2), as for strengths c with random phases.
    """
    _, numbers = type_numbers(crystal)
    count = None if points.weight is None else points.sum_by_atom(points.weight)
    strengths, squares = basis.strengths(numbers, points.b_iso, crystal.occ, count)
    contributions = basis.pair_contributions(squares)
    pairs = choose_accuracies(contributions, tolerance, hkl_list.reach)
    sources = Sources(angles(points.frac), strengths, points.atom, points.weight)
    if device.usable():
        return device.forward(sources, pairs, basis, hkl_list)
    return transforms.forward(sources, pairs, basis, hkl_list)


def _backward(
    crystal: Crystal,
    points: Points,
    basis: Basis,
    hkl_list: HklList,
    g: Complex,
    eps: float,
    by_tensors: bool,
) -> Gradients:
    """Compute the derivatives of one part of the form factors.

    With W_r(x) = Re sum_h conj(g) v_r exp(2 pi i h.x), dL/docc = sum_r u_r W_r. Other parameters
    have a factor beside conj(g).
    """
    _, numbers = type_numbers(crystal)
    half, amplitudes = _one_of_each_friedel_pair(hkl_list, g)
    factors = _derivative_factors(half.hkl, by_tensors)
    strengths, _ = basis.strengths(numbers, points.b_iso)
    strengths_by_b = basis.strengths_by_b(numbers, points.b_iso)
    shares = np.maximum(basis.pair_shares(strengths), basis.pair_shares(strengths_by_b))
    backward_type = device.DeviceBackward if device.usable() else transforms.BackwardTransform
    backward = backward_type(angles(points.frac), basis, half)

    by_b = np.zeros(len(points.frac))
    by_factor = np.zeros((len(factors), len(points.frac)))
    for pair in choose_accuracies(shares, _BACKWARD_SHARE * eps, hkl_list.reach):
        u1, u2 = (points.values_of_atoms(row) for row in strengths[pair.ranks])
        for row, factor in enumerate(factors):
            fields = backward.fields(pair, amplitudes if factor is None else amplitudes * factor)
            by_factor[row] += u1 * fields.real + u2 * fields.imag
            if factor is None:
                du1, du2 = (points.values_of_atoms(row) for row in strengths_by_b[pair.ranks])
                by_b += du1 * fields.real + du2 * fields.imag
    occ, x, y, z, *beta = (points.sum_by_atom(row) for row in by_factor)
    occ_column = crystal.occ[:, None]
    by_frac = occ_column * np.stack([x, y, z], axis=1)
    by_u = None
    if by_tensors:
        by_beta = occ_column * np.stack(beta, axis=1)
        by_u = beta_from_u_aniso(by_beta, crystal.cell)
    by_b_iso = crystal.occ * points.sum_by_atom(by_b)
    return Gradients(by_frac, by_b_iso, occ, by_u)


def _derivative_factors(
    hkl: NDArray[np.int32], by_tensors: bool
) -> list[Complex | FloatArray | None]:
    """Return the factors (m,) that derivatives put beside a term of F at hkl (m, 3).

    None for the occupancy, 2 pi i h for the three coordinates, and -h_i h_j for beta (twice off the
    diagonal), 11 22 33 12 13 23.
    """
    h = hkl.T.astype(np.float64)
    factors: list[Complex | FloatArray | None] = [None, *(2j * np.pi * h)]
    if by_tensors:
        for i, j in _BETA_INDICES:
            multiplicity = 1 if i == j else 2
            factors.append(-h[i] * h[j] * multiplicity)
    return factors


def _one_of_each_friedel_pair(hkl_list: HklList, g: Complex) -> tuple[HklList, Complex]:
    """Return one reflection of each Friedel pair, and half the sum of conj(g) that falls to it.

    Since F(-h) = conj F(h), g of a mate counts as its conjugate.
    """
    index = _index_in_box(hkl_list.hkl, hkl_list.reach)
    of_pair = np.abs(index)
    _, first, pair = np.unique(of_pair, return_index=True, return_inverse=True)
    is_first = index == index[first][pair]
    conj_g = np.where(is_first, g.conj(), g)
    real = np.bincount(pair, 0.5 * conj_g.real)
    imaginary = np.bincount(pair, 0.5 * conj_g.imag)
    amplitudes = real + 1j * imaginary
    half = hkl_list._replace(hkl=hkl_list.hkl[first], q=hkl_list.q[first])
    return half, amplitudes.astype(np.complex128)


def _index_in_box(hkl: NDArray[np.int32], reach: Reach) -> IntArray:
    """Number the reflections hkl (m, 3) of a box; -h has the negative number of h."""
    _, k, l = (2 * n + 1 for n in reach)
    strides = np.array([k * l, l, 1])
    return np.asarray(hkl.astype(np.intp) @ strides)
