"""Samples: their F is that of the crystal they stand for, and they depend on (seed, index) alone."""

from __future__ import annotations

import json

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
    """Five sites on general positions of any group."""
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
    changes = Perturbation(**{**vars(EVERYTHING), "symmetry": symmetry})
    simulation = Simulation(CRYSTALS[name], changes, d_min=2.0, seed=6, dtype="float64")
    samples = simulation.draw(range(4))
    size = np.abs(simulation.f0).max()
    np.testing.assert_allclose(
        simulation.f0,
        argand.structure_factors(simulation.crystal, simulation.hkl),
        atol=1e-10 * size,
    )
    extra = 0
    for i in range(4):
        true = simulation.true_crystal(samples, i)
        extra += sum(t.startswith("Cl") for t in true.types)
        assert true.cell != simulation.crystal.cell
        f = argand.structure_factors(true, simulation.hkl)
        np.testing.assert_allclose(samples.f[i], f, atol=1e-10 * size)
    assert 0 < extra < 8
    fast = Simulation(CRYSTALS[name], changes, d_min=2.0, seed=6).draw(range(4))
    np.testing.assert_allclose(fast.f, samples.f, atol=2e-5 * size)


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
    f = argand.structure_factors(
        simulation.true_crystal(samples, 0), simulation.hkl, energy_kev=8.0
    )
    np.testing.assert_allclose(samples.f[0], f, atol=1e-9 * np.abs(f).max())
    assert np.abs(samples.f[0] - simulation.f0).max() > 1.0


def test_unmodelled_atoms_in_cells_without_a_general_place():
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
        np.testing.assert_allclose(
            f, argand.structure_factors(crystal, simulation.hkl), atol=1e-9 * np.abs(f).max()
        )


def test_an_atom_that_moves_near_its_image_keeps_its_occupancy():
    # 0.3 angstrom from the centre of inversion: a new crystal would count it as one atom on it
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
    np.testing.assert_allclose(f, 2 * form * np.cos(2 * np.pi * simulation.hkl @ x), atol=1e-10)


def same(a, b) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("name", ["P 1", "P 1 21/c 1"])
def test_a_sample_is_a_function_of_seed_and_index(name):
    simulation = Simulation(CRYSTALS[name], EVERYTHING, MEASURED, d_min=2.0, seed=9)
    index = [7, 300, 0, 1 << 40]
    together = simulation.draw(index)
    for row, i in enumerate(index):
        assert same(simulation.draw([i]), [field[row : row + 1] for field in together])
    many = simulation.draw(range(300))  # more than one chunk
    assert same([field[7] for field in many], [field[0] for field in together])
    other = Simulation(CRYSTALS[name], EVERYTHING, MEASURED, d_min=2.0, seed=10).draw(index)
    assert not np.any(other.displacement == together.displacement)


def test_a_ramp_leads_from_the_known_crystal_to_one_draw():
    changes = Perturbation([Independent(0.3), Waves(0.1)], strain=0.01, vibration=0.2, ramp=11)
    simulation = Simulation(CRYSTALS["P 1"], changes, d_min=3.0, dtype="float64")
    samples = simulation.draw(range(12))
    assert not samples.displacement[0].any()
    np.testing.assert_allclose(samples.f[0], simulation.f0, atol=1e-9 * np.abs(simulation.f0).max())
    np.testing.assert_allclose(samples.displacement[5], samples.displacement[10] / 2, atol=1e-12)
    np.testing.assert_allclose(
        np.log(samples.vibration[5]), np.log(samples.vibration[10]) / 2, atol=1e-12
    )
    assert np.abs(samples.cell[10] - simulation.crystal.cell).max() > 0.01
    np.testing.assert_array_equal(samples.frac[11], samples.frac[0])  # and again from the beginning
    assert samples.displacement[10].any()


def test_the_origin_stays_where_it_floats():
    for name, free in (("P 1", 3), ("C 1 2 1", 1), ("P -1", 0)):
        parent = CRYSTALS[name]
        directions, centre = drift(parent)
        assert directions.shape == (3, free)
        fixed = Simulation(parent, d_min=3.0).displacements(np.arange(50)).reshape(50, -1)
        loose = Simulation(parent, Perturbation(fix_origin=False), d_min=3.0).displacements(
            np.arange(50)
        )
        np.testing.assert_allclose(centre @ fixed.T, 0.0, atol=1e-12)
        moved = loose.reshape(50, -1) - fixed
        assert (np.abs(moved).max() > 0.01) == (free > 0)
        # what was taken away is a shift of the whole: no amplitude knows of it
        a, b = (
            np.abs(Simulation(parent, p, d_min=3.0, dtype="float64").draw([3]).f)
            for p in (Perturbation(), Perturbation(fix_origin=False))
        )
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * a.max())
    chosen = Simulation(
        CRYSTALS["P 1"], Perturbation([Independent(0.3, (0,))]), d_min=3.0
    ).displacements(np.arange(9))
    assert not chosen[:, 1:].any()


@pytest.mark.parametrize(
    ("spacegroup", "cell", "free"),
    [
        ("P 1", (9.0, 10.0, 11.0, 83.0, 95.0, 104.0), 6),
        ("P 1 21/c 1", (9.0, 10.0, 11.0, 90.0, 95.0, 90.0), 4),
        ("P 21 21 21", (9.0, 10.0, 11.0, 90.0, 90.0, 90.0), 3),
        ("R -3 m:H", (9.0, 9.0, 11.0, 90.0, 90.0, 120.0), 2),
        ("F m -3 m", (9.0, 9.0, 9.0, 90.0, 90.0, 90.0), 1),
    ],
)
def test_strain_keeps_the_crystal_system(spacegroup, cell, free):
    parent = argand.Crystal(
        cell=cell, spacegroup=spacegroup, types=("Na",), frac=np.array([[0.11, 0.23, 0.37]])
    )
    strained = Simulation(parent, Perturbation((), strain=0.02), d_min=2.0).draw(range(30)).cell
    change = strained - cell
    assert np.linalg.matrix_rank(change, tol=0.02) == free
    assert 0.002 < np.std(change[:, 0] / cell[0]) < 0.03
    for row in strained:
        argand.Crystal(cell=tuple(row), spacegroup=spacegroup)
        if cell[1] == cell[0]:
            assert row[1] == pytest.approx(row[0], rel=1e-12)
        # what the system fixes stays exactly
        system = {4: (3, 5), 3: (3, 4, 5), 2: (3, 4, 5), 1: (3, 4, 5)}.get(free, ())
        assert [row[i] for i in system] == [cell[i] for i in system]


def test_unmodelled_atoms_lie_in_voids_and_in_their_share_of_samples():
    parent = CRYSTALS["P 1 21/c 1"]
    changes = Perturbation(unmodelled=Unmodelled("O", probability=0.1))
    samples = Simulation(parent, changes, d_min=4.0, seed=1).draw(range(3000))
    there = samples.occ[:, 5] > 0
    assert there.mean() == pytest.approx(0.1, abs=0.02)
    atoms = parent.to_p1().frac

    def nearest(places: np.ndarray) -> np.ndarray:
        shift = places[:, None] - atoms
        shift -= np.rint(shift)
        return np.linalg.norm(shift * parent.cell[:3], axis=2).min(axis=1)

    anywhere = np.random.default_rng(0).random((2000, 3))
    assert np.median(nearest(samples.unmodelled[there, 0])) > 1.3 * np.median(nearest(anywhere))


def test_descriptions_survive_json():
    for description in (
        EVERYTHING,
        MEASURED,
        Perturbation(
            (
                Groups(0.1, (("C", 2),), rotation=0.2),
                Modes(((((1.0, 0.0, 0.0),) * 5),), 0.2),
                Directions(0.1, None),
            )
        ),
        Perturbation(symmetry="broken"),
    ):
        content = json.loads(json.dumps(to_json(description)))
        again = from_json(content)
        assert to_json(again) == to_json(description)
        first, second = (
            Simulation(CRYSTALS["P 1"], *parts, d_min=3.0).draw([1])
            for parts in (
                ((d, None) if isinstance(d, Perturbation) else (None, d))
                for d in (description, again)
            )
        )
        assert same(first, second)
    for wrong, words in (
        ({"kind": "crystal"}, "kind 'crystal'"),
        ({"kind": "waves", "rmss": 1}, "no 'rmss'"),
        (
            {"kind": "perturbation", "displacements": [{"kind": "waves", "rms": -1}]},
            r"displacements\[0\]: rms is -1",
        ),
        ([], "kind None"),
    ):
        with pytest.raises(argand.ArgandError, match=words):
            from_json(wrong)


def test_refusals():
    parent = CRYSTALS["P 1"]
    for arguments, words in (
        ({}, "d_min"),
        ({"d_min": 1.0, "hkl": [[1, 0, 0]]}, "d_min"),
        ({"d_min": 100.0}, "no reflections"),
        ({"d_min": -1.0}, "d_min"),
    ):
        with pytest.raises(argand.ArgandError, match=words):
            Simulation(parent, **arguments)
    with pytest.raises(argand.ArgandError, match="no atoms"):
        Simulation(argand.Crystal(cell=parent.cell), d_min=1.0)
    simulation = Simulation(parent, d_min=3.0)
    with pytest.raises(ValueError, match="indices"):
        simulation.draw([])
    with pytest.raises(ValueError, match="displacement"):
        simulation.structure_factors(np.zeros((2, 4, 3)))
