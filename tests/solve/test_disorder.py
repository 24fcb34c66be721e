"""Test which atoms of a model are said to be disordered, and by which signs."""

from __future__ import annotations

import numpy as np
import pytest

from argand.peaks import Peaks
from argand.solve.disorder import DisorderSign, disorder_notes, disorder_signs
from phased_crystals import alcohol, heavy_part

CRYSTAL = alcohol()
NO_PEAKS = Peaks(np.zeros((0, 3)), np.zeros(0), np.zeros(0), np.zeros(0, int))


def peak_at(site, distance, height):
    """Return a peak at a distance, angstrom along b, from a site."""
    frac = CRYSTAL.frac[site] + [0.0, distance / CRYSTAL.cell[1], 0.0]
    return Peaks(frac[None], np.array([height]), np.array([1.0]), np.array([4]))


def test_an_ordered_crystal_shows_nothing():
    """Hydrogens are nearer than other bonds, and vibrate more: they are no sign."""
    assert disorder_signs(CRYSTAL, NO_PEAKS) == ()
    assert disorder_notes(()) == []


def test_two_positions_of_an_atom_are_named_with_their_distance():
    """The oxygen a second time, .7 A away: both are named."""
    second = CRYSTAL.frac[8] + [0.0, 0.7 / CRYSTAL.cell[1], 0.0]
    crystal = CRYSTAL.replace(
        types=(*CRYSTAL.types, "O"),
        labels=(*CRYSTAL.labels, "O99"),
        frac=np.concatenate([CRYSTAL.frac, second[None]]),
        b_iso=np.append(CRYSTAL.b_iso, 2.5),
        occ=np.append(CRYSTAL.occ, 1.0),
        u_aniso=None,
    )
    signs = [sign for sign in disorder_signs(crystal, NO_PEAKS) if sign.sign == "positions"]
    assert {sign.label for sign in signs} == {"O9", "O99"}
    assert [sign.value for sign in signs] == pytest.approx([0.7, 0.7], abs=1e-6)


def test_a_displacement_counts_against_the_neighbours():
    """Four times the B of its neighbour is a sign; a molecule that vibrates as one shows none."""
    b_iso = np.array(CRYSTAL.b_iso)
    b_iso[8] *= 4.0
    (sign,) = disorder_signs(CRYSTAL.replace(b_iso=b_iso), NO_PEAKS)
    assert (sign.label, sign.sign) == ("O9", "displacement")
    assert sign.value == pytest.approx(4.0)
    assert disorder_signs(CRYSTAL.replace(b_iso=4.0 * CRYSTAL.b_iso), NO_PEAKS) == ()


def test_an_occupancy_below_one_is_a_sign():
    """An oxygen of occupancy .6 is named as disordered, with its occupancy."""
    occ = np.ones(len(CRYSTAL.types))
    occ[8] = 0.6
    assert disorder_signs(CRYSTAL.replace(occ=occ), NO_PEAKS) == (
        DisorderSign("O9", "occupancy", 0.6),
    )


def test_residual_density_beside_an_atom_is_a_sign():
    """A peak of 1.2 e/A^3 at .8 A counts; a low one, and one on the atom itself, do not."""
    site = 8
    heavy = heavy_part(CRYSTAL)
    (sign,) = disorder_signs(heavy, peak_at(site, 0.8, 1.2))
    assert sign == DisorderSign("O9", "residual", 1.2)
    assert disorder_signs(heavy, peak_at(site, 0.8, 0.4)) == ()
    assert disorder_signs(heavy, peak_at(site, 0.1, 1.2)) == ()


def test_sentences_name_the_atoms_of_each_sign():
    """Each sign has one sentence; a label stands in it once."""
    signs = (
        DisorderSign("C1", "displacement", 3.0),
        DisorderSign("C2", "displacement", 4.0),
        DisorderSign("O1", "occupancy", 0.5),
    )
    assert disorder_notes(signs) == [
        "Disorder shows at C1, C2: displacements far above those of their neighbours.",
        "Disorder shows at O1: partly occupied.",
    ]
