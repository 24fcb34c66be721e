"""Test the model: F against argand.structure_factors, derivatives, and site symmetry."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.radiation import Radiation
from argand.refine import Model, free
from refined_structures import (
    STRUCTURES,
    random_complex,
    relative_error,
    some_reflections,
    structure,
)

GROUPS = list(STRUCTURES)


def full_model(spacegroup, energy_kev=None):
    """Return a model with every kind of parameter but extinction, and parameters (3, k)."""
    crystal = structure(spacegroup)
    parameters = free(crystal, displacement=True, occupancies=True, overall_b=True)
    model = Model(
        crystal,
        some_reflections(crystal),
        parameters,
        radiation=Radiation.of_table("it92", energy_kev),
    )
    rng = np.random.default_rng(7)
    return model, rng.normal(size=(3, len(model))) * 0.01


@pytest.mark.parametrize("energy_kev", [None, 12.0])
@pytest.mark.parametrize("spacegroup", GROUPS)
def test_structure_factors_agree_with_the_displaced_crystals(spacegroup, energy_kev):
    model, p = full_model(spacegroup, energy_kev)
    f = model.structure_factors(p)
    expected = np.array(
        argand.structure_factors(model.crystals(p), model.hkl, energy_kev=energy_kev)
    )
    assert relative_error(f, expected) < 1e-12
    assert np.array_equal(model.structure_factors(p[1]), f[1])


@pytest.mark.parametrize("energy_kev", [None, 12.0])
@pytest.mark.parametrize("spacegroup", GROUPS)
def test_jacobian_against_differences(spacegroup, energy_kev):
    model, p = full_model(spacegroup, energy_kev)
    jacobian = model.jacobian(p)
    differences = []
    for step in 1e-5 * np.eye(len(model)):
        ahead = model.structure_factors(p + step)
        behind = model.structure_factors(p - step)
        differences.append((ahead - behind) / 2e-5)
    assert relative_error(np.stack(differences, axis=-1), jacobian) < 1e-7


@pytest.mark.parametrize("energy_kev", [None, 12.0])
@pytest.mark.parametrize("spacegroup", GROUPS)
def test_vjp_is_the_adjoint_of_the_jacobian(spacegroup, energy_kev):
    model, p = full_model(spacegroup, energy_kev)
    g = random_complex(11, (3, len(model.hkl)))
    expected = np.einsum("nm,nmk->nk", g.conj(), model.jacobian(p)).real
    assert relative_error(model.vjp(p, g), expected) < 1e-12
    along = model.jacobian_along(p, g)
    assert relative_error(along.sum(axis=2), expected) < 1e-12


@pytest.mark.parametrize("spacegroup", ["P 1 21/c 1", "R -3 c:H", "C m c 21"])
def test_jacobian_against_autograd(spacegroup):
    torch = pytest.importorskip("torch")
    from argand import torch as at

    crystal = structure(spacegroup)
    model = Model(crystal, some_reflections(crystal), free(crystal, overall_b=False))
    p1 = crystal.to_p1()
    arguments = at.tensors(p1, model.hkl)
    step = 1e-3
    # How all atoms of the cell follow each parameter, by the expansion that Crystal makes.
    displacements_of_atoms = [
        (model.crystals(step * e)[0].to_p1().frac - model.crystals(-step * e)[0].to_p1().frac + 0.5)
        % 1.0
        - 0.5
        for e in np.eye(len(model))
    ]
    directions = torch.tensor(np.array(displacements_of_atoms) / (2 * step))

    def f(p):
        frac = arguments["frac"] + torch.einsum("k,kac->ac", p, directions)
        value = at.structure_factors(**{**arguments, "frac": frac})
        return torch.stack([value.real, value.imag])

    parts = torch.autograd.functional.jacobian(
        f, torch.zeros(len(model), dtype=torch.float64)
    ).numpy()
    expected = parts[0] + 1j * parts[1]
    assert (
        np.abs(model.jacobian(np.zeros(len(model))) - expected).max()
        < 1e-9 * np.abs(expected).max()
    )


@pytest.mark.parametrize("spacegroup", ["P 1 21 1", "P 41 21 2", "P -1"])
def test_merged_friedel_mates(spacegroup):
    """The mean of Friedel mates hardly depends on f'', each mate may: iron among carbon, Mo."""
    crystal = structure(spacegroup)
    hkl = some_reflections(crystal)
    energy = 17.44
    intensities = []
    for sign in (1, -1):
        f = argand.structure_factors(crystal, sign * hkl, energy_kev=energy)
        intensities.append(np.abs(f) ** 2)
    mean = np.sqrt(np.mean(intensities, axis=0))
    radiation = Radiation.of_table("it92", energy)
    merged = Model(crystal, hkl, free(crystal), radiation=radiation, mates_merged=True)
    apart = Model(crystal, hkl, free(crystal), radiation=radiation)
    zero = np.zeros(len(merged))
    r_merged = np.abs(np.abs(merged.structure_factors(zero)) - mean).sum() / mean.sum()
    r_apart = np.abs(np.abs(apart.structure_factors(zero)) - mean).sum() / mean.sum()
    if spacegroup == "P -1":
        assert max(r_merged, r_apart) < 1e-12
    else:
        assert r_merged < 0.003
        assert r_apart > r_merged
    strained = merged.in_cell(crystal.cell)
    assert np.array_equal(strained.structure_factors(zero), merged.structure_factors(zero))


def test_float32_jacobian():
    model, p = full_model("P 1 21/c 1")
    w = np.ones((3, len(model.hkl)))
    double = model.jacobian_along(p, w, np.float64)
    single = model.jacobian_along(p, w, np.float32)
    assert single.dtype == np.float32
    assert relative_error(single, double) < 1e-5


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_site_symmetry_stays(spacegroup):
    model, p = full_model(spacegroup)
    before, after = model.crystal, model.crystals(10 * p)[0]
    assert np.array_equal(before.multiplicity(), after.multiplicity())
    # The symmetry of tensors is kept too: the expansion would otherwise find more atoms, images
    # that differ in U.
    assert len(after.to_p1().types) == len(before.to_p1().types)


def test_free_components_on_special_positions():
    names = free(structure("F d -3 m:1"), displacement=[True, False, True, False, False]).names
    assert [n for n in names if n.startswith("C1.")] == [
        "C1.U11"
    ]  # -4 3 m: no place, one component
    assert [n for n in names if n.startswith("Fe3.")] == ["Fe3.u1", "Fe3.U11", "Fe3.U12"]  # 3 m
    assert [n for n in names if n.startswith("N5.")] == ["N5.x", "N5.y", "N5.z"]


@pytest.mark.parametrize(
    ("spacegroup", "number"), [("P 1", 3), ("P 1 21 1", 1), ("C m c 21", 1), ("P -1", 0)]
)
def test_floating_origins_leave_amplitudes(spacegroup, number):
    model, p = full_model(spacegroup)
    floating = model.floating()
    assert floating.shape == (number, len(model))
    for direction in floating:
        f, moved = model.structure_factors(p), model.structure_factors(p + direction)
        assert relative_error(np.abs(moved), np.abs(f)) < 1e-10
        assert np.abs(f - moved).max() > 0.1 * np.abs(f).max()


def test_displacements_and_back():
    model, p = full_model("C m c 21")
    u = model.displacements(p)
    assert u.shape == (3, 5, 3)
    at = model.parameters.of_kind("position")
    lengths = np.linalg.norm(u.reshape(3, -1), axis=1)
    assert np.allclose(lengths, np.linalg.norm(p[:, at], axis=1), atol=1e-12)
    back = model.from_displacements(u)
    assert np.allclose(back[:, at], p[:, at], atol=1e-12)
    assert not np.delete(back, at, axis=1).any()


def test_riding_and_modes():
    crystal = structure("P -1")
    riding = Model(crystal, some_reflections(crystal), free(crystal, riding={"C4": "O2"}))
    assert not any(name.startswith("C4") for name in riding.parameters.names)
    u = riding.displacements(np.eye(len(riding))[0])
    assert np.allclose(u[3], u[1])
    assert np.linalg.norm(u[1]) == pytest.approx(1.0)
    breathing = np.zeros((1, 5, 3))
    breathing[0, 1:, 2] = [1.0, -1.0, 2.0, 0.5]
    mode = Model(crystal, riding.hkl, free(crystal, positions=breathing))
    assert mode.parameters.names == ("mode.1",)
    assert np.allclose(mode.displacements(np.array([0.3])), 0.3 * breathing[0])


def test_in_another_cell():
    model, p = full_model("P 1 21/c 1")
    strained = model.in_cell((6.1, 7.0, 7.9, 90, 96, 90))
    expected = np.array(argand.structure_factors(strained.crystals(p), model.hkl))
    assert relative_error(strained.structure_factors(p), expected) < 1e-12
    [frac, frac_strained] = [each.crystals(p)[0].frac for each in (model, strained)]
    assert np.allclose(frac_strained, frac)


def test_sites_that_have_gone_far_scatter_no_more_than_all_electrons():
    crystal = argand.Crystal(
        cell=(5.0, 6.0, 7.0, 90.0, 100.0, 90.0),
        spacegroup="P 1",
        types=["C", "O"],
        frac=np.eye(2, 3),
    )
    model = Model(crystal, [[1, 0, 0], [2, 255, 0], [2, 1, 0]])
    for distance in (1e3, 1e9, 1e20, 1e30):
        f = model.structure_factors(np.full(len(model), distance))
        assert (np.abs(f) <= 14.0).all(), f"{distance:g} angstrom: {f}"


def test_nothing_free():
    crystal = structure("P -1")
    model = Model(crystal, some_reflections(crystal), free(crystal, positions=False))
    assert len(model) == 0
    f = model.structure_factors(np.empty((1, 0)))[0]
    assert np.allclose(f, argand.structure_factors(crystal, model.hkl))


def test_bad_choices_of_parameters_are_named():
    crystal = structure("P -1")
    with pytest.raises(ArgandError, match=r"displacement is bool of shape \(3,\)"):
        free(crystal, displacement=[True] * 3)
    with pytest.raises(ArgandError, match="moves C1 off its special position"):
        free(crystal, positions=np.ones((1, 5, 3)))
    with pytest.raises(ArgandError, match="'H9', which is no label"):
        free(crystal, riding={"H9": "C1"})
    with pytest.raises(ArgandError, match="follows"):
        free(crystal, riding={"C4": "O2", "O2": "N5"})
    with pytest.raises(ValueError, match="p has shape"):
        Model(crystal, [[1, 0, 0]]).structure_factors(np.zeros(3))
    with pytest.raises(ArgandError, match="parameters are of 5 sites, the crystal has 4"):
        Model(structure("P -1", sites=4), [[1, 0, 0]], free(crystal))


def test_derivatives_of_riding_sites_are_added_to_their_carrier():
    """Derivatives by a carrier are the sums of those by it and by its two riders, each alone."""
    crystal = structure("P 1 21/c 1")
    is_general = crystal.in_place.sum(axis=1) == 1
    labels = [crystal.labels[site] for site in np.flatnonzero(is_general)[:3]]
    hkl = some_reflections(crystal)
    alone = Model(crystal, hkl, free(crystal))
    riding = Model(crystal, hkl, free(crystal, riding={labels[2]: labels[0], labels[1]: labels[0]}))
    w = random_complex(11, (1, len(hkl)))
    by_site = alone.jacobian_along(np.zeros((1, len(alone))), w)[0]
    by_carrier = riding.jacobian_along(np.zeros((1, len(riding))), w)[0]
    for axis in "xyz":
        rows = [alone.parameters.names.index(f"{label}.{axis}") for label in labels]
        row = riding.parameters.names.index(f"{labels[0]}.{axis}")
        assert relative_error(by_carrier[row], by_site[rows].sum(axis=0)) < 1e-12
    # The derivatives of riders take no columns of their own.
    assert riding.site_columns == alone.site_columns - 6
