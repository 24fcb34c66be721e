"""Test models of phased crystals: atoms, elements, hydrogens and R1 of known structures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import argand
from argand.atom_types import atom_type
from argand.errors import ArgandError
from argand.io import read_crystal, read_experiment, read_reflections
from argand.measured import merge
from argand.peaks import nearest_image
from argand.radiation import Radiation
from argand.reflections import centric
from argand.solve.completion import AtomicModelSettings
from argand.solve.model import build_model
from argand.structure_factors import structure_factors
from data_dir import DATA, SHARED, needs_shared
from phased_crystals import alcohol, heavy_part, phased

# Deposited structures with one element at each site, of several crystal systems.
FILES = ["2020199.cif", "9008098.cif", "9002547.cif"]


def compare(model, truth):
    """Return the largest distance, angstrom, of a heavy site to the nearest of its element."""
    heavy = heavy_part(truth)
    found = heavy_part(model.crystal)
    assert len(found.types) == len(heavy.types)
    distance = nearest_image(heavy.frac, found.frac, truth.cell, truth.symops)
    same = np.array(heavy.types)[:, None] == np.array(found.types)
    return float(np.where(same, distance, np.inf).min(axis=1).max())


def test_a_molecule_is_recovered_with_its_hydrogens():
    """Noise of 2 % and phases wrong by 20 degrees: every atom, ten hydrogens, R1 of the noise."""
    truth = alcohol()
    data = phased(truth, noise=0.02, degrees=20.0)
    model = build_model(data, truth.composition())
    assert compare(model, truth) < 0.01
    assert model.hydrogens.sum() == 10
    hydrogens = model.crystal.frac[model.hydrogens]
    distance = nearest_image(truth.frac[9:], hydrogens, truth.cell, truth.symops)
    assert distance.min(axis=1).max() < 0.12
    assert model.r1 < 0.02
    assert model.crystal.anisotropic.sum() == 9
    assert model.reflections == len(data.merged.hkl)
    assert model.extinction is None
    assert model.goodness == pytest.approx(1.0, abs=0.25)
    assert not [note for note in model.notes if "content" in note]
    uncertain = model.refinement.sigma[0]
    assert np.isfinite(uncertain).all()


@pytest.mark.parametrize("scale", [1e-3, 1e4])
def test_the_scale_of_the_data_does_not_matter(scale):
    """Intensities in other units give the same sites and the same R1."""
    truth = alcohol()
    model = build_model(phased(truth, noise=0.02, scale=scale), truth.composition())
    reference = build_model(phased(truth, noise=0.02), truth.composition())
    assert model.crystal.formula == reference.crystal.formula
    distance = nearest_image(model.crystal.frac, reference.crystal.frac, truth.cell, truth.symops)
    farthest = distance.min(axis=1)
    # The image of the molecule may differ, and with it the points where O-H is looked for.
    assert farthest[~model.hydrogens].max() < 1e-3
    assert farthest.max() < 0.05
    assert model.r1 == pytest.approx(reference.r1, abs=5e-4)
    assert model.scale / reference.scale == pytest.approx(scale, rel=1e-3)


def test_an_unknown_content_is_found():
    """Without a content the elements follow from electrons, bonds and refinement."""
    truth = alcohol()
    model = build_model(phased(truth, noise=0.02, degrees=15.0))
    assert compare(model, truth) < 0.01
    assert model.hydrogens.sum() == 10


@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
@pytest.mark.parametrize("name", FILES)
def test_deposited_structures_are_recovered(name):
    """Computed data of deposited structures: all sites, right elements where one is at a site."""
    truth = read_crystal(DATA / name)
    # Some files state no displacements.
    truth = truth.replace(b_iso=np.where(truth.b_iso > 0.0, truth.b_iso, 1.0))
    full = truth.occ > 0.99
    model = build_model(phased(truth, noise=0.01), truth.composition())
    found = heavy_part(model.crystal)
    wrong = 0
    distance = nearest_image(truth.frac, found.frac, truth.cell, truth.symops)
    for site in np.flatnonzero(full):
        element = atom_type(truth.types[site]).element
        if element in ("H", "D"):
            continue
        nearest = int(distance[site].argmin())
        assert distance[site, nearest] < 0.05
        wrong += found.types[nearest] != element
    assert wrong == 0
    assert model.r1 < 0.06


def test_what_is_not_wanted_is_left_out():
    """Without hydrogens, tensors and extinction there are heavy isotropic sites alone."""
    truth = alcohol()
    settings = AtomicModelSettings(hydrogens=False, anisotropic=False, extinction=False)
    model = build_model(phased(truth, noise=0.02), truth.composition(), settings)
    assert not model.hydrogens.any()
    assert not model.crystal.anisotropic.any()
    # 9 sites of three coordinates and B.
    assert model.parameters == 36
    assert any("0 H" in note and "40" in note for note in model.notes)


def test_extinction_is_refined_when_asked_for():
    """A crystal without extinction has an x near 0, and a note says that it was refined."""
    truth = alcohol()
    settings = AtomicModelSettings(extinction=True)
    model = build_model(phased(truth, noise=0.02), truth.composition(), settings)
    assert abs(model.extinction) < 0.02
    assert any("Extinction" in note for note in model.notes)


def test_data_without_sigmas_are_refined():
    """Weights are made up where the data have no sigmas."""
    truth = alcohol()
    data = phased(truth)
    merged = argand.measured.Merged(**{**vars(data.merged), "sigma": None})
    data = SimpleNamespace(
        merged=merged, structure_factors=data.structure_factors, radiation=data.radiation
    )
    model = build_model(data, truth.composition())
    assert compare(model, truth) < 0.01
    assert model.r1 < 0.02


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        ({"H": 4}, "no atoms but hydrogen"),
        ({"Xy": 4}, "'Xy'"),
        ({"C": -1}, "-1 atoms"),
        ({"C": np.nan}, "nan atoms"),
    ],
)
def test_impossible_contents_are_refused(contents, words):
    """One line says what is wrong with a content."""
    with pytest.raises(ArgandError, match=words):
        build_model(phased(alcohol(), d_min=1.5), contents)


def test_structure_factors_without_a_map_are_refused():
    """All 0, NaN, and another number than that of the reflections."""
    data = phased(alcohol(), d_min=1.5)
    for f in (0.0 * data.structure_factors, np.nan * data.structure_factors):
        data.structure_factors = f
        with pytest.raises(ArgandError, match="all 0 or not finite"):
            build_model(data)
    data.structure_factors = np.ones(3, complex)
    with pytest.raises(ArgandError, match="shape"):
        build_model(data)


@needs_shared
@pytest.mark.parametrize(
    ("name", "folder", "published"),
    [
        ("cod_2242045", "measured", 0.0279),
        ("structurefinder_051a", "measured", 0.0326),
        ("cod_2013000", "unsolved", 0.0490),
        ("cod_2016452", "unsolved", 0.0381),
        ("cod_2200000", "unsolved", 0.0613),
        ("crystalx_2380405", "unsolved", 0.0361),
    ],
)
def test_published_r1_are_reached(name, folder, published):
    """Measured |F| with phases of the deposited structure, wrong by 20 degrees (seed 0)."""
    path = SHARED / folder
    truth = read_crystal(path / f"{name}.cif")
    experiment = read_experiment(path / f"{name}.cif")
    reflections = read_reflections(
        path / f"{name}.hkl", cell=truth.cell, spacegroup=truth.spacegroup
    )
    merged = merge(reflections)
    f = structure_factors(truth, merged.hkl)
    error = np.radians(20.0) * np.random.default_rng(0).normal(size=len(f))
    phase = np.angle(f) + np.where(centric(merged.hkl, truth.spacegroup), 0.0, error)
    amplitude = np.sqrt(np.maximum(merged.intensity, 0.0))
    data = SimpleNamespace(
        merged=merged,
        structure_factors=amplitude * np.exp(1j * phase),
        radiation=Radiation("x-ray", experiment.wavelength, dispersion=True),
    )
    model = build_model(data, truth.composition())
    assert compare(model, truth) < 0.1
    assert model.r1 < published + 0.01
