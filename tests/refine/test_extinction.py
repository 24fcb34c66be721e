"""Test extinction as a parameter: SHELXL's formula, its derivatives, and x refined from data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import argand
from argand.errors import ArgandError
from argand.io import read_experiment
from argand.measured import calculated_intensity, merge
from argand.radiation import KEV_ANGSTROM, Radiation
from argand.refine import Model, Weighting, free, refine
from argand.reflections import stol
from refined_structures import random_complex, relative_error, some_reflections, structure

ENERGY = 12.0
CHOICE = {"displacement": True, "occupancies": True, "overall_b": True, "extinction": True}
GROUPS = ["P -1", "P 1 21 1", "C m c 21"]


def model_of(spacegroup, x=0.5, **choice):
    """Return a model whose extinction is x where p = 0."""
    crystal = structure(spacegroup)
    return Model(
        crystal,
        some_reflections(crystal),
        free(crystal, **(choice or CHOICE)),
        radiation=Radiation.of_table("it92", ENERGY),
        extinction=x,
    )


def random_parameters(model, n=3):
    """Return small random parameters (n, k), with small changes of x."""
    p = np.random.default_rng(7).normal(size=(n, len(model))) * 0.01
    x_columns = model.parameters.of_kind("extinction")
    p[:, x_columns] = np.linspace(-0.01, 0.03, n)[:, None]
    return p


def shelxl(f, x, hkl, cell):
    """Return Fc [1 + 0.001 x Fc^2 lambda^3 / sin(2 theta)]^(-1/4) of F (n, m) and x (n, 1)."""
    wavelength = KEV_ANGSTROM / ENERGY
    two_theta = 2.0 * np.arcsin(wavelength * stol(hkl, cell))
    g = 0.001 * wavelength**3 / np.sin(two_theta)
    return f * (1.0 + x * g * np.abs(f) ** 2) ** -0.25


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_the_formula(spacegroup):
    model = model_of(spacegroup)
    p = random_parameters(model)
    plain = np.array(argand.structure_factors(model.crystals(p), model.hkl, energy_kev=ENERGY))
    x = model.extinction(p)[:, None]
    expected = shelxl(plain, x, model.hkl, model.crystal.cell)
    f = model.structure_factors(p)
    assert np.abs(f - expected).max() < 1e-12 * np.abs(plain).max()
    assert np.abs(expected).max() < 0.9 * np.abs(plain).max()
    assert np.allclose(model.extinction(p), [0.49, 0.51, 0.53])


def test_intensities_of_argand_measured_have_the_same_extinction():
    model = model_of("P -1", extinction=True)
    expected = calculated_intensity(
        model.crystal, model.hkl, radiation=Radiation.of_table(energy_kev=ENERGY), extinction=0.5
    )
    assert np.allclose(
        np.abs(model.structure_factors(np.zeros(len(model)))) ** 2, expected, rtol=1e-12
    )


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_x_of_zero_is_no_extinction(spacegroup):
    with_x, without = model_of(spacegroup, 0.0), model_of(spacegroup, 0.0, overall_b=True)
    zero = np.zeros(len(with_x)), np.zeros(len(without))
    assert np.array_equal(with_x.structure_factors(zero[0]), without.structure_factors(zero[1]))
    assert with_x.site_columns > without.site_columns


@pytest.mark.parametrize("spacegroup", GROUPS)
@pytest.mark.parametrize("x", [0.0, 0.5])
def test_derivatives_against_differences(spacegroup, x):
    model = model_of(spacegroup, x)
    p = random_parameters(model) if x else np.zeros((1, len(model)))
    jacobian = model.jacobian(p)
    differences = np.stack(
        [
            (model.structure_factors(p + d) - model.structure_factors(p - d)) / 2e-6
            for d in 1e-6 * np.eye(len(model))
        ],
        axis=-1,
    )
    assert np.abs(jacobian - differences).max() < 1e-6 * np.abs(jacobian).max()
    columns = model.parameters.of_kind("extinction")
    assert (
        np.abs(jacobian[..., columns] - differences[..., columns]).max()
        < 1e-6 * np.abs(jacobian[..., columns]).max()
    )


@pytest.mark.parametrize("spacegroup", GROUPS)
def test_vjp_is_the_adjoint_of_the_jacobian(spacegroup):
    model = model_of(spacegroup)
    p = random_parameters(model)
    g = random_complex(11, (3, len(model.hkl)))
    expected = np.einsum("nm,nmk->nk", g.conj(), model.jacobian(p)).real
    assert relative_error(model.vjp(p, g), expected) < 1e-12


@pytest.mark.parametrize("on", ["F", "F2"])
@pytest.mark.parametrize("method", ["lm", "lbfgs"])
def test_a_simulated_x_comes_back(on, method):
    crystal = structure("P 1 21/c 1")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 0.8)
    model = Model(
        crystal, hkl, free(crystal, extinction=True), radiation=Radiation.of_table("it92", ENERGY)
    )
    true = np.random.default_rng(13).normal(size=(2, len(model))) * 0.02
    true[:, -1] = 0.05, 0.5
    # The refinement has to find the scale.
    observed = 7.0 * np.abs(model.structure_factors(true))
    observed = observed if on == "F" else observed**2
    refinement = refine(model, observed, on=on, method=method, cycles=400, tolerance=1e-12)
    assert refinement.p[:, -1] == pytest.approx([0.05, 0.5], rel=1e-3)
    assert np.abs(refinement.p - true).max() < 1e-4
    assert refinement.figures.r1.max() < 1e-4


def test_the_uncertainty_of_x_is_its_scatter():
    crystal = structure("P 1 21/c 1")
    hkl = argand.miller_indices(crystal.cell, crystal.spacegroup, 1.0)
    still = free(crystal, positions=False, overall_b=True, extinction=True)
    model = Model(
        crystal, hkl, still, radiation=Radiation.of_table("it92", ENERGY), extinction=0.01
    )
    clean = np.abs(model.structure_factors(np.zeros(len(model)))) ** 2
    sigma = 0.03 * clean + 0.01 * clean.mean()
    observed = clean + sigma * np.random.default_rng(17).normal(size=(300, len(hkl)))
    refinement = refine(model, observed, sigma, tolerance=1e-8)
    assert refinement.p.std(axis=0) / refinement.sigma.mean(axis=0) == pytest.approx(
        [1.0, 1.0], abs=0.12
    )
    assert model.extinction(refinement.p).mean() == pytest.approx(0.01, rel=0.05)


def test_extinction_stays_in_another_cell():
    model = model_of("P -1")
    edges = 1.01 * np.array(model.crystal.cell[:3])
    cell = (*edges, *model.crystal.cell[3:])
    strained, p = model.in_cell(cell), random_parameters(model)
    plain = np.array(argand.structure_factors(strained.crystals(p), model.hkl, energy_kev=ENERGY))
    x = model.extinction(p)[:, None]
    expected = shelxl(plain, x, model.hkl, strained.crystal.cell)
    f = strained.structure_factors(p)
    assert np.abs(f - expected).max() < 1e-12 * np.abs(plain).max()


@pytest.mark.parametrize("arguments", [{"extinction": 0.1}, {"parameters": "free"}])
def test_extinction_needs_a_wavelength(arguments):
    crystal = structure("P -1")
    if arguments.get("parameters") == "free":
        arguments = {"parameters": free(crystal, extinction=True)}
    with pytest.raises(
        ArgandError, match="extinction depends on the wavelength: needs a radiation with one"
    ):
        Model(crystal, some_reflections(crystal), **arguments)


@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
def test_a_measured_crystal_ends_at_its_published_r1():
    file = Path(__file__).parents[1] / "data" / "4003024.cif"
    crystal, experiment = argand.read_crystal(file), read_experiment(file)
    data = merge(argand.read_reflections(file), cell=crystal.cell, spacegroup=crystal.spacegroup)
    energy, weighting = KEV_ANGSTROM / experiment.wavelength, Weighting(*experiment.weights)

    def refined(extinction):
        parameters = free(crystal, displacement=True, extinction=extinction)
        model = Model(crystal, data.hkl, parameters, radiation=Radiation.of_table("it92", energy))
        return refine(model, data.intensity, data.sigma, weighting=weighting)

    refinement = refined(extinction=True)
    assert refinement.figures.r1_strong[0] == pytest.approx(experiment.stated["R1"], abs=0.002)
    assert refinement.model.extinction(refinement.p)[0] == pytest.approx(
        experiment.extinction, abs=3 * refinement.sigma[0, -1]
    )
    assert refined(extinction=False).figures.r1_strong[0] > experiment.stated["R1"] + 0.01
