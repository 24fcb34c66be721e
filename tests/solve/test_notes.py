"""Test the sentences on what of a model is uncertain."""

from __future__ import annotations

import numpy as np

from argand.peaks import Peaks
from argand.solve.notes import content_notes, displacement_notes, occupancy_notes, peak_notes
from phased_crystals import alcohol, heavy_part

CRYSTAL = alcohol()
NUMBERS = np.array([6.0] * 8 + [8.0])


def test_contents_that_differ_are_said():
    """Each element that differs by an atom or more has a sentence; equal contents have none."""
    assert content_notes(CRYSTAL, CRYSTAL.composition()) == []
    assert content_notes(CRYSTAL, None) == []
    notes = content_notes(CRYSTAL, {"C": 32, "H": 44, "O": 4, "N": 4})
    assert notes == [
        "The model has 40 H in the cell, the content 44.",
        "The model has 0 N in the cell, the content 4.",
    ]


def test_a_site_that_stays_isotropic_is_named():
    """One carbon has no tensor where the others have one; hydrogens do not count."""
    assert displacement_notes(CRYSTAL, anisotropic=False) == []
    u_aniso = np.full((len(CRYSTAL.types), 6), np.nan)
    u_aniso[[*range(3), *range(4, 9)]] = [0.03, 0.03, 0.03, 0.0, 0.0, 0.0]
    (note,) = displacement_notes(CRYSTAL.replace(u_aniso=u_aniso), anisotropic=True)
    assert note.startswith(f"{CRYSTAL.labels[3]}: left isotropic")


def test_half_an_atom_is_named():
    """A site with half of its electrons may be disordered."""
    heavy = heavy_part(CRYSTAL)
    electrons = NUMBERS.copy()
    assert occupancy_notes(CRYSTAL, heavy.frac, electrons) == []
    electrons[8] = 4.0
    (note,) = occupancy_notes(CRYSTAL, heavy.frac, electrons)
    assert note.startswith(f"{CRYSTAL.labels[8]}: fewer electrons")


def test_a_high_residual_peak_names_the_nearest_atom_that_is_no_hydrogen():
    """A peak at a hydrogen of the methyl group names its carbon; a low peak says nothing."""
    methyl_hydrogen = CRYSTAL.frac[13:14]
    peaks = Peaks(methyl_hydrogen, np.array([2.0]), np.array([1.0]), np.array([4]))
    (note,) = peak_notes(CRYSTAL, peaks)
    assert f"2.00 e/Å³, lies 0.96 Å from {CRYSTAL.labels[6]}:" in note
    low = Peaks(methyl_hydrogen, np.array([0.4]), np.array([1.0]), np.array([4]))
    assert peak_notes(CRYSTAL, low) == []
