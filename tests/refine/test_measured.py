"""Test refinement of measured crystals: moved structures come back to the published R1."""

from __future__ import annotations

import numpy as np
import pytest

import argand
from argand.measured import merge
from argand.radiation import KEV_ANGSTROM, Radiation
from argand.refine import Model, Weighting, free, refine
from data_dir import SHARED, needs_shared

ENERGY = KEV_ANGSTROM / 0.71073

# Weights a and b, and R1, as published.
MEASURED = {
    "cod_2242045": (0.0282, 0.1042, 0.0279),
    "structurefinder_106c": (0.0567, 0.2303, 0.0401),
    "cod_2238212": (0.0483, 1.1464, 0.0348),
}


def data_of(name):
    """Return the crystal and the merged reflections of a measurement."""
    folder = SHARED / "measured"
    crystal = argand.read_crystal(folder / f"{name}.cif")
    file = folder / f"{name}.hkl"
    reflections = argand.read_reflections(file if file.exists() else folder / f"{name}_hkl.hkl")
    return crystal, merge(reflections, cell=crystal.cell, spacegroup=crystal.spacegroup)


@needs_shared
@pytest.mark.filterwarnings("ignore::argand.errors.ArgandWarning")
@pytest.mark.parametrize("rms", [0.3, 0.5])
@pytest.mark.parametrize("name", [n for n in MEASURED if n != "cod_2238212"])
def test_moved_structure_comes_back(name, rms):
    crystal, data = data_of(name)
    a, b, published = MEASURED[name]
    everything = free(crystal, displacement=True)
    undisturbed = refine(
        Model(crystal, data.hkl, everything, radiation=Radiation.of_table("it92", ENERGY)),
        data.intensity,
        data.sigma,
        weighting=Weighting(a, b),
    )
    assert undisturbed.figures.r1_strong[0] < published + 0.005
    model = Model(crystal, data.hkl, radiation=Radiation.of_table("it92", ENERGY))
    moved = model.crystals(
        np.random.default_rng(20).normal(size=(1, len(model))) * rms / np.sqrt(3)
    )[0]
    # Positions alone first, where phases are poor, then everything.
    roughly_refined = refine(
        Model(moved, data.hkl, radiation=Radiation.of_table("it92", ENERGY)),
        data.intensity,
        anneal=(1.5, 1.1),
    ).crystals()[0]
    refined_again = refine(
        Model(
            roughly_refined,
            data.hkl,
            free(roughly_refined, displacement=True),
            radiation=Radiation.of_table("it92", ENERGY),
        ),
        data.intensity,
        data.sigma,
        weighting=Weighting(a, b),
    )
    assert abs(refined_again.figures.r1_strong[0] - undisturbed.figures.r1_strong[0]) < 0.005
    assert (
        np.abs(
            refined_again.model.crystals(refined_again.p)[0].frac - undisturbed.crystals()[0].frac
        ).max()
        < 0.02
    )


@needs_shared
def test_standard_uncertainties_are_of_the_published_size():
    import gemmi

    crystal, data = data_of("cod_2242045")
    a, b, _ = MEASURED["cod_2242045"]
    model = Model(
        crystal,
        data.hkl,
        free(crystal, displacement=True),
        radiation=Radiation.of_table("it92", ENERGY),
    )
    refinement = refine(
        model, data.intensity, data.sigma, weighting=Weighting(a, b), covariance=True
    )
    column = (
        gemmi.cif.read(str(SHARED / "measured" / "cod_2242045.cif"))
        .sole_block()
        .find(["_atom_site_label", "_atom_site_fract_x"])
    )
    published = {}
    for row in column:
        digits, _, paren = row.str(1).partition("(")
        if paren:
            published[row.str(0)] = float(paren.rstrip(")")) * 10.0 ** -len(
                digits.partition(".")[2]
            )
    x = model.parameters.directions[:, :, 0]
    uncertainty = np.sqrt(np.einsum("kn,kl,ln->n", x, refinement.covariance[0], x))
    ratios = [
        uncertainty[i] / published[label]
        for i, label in enumerate(crystal.labels)
        if published.get(label)
    ]
    assert len(ratios) >= 10
    assert 0.7 < np.median(ratios) < 1.4
