"""Samples: their F is that of their crystal, and they depend on (seed, index) alone."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import argand
from argand.radiation import Radiation
from argand.simulate import (
    Directions,
    Groups,
    Independent,
    Measurement,
    Modes,
    Perturbation,
    Simulation,
    Substitution,
    Unmodelled,
    Waves,
    from_json,
    to_json,
)
from argand.simulate.modes import drift
from data_dir import DATA


def crystal(spacegroup: str, cell: tuple[float, ...], anisotropic: bool = True) -> argand.Crystal:
    """Make a crystal with five sites on general positions of any group."""
    rng = np.random.default_rng(11)
    u_aniso = np.tile([0.02, 0.03, 0.025, 0.002, 0.004, -0.003], (5, 1))
    u_aniso[[1, 4]] = np.nan
    return argand.Crystal(
        cell=cell,
        spacegroup=spacegroup,
        types=("C", "N", "O2-", "Pb", "H"),
        frac=rng.uniform(0.06, 0.19, (5, 3)) * [1.0, 1.0, 1.1],
        occ=np.array([1.0, 0.5, 1.0, 0.9, 1.0]),
        b_iso=np.array([1.0, 2.0, 3.0, 0.5, 4.0]),
        u_aniso=u_aniso if anisotropic else None,
    )


CRYSTALS = {
    "P 1": crystal("P 1", (9.0, 10.0, 11.0, 83.0, 95.0, 104.0)),
    "P -1": crystal("P -1", (9.0, 10.0, 11.0, 83.0, 95.0, 104.0)),
    "P 1 21/c 1": crystal("P 1 21/c 1", (19.0, 12.0, 21.0, 90.0, 104.0, 90.0)),
    "P 21 21 21": crystal("P 21 21 21", (19.0, 22.0, 21.0, 90.0, 90.0, 90.0), anisotropic=False),
    "C 1 2 1": crystal("C 1 2 1", (29.0, 22.0, 21.0, 90.0, 104.0, 90.0)),
}
EVERYTHING = Perturbation(
    [Independent((0.02, 0.1)), Waves(0.05)],
    strain=0.01,
    vibration=0.3,
    substitutions=(
        Substitution("S", ("O2-",), (0.2, 0.8)),
        Substitution(None, ("C",), 0.3, probability=0.5),
    ),
    unmodelled=Unmodelled("Cl-", 2, probability=0.5, occupancy=(0.5, 1.0)),
)
MEASURED = Measurement(
    noise=0.04,
    counts=500.0,
    background=0.5,
    scale=(0.2, 5.0),
    b_change=0.5,
    d_min=(2.2, 2.5),
    missing=0.05,
    strongest=0.02,
    wedge=(0.0, 30.0),
)


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("symmetry", ["kept", "broken"])
def test_f_is_that_of_the_true_crystal(name, symmetry):
    changes = replace(EVERYTHING, symmetry=symmetry)
    simulation = Simulation(CRYSTALS[name], changes, d_min=2.0, seed=6, dtype="float64")
    samples = simulation.draw(range(4))
    largest = np.abs(simulation.f0).max()
    known_f = argand.structure_factors(simulation.crystal, simulation.hkl)
    np.testing.assert_allclose(simulation.f0, known_f, atol=1e-10 * largest)
    unmodelled = 0
    for i in range(4):
        true = simulation.true_crystal(samples, i)
        unmodelled += sum(symbol.startswith("Cl") for symbol in true.types)
        assert true.cell != simulation.crystal.cell
        f = argand.structure_factors(true, simulation.hkl)
        np.testing.assert_allclose(samples.f[i], f, atol=1e-10 * largest)
    assert 0 < unmodelled < 8
    single = Simulation(CRYSTALS[name], changes, d_min=2.0, seed=6).draw(range(4))
    np.testing.assert_allclose(single.f, samples.f, atol=2e-5 * largest)


def test_special_positions_and_dispersion():
    pyrochlore = argand.read_crystal(DATA / "2002248.cif")
    simulation = Simulation(
        pyrochlore,
        Perturbation([Independent(0.2)]),
        d_min=0.8,
        radiation=Radiation.of_table("it92", 8.0),
        dtype="float64",
    )
    samples = simulation.draw([3])
    true = simulation.true_crystal(samples, 0)
    f = argand.structure_factors(true, simulation.hkl, energy_kev=8.0)
    np.testing.assert_allclose(samples.f[0], f, atol=1e-9 * np.abs(f).max())
    assert np.abs(samples.f[0] - simulation.f0).max() > 1.0


def test_unmodelled_atoms_in_cells_without_a_general_position():
    salt = argand.Crystal(
        cell=(3.0, 3.0, 3.0, 90.0, 90.0, 90.0),
        spacegroup="P m -3 m",
        types=("Cs", "Cl"),
        frac=np.array([[0, 0, 0], [0.5, 0.5, 0.5]]),
    )
    changes = Perturbation((), unmodelled=Unmodelled("O", probability=1.0, occupancy=(0.2, 0.9)))
    simulation = Simulation(salt, changes, d_min=0.5, dtype="float64")
    samples = simulation.draw(range(6))
    crystals = [simulation.true_crystal(samples, i) for i in range(6)]
    assert min(crystal.multiplicity()[2] for crystal in crystals) < 48
    assert all(0.2 <= crystal.occ[2] <= 0.9 for crystal in crystals)
    for crystal, f in zip(crystals, samples.f, strict=True):
        expected = argand.structure_factors(crystal, simulation.hkl)
        np.testing.assert_allclose(f, expected, atol=1e-9 * np.abs(f).max())


def test_an_atom_that_moves_near_its_image_keeps_its_occupancy():
    """0.3 angstrom from the centre of inversion: a new crystal would count it as one atom on it."""
    near = argand.Crystal(
        cell=(6.0, 7.0, 8.0, 90.0, 90.0, 90.0),
        spacegroup="P -1",
        types=("C",),
        frac=np.array([[0.1, 0.1, 0.0]]),
    )
    simulation = Simulation(near, d_min=1.0, dtype="float64")
    u = np.array([[[-0.45, -0.55, 0.0]]])
    f = simulation.structure_factors(u)[0]
    x = near.frac[0] + u[0, 0] / near.cell[:3]
    form = argand.form_factors(("C",), simulation.stol)[0]
    expected = 2 * form * np.cos(2 * np.pi * simulation.hkl @ x)
    np.testing.assert_allclose(f, expected, atol=1e-10)


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["P 1", "P 1 21/c 1"])
def test_a_sample_is_a_function_of_seed_and_index(name):
    simulation = Simulation(CRYSTALS[name], EVERYTHING, MEASURED, d_min=2.0, seed=9)
    index = [7, 300, 0, 1 << 40]
    together = simulation.draw(index)
    for row, i in enumerate(index):
        alone = simulation.draw([i])
        assert same(alone, [field[row : row + 1] for field in together])
    # More samples than are computed at once.
    many = simulation.draw(range(300))
    assert same([field[7] for field in many], [field[0] for field in together])
    other = Simulation(CRYSTALS[name], EVERYTHING, MEASURED, d_min=2.0, seed=10).draw(index)
    assert not np.any(other.displacement == together.displacement)


def test_a_ramp_leads_from_the_known_crystal_to_one_draw():
    changes = Perturbation([Independent(0.3), Waves(0.1)], strain=0.01, vibration=0.2, ramp=11)
    simulation = Simulation(CRYSTALS["P 1"], changes, d_min=3.0, dtype="float64")
    samples = simulation.draw(range(12))
    u = samples.displacement
    assert not u[0].any()
    largest = np.abs(simulation.f0).max()
    np.testing.assert_allclose(samples.f[0], simulation.f0, atol=1e-9 * largest)
    np.testing.assert_allclose(u[5], u[10] / 2, atol=1e-12)
    logarithm = np.log(samples.vibration)
    np.testing.assert_allclose(logarithm[5], logarithm[10] / 2, atol=1e-12)
    assert np.abs(samples.cell[10] - simulation.crystal.cell).max() > 0.01
    # After the end the ramp begins again.
    np.testing.assert_array_equal(samples.frac[11], samples.frac[0])
    assert u[10].any()


@pytest.mark.parametrize(("name", "free"), [("P 1", 3), ("C 1 2 1", 1), ("P -1", 0)])
def test_the_origin_stays_where_it_floats(name, free):
    known = CRYSTALS[name]
    directions, centre = drift(known)
    assert directions.shape == (3, free)
    loose_changes = Perturbation(fix_origin=False)
    index = np.arange(50)
    fixed = Simulation(known, d_min=3.0).displacements(index).reshape(50, -1)
    loose = Simulation(known, loose_changes, d_min=3.0).displacements(index).reshape(50, -1)
    np.testing.assert_allclose(centre @ fixed.T, 0.0, atol=1e-12)
    common_shift = loose - fixed
    assert (np.abs(common_shift).max() > 0.01) == (free > 0)
    # A shift of the whole crystal changes no amplitude.
    amplitudes = []
    for changes in (Perturbation(), loose_changes):
        simulation = Simulation(known, changes, d_min=3.0, dtype="float64")
        amplitudes.append(np.abs(simulation.draw([3]).f))
    largest = amplitudes[0].max()
    np.testing.assert_allclose(amplitudes[0], amplitudes[1], rtol=1e-9, atol=1e-9 * largest)


def test_the_origin_is_left_alone_where_some_sites_stay():
    first_site = Perturbation([Independent(0.3, (0,))])
    u = Simulation(CRYSTALS["P 1"], first_site, d_min=3.0).displacements(np.arange(9))
    assert not u[:, 1:].any()


@pytest.mark.parametrize(
    ("spacegroup", "cell", "free", "fixed"),
    [
        ("P 1", (9.0, 10.0, 11.0, 83.0, 95.0, 104.0), 6, ()),
        ("P 1 21/c 1", (9.0, 10.0, 11.0, 90.0, 95.0, 90.0), 4, (3, 5)),
        ("P 21 21 21", (9.0, 10.0, 11.0, 90.0, 90.0, 90.0), 3, (3, 4, 5)),
        ("R -3 m:H", (9.0, 9.0, 11.0, 90.0, 90.0, 120.0), 2, (3, 4, 5)),
        ("F m -3 m", (9.0, 9.0, 9.0, 90.0, 90.0, 90.0), 1, (3, 4, 5)),
    ],
)
def test_strain_keeps_the_crystal_system(spacegroup, cell, free, fixed):
    """`fixed` are the parameters of the cell that the system determines: they stay exactly."""
    known = argand.Crystal(
        cell=cell,
        spacegroup=spacegroup,
        types=("Na",),
        frac=np.array([[0.11, 0.23, 0.37]]),
    )
    simulation = Simulation(known, Perturbation((), strain=0.02), d_min=2.0)
    cells = simulation.draw(range(30)).cell
    change = cells - cell
    assert np.linalg.matrix_rank(change, tol=0.02) == free
    assert 0.002 < np.std(change[:, 0] / cell[0]) < 0.03
    for strained in cells:
        argand.Crystal(cell=tuple(strained), spacegroup=spacegroup)
        if cell[1] == cell[0]:
            assert strained[1] == pytest.approx(strained[0], rel=1e-12)
        assert [strained[i] for i in fixed] == [cell[i] for i in fixed]


def test_unmodelled_atoms_lie_in_voids_and_in_their_share_of_samples():
    known = CRYSTALS["P 1 21/c 1"]
    changes = Perturbation(unmodelled=Unmodelled("O", probability=0.1))
    samples = Simulation(known, changes, d_min=4.0, seed=1).draw(range(3000))
    present = samples.occ[:, 5] > 0
    assert present.mean() == pytest.approx(0.1, abs=0.02)
    atoms = known.to_p1().frac

    def distance_to_atoms(frac: np.ndarray) -> np.ndarray:
        shift = frac[:, None] - atoms
        shift -= np.rint(shift)
        return np.linalg.norm(shift * known.cell[:3], axis=2).min(axis=1)

    anywhere = distance_to_atoms(np.random.default_rng(0).random((2000, 3)))
    in_voids = distance_to_atoms(samples.unmodelled[present, 0])
    assert np.median(in_voids) > 1.3 * np.median(anywhere)


@pytest.mark.parametrize(
    "changes",
    [
        EVERYTHING,
        Perturbation(
            (
                Groups(0.1, (("C", 2),), rotation=0.2),
                Modes(((((1.0, 0.0, 0.0),) * 5),), 0.2),
                Directions(0.1, None),
            )
        ),
        Perturbation(symmetry="broken"),
    ],
    ids=["everything", "groups", "broken"],
)
def test_perturbations_survive_json(changes):
    restored = from_json(json.loads(json.dumps(to_json(changes))))
    assert to_json(restored) == to_json(changes)
    known = CRYSTALS["P 1"]
    first = Simulation(known, changes, d_min=3.0).draw([1])
    second = Simulation(known, restored, d_min=3.0).draw([1])
    assert same(first, second)


def test_measurements_survive_json():
    restored = from_json(json.loads(json.dumps(to_json(MEASURED))))
    assert to_json(restored) == to_json(MEASURED)
    known = CRYSTALS["P 1"]
    first = Simulation(known, None, MEASURED, d_min=3.0).draw([1])
    second = Simulation(known, None, restored, d_min=3.0).draw([1])
    assert same(first, second)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"kind": "crystal"}, "kind 'crystal'"),
        ({"kind": "waves", "rmss": 1}, "no 'rmss'"),
        (
            {"kind": "perturbation", "displacements": [{"kind": "waves", "rms": -1}]},
            r"displacements\[0\]: rms is -1",
        ),
        ([], "kind None"),
    ],
)
def test_descriptions_that_cannot_be_understood(content, words):
    with pytest.raises(argand.ArgandError, match=words):
        from_json(content)


def test_refusals():
    known = CRYSTALS["P 1"]
    for arguments, words in (
        ({}, "d_min"),
        ({"d_min": 1.0, "hkl": [[1, 0, 0]]}, "d_min"),
        ({"d_min": 100.0}, "no reflections"),
        ({"d_min": -1.0}, "d_min"),
    ):
        with pytest.raises(argand.ArgandError, match=words):
            Simulation(known, **arguments)
    with pytest.raises(argand.ArgandError, match="no site of the crystal is occupied"):
        Simulation(argand.Crystal(cell=known.cell), d_min=1.0)
    simulation = Simulation(known, d_min=3.0)
    with pytest.raises(ValueError, match="indices"):
        simulation.draw([])
    with pytest.raises(ValueError, match="displacement"):
        simulation.structure_factors(np.zeros((2, 4, 3)))
