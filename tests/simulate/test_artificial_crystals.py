"""Test artificial crystals: pure functions of seed and index, in any group, with free distances."""

from __future__ import annotations

from collections.abc import Iterator

import gemmi
import numpy as np
import pytest

from argand.cell import cell_volume, metric
from argand.crystal import Crystal
from argand.errors import ArgandError
from argand.simulate.artificial import (
    ArtificialCrystals,
    ArtificialSettings,
    parse_groups,
    shares_of_groups,
)
from argand.simulate.artificial.elements import (
    ANIONS,
    SYMBOLS,
    contact_limits,
    covalent_limits,
    ionic_lengths,
)
from argand.simulate.artificial.settings import Kind
from argand.symmetry import operation_arrays

SEED = 20261129
KINDS: tuple[Kind, ...] = ("atoms", "fragments", "inorganic")
COMMON = "P-1,P21/c,P212121,C2/c,R-3:H,P4/m,Pa-3"

# Two atoms nearer than this (angstrom) are images of one atom on a special position.
SAME_PLACE = 1e-3


def crystals_of(kind: Kind, groups: str, atoms: tuple[int, int] = (3, 12)) -> ArtificialCrystals:
    """Make the generator of one kind in some groups."""
    settings = ArtificialSettings(spacegroups=parse_groups(groups), kind=kind, atoms=atoms)
    return ArtificialCrystals(settings, SEED)


def pairs_of(crystal: Crystal, longest: float) -> Iterator[tuple[int, int, float]]:
    """Find all pairs of atoms up to a distance by gemmi: two sites and angstrom."""
    small = gemmi.SmallStructure()
    small.cell = gemmi.UnitCell(*crystal.cell)
    small.spacegroup_hm = crystal.spacegroup
    small.setup_cell_images()
    for label, symbol, frac in zip(crystal.labels, crystal.types, crystal.frac, strict=True):
        site = gemmi.SmallStructure.Site()
        site.label, site.type_symbol = label, symbol
        site.element = gemmi.Element(symbol)
        site.fract = gemmi.Fractional(*frac)
        small.add_site(site)
    search = gemmi.NeighborSearch(small, longest + 0.1).populate()
    for number, site in enumerate(small.sites):
        for mark in search.find_site_neighbors(site, min_dist=SAME_PLACE, max_dist=longest):
            yield number, mark.atom_idx, search.dist(small.cell.orthogonalize(site.fract), mark.pos)


@pytest.mark.parametrize("kind", KINDS)
def test_a_crystal_depends_on_seed_and_index_alone(kind: Kind) -> None:
    """Batches of any size and order hold the same crystals, bit for bit."""
    crystals = crystals_of(kind, COMMON)
    indices = np.array([40, 3, 17, 2**33, 5, 0, 11, 29])
    together = {}
    for batch in crystals.draw(indices):
        for row, index in enumerate(batch.sample.tolist()):
            together[index] = (batch.operations.spacegroup, batch.crystal(row))
    for index in indices.tolist():
        spacegroup, expected = together[index]
        alone = crystals.crystal(index)
        assert alone.spacegroup == spacegroup
        assert alone.cell == expected.cell
        assert alone.types == expected.types
        np.testing.assert_array_equal(alone.frac, expected.frac)
        np.testing.assert_array_equal(alone.b_iso, expected.b_iso)
    other = ArtificialCrystals(crystals.settings, SEED + 1).crystal(3)
    assert other.cell != together[3][1].cell


@pytest.mark.parametrize("kind", KINDS)
def test_cells_fit_their_group_and_their_atoms(kind: Kind) -> None:
    """Every rotation leaves the metric as it is, and each atom has its volume."""
    for batch in crystals_of(kind, COMMON).draw(range(80)):
        for row in range(len(batch.sample)):
            crystal = batch.crystal(row)
            g = metric(crystal.cell)
            rotations, _ = operation_arrays(crystal.spacegroup)
            turned = np.einsum("oki,kl,olj->oij", rotations, g, rotations)
            np.testing.assert_allclose(turned, np.broadcast_to(g, turned.shape), atol=1e-6)
            per_atom = cell_volume(crystal.cell) / len(crystal.to_p1().types)
            assert 9.0 < per_atom < 60.0


@pytest.mark.parametrize("kind", KINDS)
def test_no_two_atoms_of_different_asymmetric_units_are_too_near(kind: Kind) -> None:
    """gemmi finds no image nearer than the distances of the elements allow."""
    pairs = 0
    for batch in crystals_of(kind, COMMON).draw(range(60)):
        for row in range(len(batch.sample)):
            crystal = batch.crystal(row)
            codes = [SYMBOLS.index(symbol) for symbol in crystal.types]
            limits = limits_of(kind, crystal)
            is_special = batch.share[row][batch.share[row] > 0.0] < 1.0
            for first, second, distance in pairs_of(crystal, 3.0):
                limit = limits[codes[first], codes[second]]
                if kind == "fragments" and (is_special[first] or is_special[second]):
                    limit = 1.85
                if kind == "fragments" and is_bond_or_angle(crystal, first, second, distance):
                    continue
                assert distance >= limit - 1e-4, f"{crystal.spacegroup} {crystal.types}"
                pairs += 1
    assert pairs > 10


def limits_of(kind: Kind, crystal: Crystal) -> np.ndarray:
    """Return the shortest distances of a kind, by codes of elements."""
    if kind == "atoms":
        return covalent_limits()
    if kind == "fragments":
        return contact_limits()
    anion = next(
        symbol for symbol in ANIONS if symbol == crystal.types[-1] or symbol in crystal.types
    )
    if crystal.types[-1] in ANIONS:
        anion = crystal.types[-1]
    return ionic_lengths(anion)[0]


def is_bond_or_angle(crystal: Crystal, first: int, second: int, distance: float) -> bool:
    """Tell whether a distance is that of two sites of the molecule as it was grown."""
    to_cartesian = np.array(gemmi.UnitCell(*crystal.cell).orth.mat.tolist())
    within = np.linalg.norm(to_cartesian @ (crystal.frac[first] - crystal.frac[second]))
    return bool(abs(within - distance) < 1e-3)


def test_molecules_have_bonds_of_real_length() -> None:
    """Each atom but the first is bonded to one before; no pair within a molecule is nearer."""
    for batch in crystals_of("fragments", "P-1,P21/c", (6, 16)).draw(range(60)):
        for row in range(len(batch.sample)):
            crystal = batch.crystal(row)
            to_cartesian = np.array(gemmi.UnitCell(*crystal.cell).orth.mat.tolist())
            place = crystal.frac @ to_cartesian.T
            radii = np.array([gemmi.Element(symbol).covalent_r for symbol in crystal.types])
            for atom in range(1, len(place)):
                distance = np.linalg.norm(place[:atom] - place[atom], axis=1)
                deviation = distance - radii[:atom] - radii[atom]
                # The triple bond of a nitrile is shortest of all.
                assert np.abs(deviation).min() < 0.31
                assert distance.min() > 1.1
                # The next atoms are those of bond angles.
                assert np.sort(distance)[1:2].min(initial=9.0) > 1.3


def test_special_positions_have_their_share() -> None:
    """An atom in place under g operations counts 1/g; P 1 has no special positions."""
    batches = crystals_of("inorganic", "Fm-3m,P-1,P4/m").draw(range(60))
    seen = set()
    for batch in batches:
        for row in range(len(batch.sample)):
            crystal = batch.crystal(row)
            in_place = crystal.in_place.sum(axis=1)
            np.testing.assert_array_equal(1.0 / batch.share[row][batch.share[row] > 0], in_place)
            seen.update(in_place.tolist())
    assert {1, 2} < seen
    alone = crystals_of("atoms", "P1").draw(range(40))[0]
    assert set(np.unique(alone.share)) <= {0.0, 1.0}


def test_all_groups_can_be_drawn() -> None:
    """Crystals of each of the 230 groups come about."""
    groups = dict.fromkeys(shares_of_groups(), 1.0)
    settings = ArtificialSettings(spacegroups=groups, kind="atoms", atoms=(2, 4))
    crystals = ArtificialCrystals(settings, SEED)
    drawn = crystals.groups(np.arange(4000))
    first = [int(np.flatnonzero(drawn == number)[0]) for number in range(230)]
    batches = crystals.draw(first)
    assert {batch.operations.spacegroup for batch in batches} == set(groups)


def test_groups_are_drawn_by_their_shares() -> None:
    """Draw 20,000 space groups: each has its share within five standard deviations."""
    shares = parse_groups("P-1:0.2,P 21/c:0.5,R 3:H:0.3")
    assert list(shares) == ["P -1", "P 1 21/c 1", "R 3:H"]
    assert list(parse_groups("P n n n:2,P n n n:1:3")) == ["P n n n:2", "P n n n:1"]
    assert parse_groups("P n n n:2,P n n n:1:3")["P n n n:1"] == 0.75
    crystals = ArtificialCrystals(ArtificialSettings(spacegroups=shares), SEED)
    drawn = np.bincount(crystals.groups(np.arange(20_000)))
    expected = 20_000 * np.array([0.2, 0.5, 0.3])
    assert (np.abs(drawn - expected) < 5.0 * np.sqrt(expected)).all()
    common = shares_of_groups()
    assert len(common) == 230
    assert sum(common.values()) == pytest.approx(1.0)
    assert common["P 1 21/c 1"] == max(common.values())


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("P-1,nonsense", "spacegroups names 'nonsense'"),
        ("P-1,P -1", "spacegroups names P -1 twice"),
        ("", "spacegroups is empty"),
        ({"P 1": 0.0}, "share 0.0, needs one above 0"),
    ],
)
def test_mistakes_in_groups_are_named(groups: str, message: str) -> None:
    with pytest.raises(ArgandError, match=message):
        parse_groups(groups)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "gas"}, "kind is 'gas'"),
        ({"atoms": (5, 2)}, "atoms is"),
        ({"atoms": (0, 2)}, "atoms is"),
        ({"volume_per_atom": (9.0, 1.0)}, "volume_per_atom is"),
        ({"b_iso": (-1.0, 2.0)}, "b_iso is"),
        ({"max_volume": 3.0}, "max_volume is"),
        ({"elements": {"Xx": 1.0}}, "elements names 'Xx'"),
        ({"elements": {"C": -1.0}}, "elements gives C the share"),
    ],
)
def test_mistakes_in_settings_are_named(settings: dict, message: str) -> None:
    with pytest.raises(ArgandError, match=message):
        ArtificialSettings(**settings)


def test_a_crystal_that_has_no_room_is_an_error() -> None:
    """Spheres of 3.4 A in cells that never have as much volume as they; the message says what."""
    settings = ArtificialSettings(
        spacegroups=parse_groups("P-1"),
        kind="atoms",
        atoms=(8, 8),
        volume_per_atom=(5.0, 5.0),
        elements={"U": 1.0},
    )
    with pytest.raises(ArgandError, match="no crystal in P -1 has room for its atoms"):
        ArtificialCrystals(settings, SEED).crystal(0)


@pytest.mark.parametrize("numbers", [range(1, 77), range(77, 154), range(154, 231)], ids=str)
def test_every_group_has_molecules(numbers: range) -> None:
    """Mirrors and axes leave little room for molecules in large groups; the stream never ends."""
    for number in numbers:
        name = gemmi.find_spacegroup_by_number(number).xhm()
        for batch in crystals_of("fragments", name, (4, 24)).draw(range(3)):
            assert (batch.share > 0.0).any(axis=1).all(), name
