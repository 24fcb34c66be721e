"""Modes: how far they move atoms, what stays rigid, what symmetry allows, and the covariance."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest

import argand
from argand.errors import MemoryLimitError
from argand.simulate import Directions, Groups, Independent, Modes, Perturbation, Simulation, Waves
from argand.simulate.groups import chosen_sites, hydrogen_groups, molecules
from argand.simulate.modes import allowed_modes
from argand.symmetry import operations
from data_dir import DATA

# Two waters and an ion.
WATERS = argand.Crystal(
    cell=(7.0, 8.0, 9.0, 80.0, 95.0, 103.0),
    spacegroup="P -1",
    types=("O", "H", "H", "O", "H", "H", "Na+"),
    labels=("O1", "H1", "H2", "O2", "H3", "H4", "Na1"),
    frac=np.array(
        [
            [0.2, 0.2, 0.2],
            [0.3, 0.25, 0.2],
            [0.15, 0.22, 0.29],
            [0.6, 0.7, 0.3],
            [0.7, 0.75, 0.3],
            [0.55, 0.72, 0.39],
            [0.8, 0.3, 0.7],
        ]
    ),
)
PYROCHLORE = argand.read_crystal(DATA / "2002248.cif")
KINDS = [
    Independent(0.3),
    Independent((0.1, 0.5), atoms=("O", 6)),
    Groups(0.2),
    Groups(0.2, "hydrogens", rotation=0.0),
    Groups(0.2, (("O1", "H1", "H2"), (6,)), rotation=0.9),
    Waves(0.4, harmonics=2),
    Modes(np.random.default_rng(5).normal(size=(3, 7, 3)).tolist(), 0.1),
    Directions((0.1, 0.2), atoms=(0, 3), directions=((1, 0, 0), (0, 1, 1)), unit="angstrom"),
]


def to_cartesian(crystal: argand.Crystal) -> np.ndarray:
    return np.array(gemmi.UnitCell(*crystal.cell).orth.mat.tolist())


@pytest.mark.parametrize("kind", KINDS[:-1], ids=lambda kind: type(kind).__name__)
def test_columns_have_a_mean_square_length_of_one(kind):
    modes = allowed_modes(kind, WATERS).toarray().reshape(7, 3, -1)
    square = (modes**2).sum(axis=(1, 2))
    assert square[square > 0].mean() == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: type(kind).__name__)
def test_samples_have_the_covariance_of_the_modes(kind):
    changes = Perturbation([kind], fix_origin=False)
    simulation = Simulation(WATERS, changes, d_min=4.0, seed=2)
    u = simulation.displacements(np.arange(40_000)).reshape(40_000, -1)
    modes = allowed_modes(kind, WATERS).toarray()
    width = np.atleast_1d(getattr(kind, "rms", 1.0)).astype(float)
    low, high = width[0], width[-1]
    # the mean square of a width that is uniform from low to high
    mean_square = (low * low + low * high + high * high) / 3.0
    expected = mean_square * modes @ modes.T
    largest = np.diag(expected).max()
    np.testing.assert_allclose(u.mean(axis=0), 0.0, atol=0.03 * np.sqrt(largest))
    np.testing.assert_allclose(u.T @ u / len(u), expected, atol=0.04 * largest)


@pytest.mark.parametrize("groups", ["molecules", "hydrogens", (("O1", "H1", "H2", "O2"),)])
def test_rigid_groups_stay_rigid_to_first_order(groups):
    modes = allowed_modes(Groups(0.3, groups), WATERS).toarray().reshape(7, 3, -1)
    position = WATERS.frac @ to_cartesian(WATERS).T
    if groups == "molecules":
        parts = molecules(WATERS)
    elif groups == "hydrogens":
        parts = hydrogen_groups(WATERS)
    else:
        parts = [chosen_sites(WATERS, groups[0])]
    assert sorted(len(part) for part in parts) in ([1, 3, 3], [4])
    for part in parts:
        for i in part:
            for j in part:
                stretch = (modes[i] - modes[j]).T @ (position[i] - position[j])
                assert np.abs(stretch).max() < 1e-12


def test_waves_repeat_with_the_cell_and_long_ones_are_the_largest():
    waves = Waves(1.0, harmonics=3)
    modes = allowed_modes(waves, WATERS).toarray()
    whole_cells = np.zeros((7, 3))
    whole_cells[0] = (1, 0, 0)
    whole_cells[6] = (0, -2, 1)
    moved = WATERS.replace(frac=WATERS.frac + whole_cells)
    np.testing.assert_allclose(allowed_modes(waves, moved).toarray(), modes, atol=1e-12)
    q = np.array(list(np.ndindex(7, 7, 7))) - 3
    q = q[[tuple(row) > (0, 0, 0) for row in q]]
    square = (modes.reshape(21, 2, len(q), 3) ** 2).sum(axis=(0, 1, 3))
    wavenumber = 2 * argand.stol(q, WATERS.cell)
    product = np.sqrt(square) * wavenumber
    np.testing.assert_allclose(product, product[0], rtol=1e-9)


@pytest.mark.parametrize(
    "kind", [Independent(0.3), Waves(0.3), Groups(0.3, ((0, 1, 2, 3),))], ids=["i", "w", "g"]
)
def test_site_symmetry_is_kept(kind):
    modes = allowed_modes(kind, PYROCHLORE).toarray().reshape(4, 3, -1)
    multiplicity = PYROCHLORE.multiplicity()
    to_frac = np.linalg.inv(to_cartesian(PYROCHLORE))
    free = []
    for site, position in enumerate(PYROCHLORE.frac):
        u = to_frac @ modes[site]
        onto_itself = 0
        for rotation, translation in operations(PYROCHLORE.symops):
            shift = rotation @ position + translation - position
            if np.abs(shift - np.rint(shift)).max() < 1e-6:
                onto_itself += 1
                np.testing.assert_allclose(rotation @ u, u, atol=1e-12)
        assert onto_itself == len(PYROCHLORE.symops) / multiplicity[site]
        free.append(np.linalg.matrix_rank(u, tol=1e-9))
    # One oxygen has one free coordinate.
    assert sum(free) == 1


def test_types_that_share_a_site_move_together():
    mixed = WATERS.replace(
        types=("Al", "Si", "O"),
        labels=(),
        occ=np.array([0.3, 0.7, 1.0]),
        b_iso=0.0,
        frac=np.array([[0.1, 0.2, 0.3], [0.1, 0.2, 1.3], [0.5, 0.1, 0.2]]),
    )
    u = Simulation(mixed, d_min=4.0).displacements(np.arange(5))
    np.testing.assert_array_equal(u[:, 0], u[:, 1])
    assert not np.any(u[:, 0] == u[:, 2])


def test_displacements_that_symmetry_forbids_are_refused():
    fixed = PYROCHLORE.replace(
        types=PYROCHLORE.types[:2],
        labels=(),
        frac=PYROCHLORE.frac[:2],
        occ=PYROCHLORE.occ[:2],
        b_iso=0.0,
        u_aniso=None,
    )
    pattern = Modes(np.ones((1, 2, 3)).tolist(), 0.1)
    with pytest.raises(argand.ArgandError, match="symmetry"):
        allowed_modes(pattern, fixed)


def test_sites_by_name():
    assert chosen_sites(WATERS, ("O2", "H", "Na1")).tolist() == [1, 2, 3, 4, 5, 6]
    assert chosen_sites(WATERS, None).tolist() == list(range(7))
    assert chosen_sites(WATERS, ("Na",)).tolist() == [6]
    for wrong in ("C", 7, -1):
        with pytest.raises(argand.ArgandError, match="atoms names"):
            chosen_sites(WATERS, (wrong,))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Independent(-1.0), "rms"),
        (lambda: Independent((0.5, 0.1)), "rms"),
        (lambda: Independent(float("nan")), "rms"),
        (lambda: Groups(0.1, "atoms"), "groups"),
        (lambda: Groups(0.1, rotation=1.5), "rotation"),
        (lambda: Waves(0.1, harmonics=0), "harmonics"),
        (lambda: Waves(0.1, harmonics=180), "harmonics is 180"),
        (lambda: Waves(0.1, harmonics=2**70), "harmonics"),
        (lambda: Waves(0.1, harmonics=1.5), "harmonics is 1.5"),
        (lambda: Waves(0.1, harmonics="2"), "harmonics is '2'"),
        (lambda: Waves(0.1, harmonics=True), "harmonics is True"),
        (lambda: Modes([[1.0, 2.0, 3.0]]), "patterns"),
        (lambda: Modes(np.ones((1, 2, 3)).tolist(), unit="nm"), "unit"),
        (lambda: allowed_modes(Modes(np.ones((1, 2, 3)).tolist()), WATERS), "patterns"),
        (lambda: Perturbation(strain=0.5), "strain"),
        (lambda: Perturbation(symmetry="half"), "symmetry"),
        (lambda: Perturbation(ramp=1), "ramp"),
    ],
)
def test_refusals(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_waves_say_what_they_need_before_they_take_it(monkeypatch):
    """17 968 waves of 7 sites have 2.3 million entries: refused without being made."""
    monkeypatch.setattr("argand._memory._limit", 10**7)
    monkeypatch.setattr("argand.simulate.displacements.product", None)
    with pytest.raises(MemoryLimitError, match=r"17968 waves of 7 sites.*fewer harmonics"):
        Waves(0.1, harmonics=16).modes(WATERS)


def test_all_atoms_move_in_three_directions():
    """`atoms=None` alone moves every atom along a, b and c, by the same spread in cell edges."""
    everywhere = Directions(0.1, atoms=None)
    columns = everywhere.modes(WATERS).toarray()
    assert columns.shape == (21, 21)
    expected = np.kron(np.eye(7), 0.1 * to_cartesian(WATERS))
    np.testing.assert_allclose(columns, expected, atol=1e-12)
    isotropic = Directions(0.1, atoms=None, unit="angstrom").modes(WATERS).toarray()
    np.testing.assert_allclose(isotropic, 0.1 * np.eye(21), atol=1e-12)
    # Atoms that are named move along a, as in the first experiment, unless directions are given.
    assert Directions(0.1, atoms=(0, 3)).modes(WATERS).shape == (21, 2)
    assert Directions(0.1, None, ((0, 0, 1),)).modes(WATERS).shape == (21, 7)
