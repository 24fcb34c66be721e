"""Crystals whose reflections and phases are computed, for tests of models."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

import argand
from argand.measured import Merged
from argand.radiation import Radiation
from argand.reflections import centric, miller_indices, systematic_absences
from argand.structure_factors import structure_factors

ANGLE = np.arccos(-1.0 / 3.0)


def alcohol() -> argand.Crystal:
    """Make a crystal of 4-methylbenzyl alcohol, C8H10O, with ideal geometry in P 21/c.

    Ring, CH3, CH2 and OH: 9 heavy sites, then 10 hydrogens at the distances that X-rays see.
    """
    third = np.arange(6) * np.pi / 3.0
    circle = np.stack([np.cos(third), np.sin(third), np.zeros(6)], axis=1)
    methyl = np.array([1.39 + 1.51, 0.0, 0.0])
    methylene = -methyl
    oxygen = methylene + 1.42 * np.array([-1.0 / 3.0, 0.0, np.sqrt(8.0) / 3.0])
    heavy = [*(1.39 * circle), methyl, methylene, oxygen]
    ring_hydrogens = (1.39 + 0.93) * circle[[1, 2, 4, 5]]
    turn = 0.4 + np.arange(3) * 2.0 * np.pi / 3.0
    cone = np.stack(
        [np.full(3, 1.0 / 3.0), *(np.sqrt(8.0) / 3.0 * f(turn) for f in (np.cos, np.sin))]
    )
    methyl_hydrogens = methyl + 0.96 * cone.T
    side = np.array(
        [[-1.0 / 3.0, y, -np.sqrt(2.0) / 3.0] for y in (np.sqrt(2 / 3), -np.sqrt(2 / 3))]
    )
    methylene_hydrogens = methylene + 0.97 * side
    # Anti to the ring: parallel to the bond from the ring to CH2.
    hydroxyl = oxygen + 0.83 * np.array([-1.0, 0.0, 0.0])
    cartesian = np.array(
        [*heavy, *ring_hydrogens, *methyl_hydrogens, *methylene_hydrogens, hydroxyl]
    )
    turned = cartesian @ np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    cell = (11.3, 6.9, 11.6, 90.0, 103.0, 90.0)
    axes = argand.site_symmetry.cartesian_axes(argand.Crystal(cell=cell))
    types = ("C",) * 8 + ("O",) + ("H",) * 10
    b_iso = np.array([2.5] * 9 + [3.0] * 4 + [3.75] * 3 + [3.0] * 2 + [3.75])
    return argand.Crystal(
        cell=cell,
        spacegroup="P 1 21/c 1",
        types=types,
        labels=tuple(f"{name}{number}" for number, name in enumerate(types, start=1)),
        frac=turned @ np.linalg.inv(axes).T + (0.27, 0.21, 0.24),
        b_iso=b_iso,
    )


def phased(crystal, *, d_min=0.8, noise=0.0, degrees=0.0, scale=1.0, seed=0, extinction=None):
    """Compute a phased list of a crystal, measured with molybdenum radiation.

    `noise` is the share of the intensity, and .2 of it of the mean intensity, by which intensities
    are wrong; `degrees` is the error of acentric phases. `extinction` (m,) factors of |F| of hkl.
    """
    radiation = Radiation("x-ray", 0.71073, dispersion=True)
    hkl = miller_indices(crystal.cell, crystal.symops, d_min=d_min)
    hkl = hkl[~systematic_absences(hkl, crystal.symops)]
    f = structure_factors(crystal, hkl, energy_kev=radiation.energy_kev)
    rng = np.random.default_rng(seed)
    squares = scale * np.abs(f) ** 2
    if extinction is not None:
        squares = squares * extinction(hkl, f) ** 2
    sigma = (noise or 0.01) * (squares + 0.2 * squares.mean())
    intensity = squares + (noise > 0.0) * sigma * rng.normal(size=len(f))
    error = np.radians(degrees) * rng.normal(size=len(f)) * ~centric(hkl, crystal.symops)
    amplitude = np.sqrt(np.maximum(intensity, 0.0))
    merged = Merged(
        hkl=hkl,
        intensity=intensity,
        sigma=sigma,
        count=np.ones(len(f), int),
        cell=crystal.cell,
        spacegroup=crystal.spacegroup,
        r_int=0.02,
        r_sigma=0.02,
        completeness=1.0,
        measured=len(f),
        absent=0,
        rejected=0,
        unused=0,
    )
    phases = np.exp(1j * (np.angle(f) + error))
    return SimpleNamespace(merged=merged, structure_factors=amplitude * phases, radiation=radiation)


def heavy_part(crystal: argand.Crystal) -> argand.Crystal:
    """Return a crystal without its hydrogens."""
    rows = [i for i, name in enumerate(crystal.types) if name not in ("H", "D")]
    return crystal.replace(
        types=tuple(crystal.types[i] for i in rows),
        labels=tuple(crystal.labels[i] for i in rows),
        frac=crystal.frac[rows],
        occ=crystal.occ[rows],
        b_iso=crystal.b_iso[rows],
        u_aniso=None if crystal.u_aniso is None else crystal.u_aniso[rows],
    )
