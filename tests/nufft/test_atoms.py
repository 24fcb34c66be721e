"""Anisotropic atoms as isotropic points keep the bound of the quadrature."""

from __future__ import annotations

import numpy as np

import argand
from argand.nufft import atoms
from large_crystals import random_crystal


def test_quadrature_keeps_its_bound():
    """Points give f exp(-h beta h) of each atom to the tolerance."""
    rng = np.random.default_rng(11)
    crystal = random_crystal(rng, atoms=40, anisotropic=1.0)
    hkl = argand.miller_indices(crystal.cell, "P 1", d_min=1.5)
    hkl = hkl[:: len(hkl) // 100]
    q = argand.stol(hkl, crystal.cell) ** 2
    types, _ = atoms.type_numbers(crystal)
    h, k, l = hkl.T.astype(float)
    products = np.stack([h * h, k * k, l * l, 2 * h * k, 2 * h * l, 2 * k * l])
    expected = np.exp(-crystal.beta() @ products)
    sample_q = np.linspace(0, q.max(), 50)
    form = np.ones((len(types), 50))
    for tolerance in (1e-2, 1e-5, 1e-9):
        points = atoms.points_of_atoms(crystal, sample_q, form, tolerance)
        shifts = points.frac - crystal.frac[points.atom]
        waves = points.weight[:, None] * np.exp(2j * np.pi * shifts @ hkl.T)
        sums = np.zeros(expected.shape, complex)
        np.add.at(sums, points.atom, waves)
        damped = sums * np.exp(-np.outer(points.b_iso, q))
        assert np.abs(damped - expected).max() < tolerance
