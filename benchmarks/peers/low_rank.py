"""Sum the structure factors of many atoms by a few non-uniform transforms.

The scattering of an atom is expanded in a basis,

    f_kind(q) exp(-B q) = sum_r u_r(kind, B) v_r(q),  q = stol^2,

so that F = sum_r v_r T(u_r), with T the transform of the strengths u_r at the positions of the
atoms. u_r is a polynomial in B for each kind of atom; two real strengths share a complex transform.
"""

from __future__ import annotations

from collections.abc import Callable

import gemmi
import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from workloads import Protein
from workloads.common import Complexes, Floats
from workloads.protein import B_RANGE

# Numbers of B and of q at which the scattering of an atom is sampled.
B_NODES = 24
Q_SAMPLES = 160
# Degrees of the polynomials in B and in q: well below the samples, so that the fits are stable.
B_DEGREE = 14
Q_DEGREE = 40


class TransformBasis:
    """The basis for the atoms and reflections of a protein.

    Parameters
    ----------
    work
        The protein.
    tolerance
        Singular values of the samples below this share of the largest are left out.
    """

    def __init__(self, work: Protein, tolerance: float) -> None:
        self.work = work
        b = _mean_b() + _half_range() * chebyshev.chebpts1(B_NODES)
        q = np.linspace(0.0, work.stol2.max(), Q_SAMPLES)
        damping = np.exp(-np.outer(b, q))
        samples = form_factors(work, q)[:, None, :] * damping
        matrix = samples.reshape(-1, Q_SAMPLES)
        u, s, vt = np.linalg.svd(matrix, full_matrices=False)
        rank = int(np.count_nonzero(s > tolerance * s[0]))
        # An even number, since two functions share a transform.
        rank += rank % 2
        strengths = u[:, :rank] * s[:rank]
        of_kinds = strengths.reshape(len(work.kinds), B_NODES, rank)
        unit_b = _unit(b)
        self.in_b = [chebyshev.chebfit(unit_b, of_kind, B_DEGREE) for of_kind in of_kinds]
        self.q_max = q[-1]
        unit_q = self._unit_q(q)
        self.in_q = chebyshev.chebfit(unit_q, vt[:rank].T, Q_DEGREE)
        self.pairs = rank // 2
        self.members = []
        for kind in range(len(work.kinds)):
            self.members.append(np.flatnonzero(work.kind == kind))
        reach = np.abs(work.hkl).max(axis=0)
        self.shape = tuple((2 * reach + 1).tolist())
        # Index in a flat box of each reflection, and of its Friedel mate.
        h, k, l = (work.hkl + reach).T
        self.index = np.ravel_multi_index((h, k, l), self.shape)
        self.mate_index = np.prod(self.shape) - 1 - self.index

    def strengths(self) -> Complexes:
        """Calculate the complex strengths of the atoms for each transform, (pairs, atoms)."""
        unit_b = _unit(self.work.b_iso)
        u = np.empty((2 * self.pairs, len(unit_b)))
        for members, coefficients in zip(self.members, self.in_b, strict=True):
            u[:, members] = chebyshev.chebval(unit_b[members], coefficients)
        return u[0::2] + 1j * u[1::2]

    def collect(self, boxes: Callable[[int], NDArray[np.complex128]]) -> Complexes:
        """Sum F (m,) from the transforms, boxes(pair), of pairs of strengths."""
        v = chebyshev.chebval(self._unit_q(self.work.stol2), self.in_q)
        total = np.zeros(len(self.index), np.complex128)
        for pair in range(self.pairs):
            box = boxes(pair).ravel()
            at_hkl = box[self.index]
            at_mate = box[self.mate_index].conj()
            # The transforms of the real and of the imaginary part of the strengths.
            first = 0.5 * (at_hkl + at_mate)
            second = -0.5j * (at_hkl - at_mate)
            total += v[2 * pair] * first
            total += v[2 * pair + 1] * second
        return total

    def _unit_q(self, q: Floats) -> Floats:
        """Map q in 1/A^2 to -1 .. 1."""
        return 2 * q / self.q_max - 1


def form_factors(work: Protein, q: Floats) -> Floats:
    """Calculate form factors (kinds, samples) at q = stol^2 in 1/A^2 from gemmi's tables."""
    tables = [gemmi.Element(kind).it92 for kind in work.kinds]
    rows = []
    for table in tables:
        gaussians = np.exp(-np.outer(table.b, q))
        rows.append(np.array(table.a) @ gaussians + table.c)
    return np.stack(rows)


def _mean_b() -> float:
    return (B_RANGE[0] + B_RANGE[1]) / 2


def _half_range() -> float:
    return (B_RANGE[1] - B_RANGE[0]) / 2


def _unit(b: Floats) -> Floats:
    """Map B in A^2 to -1 .. 1."""
    return (b - _mean_b()) / _half_range()
