"""An atom that the known crystal lacks: its model, its starts, and when it is sensible."""

from __future__ import annotations

import numpy as np

import argand
from argand.estimate import LeastSquares, with_atom
from argand.estimate.difference import DifferenceMap
from argand.estimate.further_atom import WithFurtherAtom
from argand.estimate.observed import Observed
from argand.refine import GaussianPrior, Model, refine


def with_further_atom(known: argand.Crystal, d_min: float, element: str) -> WithFurtherAtom:
    """Make the model of a crystal with a further atom, for reflections to d_min (angstrom)."""
    hkl = argand.miller_indices(known.cell, known.symops, d_min)
    return WithFurtherAtom(DifferenceMap(Model(known, hkl)), element)


def emptiest_place(further: WithFurtherAtom) -> np.ndarray:
    """Return the fractional point, of 400 random ones (seed 31), farthest from all known atoms."""
    points = np.random.default_rng(31).random((400, 3))
    known = further.difference.model.crystal
    _, distance = further.difference.nearest(points, known.frac)
    return points[distance.min(axis=1).argmax()]


def test_f_is_that_of_the_crystal_with_the_atom(crystal: argand.Crystal) -> None:
    """This holds for isotropic and for anisotropic known crystals."""
    u_aniso = np.full((8, 6), np.nan)
    u_aniso[0] = 0.03, 0.02, 0.03, 0.0, 0.005, 0.0
    for known in (crystal, crystal.replace(u_aniso=u_aniso)):
        further = with_further_atom(known, 1.3, "O")
        p = np.zeros(len(further.model))
        p[-5:] = 0.4, -0.3, 1.1, 0.7, 0.8
        atom = further.atom(p)
        assert (atom.type, atom.label, atom.occ) == ("O", "Ox", 0.8)
        f = argand.structure_factors(with_atom(known, atom), further.model.hkl)
        np.testing.assert_allclose(further.model.structure_factors(p), f, atol=1e-8)
        assert with_atom(known, None) is known


def test_starts_at_peaks_that_belong_to_no_atom(crystal: argand.Crystal) -> None:
    """Another atom of the crystal has moved by 0.4 angstrom and leaves a peak as well."""
    further = with_further_atom(crystal, 1.1, "N")
    place = emptiest_place(further)
    axes = further.difference.axes
    general = further.model.crystal.frac[-1]
    p = np.zeros(len(further.model))
    p[0] = 0.4
    p[-5:-2] = axes @ (place - general)
    p[-1] = 1.0
    amplitude = np.abs(further.model.structure_factors(p))
    known_p = np.zeros(len(p) - 5)
    (start,) = further.starts(amplitude, known_p, 1)
    atom = further.atom(start)
    _, distance = further.difference.nearest(atom.frac[None], place[None])
    assert distance[0, 0] < 0.4

    prior = further.prior(GaussianPrior.from_sigma(known_p, 0.4))
    error = np.full_like(amplitude, 0.01 * amplitude.mean())
    refined = refine(further.model, amplitude, error, on="F", start=start, prior=prior)
    assert refined.figures.r1[0] < 0.01
    assert further.is_sensible(refined.p[0])
    nearly_absent = refined.p[0].copy()
    nearly_absent[-1] = 0.05
    assert not further.is_sensible(nearly_absent)
    on_another_atom = refined.p[0].copy()
    on_another_atom[-5:-2] = axes @ (crystal.frac[0] - general)
    assert not further.is_sensible(on_another_atom)


def test_least_squares_find_it_when_asked(crystal: argand.Crystal) -> None:
    """All atoms have moved by about 0.1 angstrom (seed 41)."""
    further = with_further_atom(crystal, 1.0, "O")
    place = emptiest_place(further)
    p = np.zeros(len(further.model))
    rng = np.random.default_rng(41)
    p[:-5] = rng.normal(size=len(p) - 5) * 0.06
    general = further.model.crystal.frac[-1]
    p[-5:-2] = further.difference.axes @ (place - general)
    p[-1] = 0.9
    amplitude = np.abs(further.model.structure_factors(p))[None]
    observed = Observed(further.model.hkl, amplitude, 0.01 * amplitude + 0.01)
    (without,) = LeastSquares(crystal).estimate(observed, refine=True)
    estimator = LeastSquares(crystal, further_atom="O")
    (estimate,) = estimator.estimate(observed, refine=True)
    assert estimate.further is not None
    _, distance = further.difference.nearest(estimate.further.frac[None], place[None])
    assert distance[0, 0] < 0.05
    assert estimate.r < 0.02 < without.r
    assert without.further is None
    assert any("an atom that the known crystal lacks" in flag for flag in estimate.flags)
    assert estimator.fingerprint != LeastSquares(crystal).fingerprint
