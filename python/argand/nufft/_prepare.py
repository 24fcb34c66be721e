"""What both directions need: the points of a crystal, and for each part of f a basis at the reflections."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from argand.cell import FloatArray
from argand.crystal import Crystal
from argand.form_factors import form_factors, gaussians
from argand.nufft._atoms import Atoms, Points, atoms_of, points_of
from argand.nufft._basis import Basis, Form, basis_of, extremes_of, family_on, sample_of, wilson
from argand.nufft._pairs import Reflections

# Shares of eps S: root mean squares, of which the largest error among a million reflections is four times.
_TRANSFORMS, _BASIS, _QUADRATURE = 0.3, 0.2, 0.4


class Term(NamedTuple):
    """The real part of f (factor 1), or its imaginary part (factor i), and its basis."""

    factor: complex
    basis: Basis


class Prepared(NamedTuple):
    atoms: Atoms
    points: Points
    reflections: Reflections
    terms: list[Term]
    tolerance: float  # of the transforms of one term


def prepare(
    crystal: Crystal,
    reflections: Reflections,
    table: str,
    energy_kev: float | None,
    eps: float,
    differentiable: bool = False,
) -> Prepared:
    """For a crystal in P 1 with at least one atom, and at least one reflection.

    What a basis lacks shows more in dg/dB than in g: it gets one digit more where it is to be differentiated.
    """
    atoms, points = atoms_of(crystal), Points(crystal.b_iso, crystal.frac)
    extremes = extremes_of(atoms.kind, atoms.b_iso, atoms.occ)
    widths = np.array([gaussians(kind, table)[1].max() for kind in atoms.kinds])
    sharpest = float((widths[extremes.kind] + extremes.most).max())
    parts = _parts(atoms.kinds, table, energy_kev)
    families = [family_on(form, reflections.interval, sharpest, eps) for _, form in parts]
    samples = [sample_of(family, atoms.kind, atoms.b_iso, atoms.occ) for family in families]
    share = eps * max(wilson(samples), 1e-300) / np.sqrt(len(parts))
    if atoms.u_aniso is not None:
        modulus = np.sqrt(np.sum([np.square(family.form) for family in families], axis=0))
        quadrature = _QUADRATURE * share / max(float(np.linalg.norm(atoms.occ)), 1e-300)
        points = points_of(atoms, families[0].q, modulus, quadrature)
        extremes = extremes_of(atoms.kind, points.b, atoms.occ)
        samples = [sample_of(family, atoms.kind, points.b, atoms.occ) for family in families]
    tolerance = (0.1 if differentiable else 1.0) * _BASIS * share
    terms = [
        Term(factor, basis_of(family, sample, extremes, eps, tolerance))
        for (factor, _), family, sample in zip(parts, families, samples, strict=True)
    ]
    return Prepared(atoms, points, reflections, terms, _TRANSFORMS * share)


def _parts(
    kinds: tuple[str, ...], table: str, energy_kev: float | None
) -> list[tuple[complex, Form]]:
    """f0 + f' is a real function, f'' another: each keeps F(-h) = conj F(h), and with it two in one transform."""

    def f(stol: FloatArray) -> NDArray[Any]:
        return form_factors(kinds, stol, table=table, energy_kev=energy_kev)

    real: tuple[complex, Form] = (1.0, lambda stol: np.ascontiguousarray(f(stol).real))
    imaginary: tuple[complex, Form] = (1j, lambda stol: np.ascontiguousarray(f(stol).imag))
    return [real] if energy_kev is None else [real, imaginary]
