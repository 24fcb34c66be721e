"""Test the growth of molecules by the core: bonds, random numbers, room, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from argand import _seam
from argand.simulate.artificial.elements import contact_limits
from argand.simulate.artificial.units import COVALENT_RADII, molecule_units
from argand.simulate.random import Purpose, uniforms
from argand.symmetry import operation_arrays

SEED = 2**40 + 7
PURPOSE = int(Purpose.FRAGMENT)

# Code of carbon, and numbers of a round until those of its first candidate.
CARBON = 5
BEFORE_CANDIDATES = 8

# Edge of the cubic cells, angstrom: wide enough for a few atoms.
EDGE = 30.0


def growth(
    crystals: int = 6, wanted: int = 3, edge: float = EDGE, spacegroup: str = "P 1"
) -> dict[str, Any]:
    """Make the arguments of a growth of chains of carbon whose first atoms are at 1/10."""
    slots = 4
    units = molecule_units()
    # All numbers choose unit 0, the single atom.
    units = units._replace(limits=np.linspace(1.0, 1.5, len(units.limits)))
    elements = _seam.MoleculeElements(
        limits=np.zeros(0),
        drawn=np.array([CARBON]),
        radius=COVALENT_RADII,
        contact_square=np.square(contact_limits()),
        further=np.ones(92, np.int64),
        nitrogen=6,
        oxygen=7,
    )
    axis = np.tile([0.6, 0.0, 0.8], (crystals, 1))
    rotations, translations = operation_arrays(spacegroup)
    starts = _seam.MoleculeStarts(
        wanted=np.full(crystals, wanted),
        metric=np.tile([edge**2, edge**2, edge**2, 0.0, 0.0, 0.0], (crystals, 1)),
        to_frac=np.tile([1.0 / edge, 1.0 / edge, 1.0 / edge, 0.0, 0.0, 0.0], (crystals, 1)),
        operation=np.concatenate([rotations.astype(float), translations[..., None]], axis=2),
        axis=axis,
        further=np.ones(crystals, np.int64),
    )
    frac = np.zeros((3, crystals, slots))
    frac[:, :, 0] = 0.1
    sites = _seam.MoleculeSites(
        frac=frac,
        code=np.full((crystals, slots), CARBON),
        share=np.where(np.arange(slots) == 0, 1.0, np.zeros((crystals, slots))),
        number=np.ones(crystals, np.int64),
    )
    return {
        "starts": starts,
        "sites": sites,
        "units": units,
        "elements": elements,
        "rounds": 6,
        "seed": SEED,
        "purpose": PURPOSE,
        "index": np.arange(crystals, dtype=np.int64) * 2**33,
        "turn": np.full(crystals, 5),
        "metal_square": 3.0,
    }


def places_of(case: dict[str, Any]) -> np.ndarray:
    """Return the Cartesian places (b, n, 3), angstrom, of the sites of cubic cells."""
    return np.moveaxis(case["sites"].frac, 0, -1) * EDGE


def test_bonds_have_their_length_and_angle() -> None:
    """The second atom lies along the given direction, the third at 111 degrees."""
    case = growth()
    _seam.grow_molecules(**case)
    assert (case["sites"].number == 3).all()
    assert (case["sites"].share[:, :3] == 1.0).all()
    first, second, third = np.moveaxis(places_of(case)[:, :3], 1, 0)
    length = 2.0 * COVALENT_RADII[CARBON]
    expected = first + length * np.array([0.6, 0.0, 0.8])
    np.testing.assert_allclose(second, expected, atol=1e-12)
    bonds = first - second, third - second
    np.testing.assert_allclose(np.linalg.norm(bonds[1], axis=1), length, atol=1e-12)
    cosine = (bonds[0] * bonds[1]).sum(axis=1) / length**2
    np.testing.assert_allclose(np.degrees(np.arccos(cosine)), 111.0, atol=1e-9)


def test_random_numbers_are_those_of_the_index_and_the_round() -> None:
    """The third atoms of two crystals differ by the turn about the bond that `uniforms` says."""
    case = growth()
    _seam.grow_molecules(**case)
    numbers = uniforms(
        SEED, case["index"], BEFORE_CANDIDATES + 3, Purpose.FRAGMENT, case["turn"] + 2
    )
    turns = numbers[:, BEFORE_CANDIDATES + 1]
    assert np.ptp(turns) > 0.2
    axis = -case["starts"].axis[0]
    _, second, third = np.moveaxis(places_of(case)[:, :3], 1, 0)
    across = third - second
    across -= (across @ axis)[:, None] * axis
    across /= np.linalg.norm(across, axis=1)[:, None]
    cosine, sine = across @ across[0], np.cross(across[0], across) @ axis
    expected = 2.0 * np.pi * (turns - turns[0])
    np.testing.assert_allclose(cosine, np.cos(expected), atol=1e-9)
    np.testing.assert_allclose(np.abs(sine), np.abs(np.sin(expected)), atol=1e-9)


def test_a_molecule_without_room_stays_as_it_is() -> None:
    """The second atom of a narrow cell comes too near to an image of the first."""
    case = growth(edge=2.0)
    _seam.grow_molecules(**case)
    assert (case["sites"].number == 1).all()
    assert not case["sites"].frac[:, :, 1:].any()


def test_a_crystal_without_a_first_atom_is_left_alone() -> None:
    case = growth()
    case["sites"].number[2] = 0
    _seam.grow_molecules(**case)
    assert case["sites"].number.tolist() == [3, 3, 0, 3, 3, 3]


@pytest.mark.parametrize(
    ("part", "name", "change", "message"),
    [
        ("starts", "wanted", lambda wanted: wanted + 2, "wanted is up to 5, needs 4"),
        ("starts", "axis", lambda axis: axis[:2], "axis has shape"),
        ("sites", "number", lambda number: number + 1, "needs 0 or 1"),
        ("sites", "code", lambda code: code.astype(np.int32), "code has dtype int32"),
        ("units", "size", lambda size: size[:2], "units.size has shape"),
        ("elements", "radius", lambda radius: radius[:9], "elements.contact_square has shape"),
    ],
)
def test_mistakes_are_named(part: str, name: str, change: Any, message: str) -> None:
    case = growth()
    case[part] = case[part]._replace(**{name: change(getattr(case[part], name))})
    with pytest.raises((ValueError, TypeError), match=message):
        _seam.grow_molecules(**case)
