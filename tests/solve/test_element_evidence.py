"""Test what a linear step of a complete model says of other elements at its sites."""

from __future__ import annotations

import numpy as np
import pytest

from argand.peaks import nearest_image
from argand.refine import refine
from argand.solve.completion import AtomicModelSettings, complete
from argand.solve.element_evidence import element_misfits
from argand.solve.final_refinement import free_parameters
from argand.solve.model import build_model
from argand.solve.observed_amplitudes import ObservedAmplitudes
from argand.solve.site_revision import is_same, revised_sites
from phased_crystals import alcohol, heavy_part, phased

SYMBOLS = ["C", "N", "O"]
CONTENT = {"C": 32.0, "H": 40.0, "O": 4.0}


def structure_of(types, noise=0.02):
    """Return data of an alcohol, and the complete model of its sites with the given elements."""
    truth = alcohol()
    data = phased(truth, noise=noise)
    observed = ObservedAmplitudes.of(data.merged, data.radiation)
    heavy = heavy_part(truth)
    labels = tuple(f"{name}{number}" for number, name in enumerate(types, start=1))
    heavy = heavy.replace(types=tuple(types), labels=labels)
    return observed, complete(observed, heavy, CONTENT["H"], AtomicModelSettings())


def changed(site, element):
    """Return the elements of the alcohol, one of them another."""
    types = list(heavy_part(alcohol()).types)
    types[site] = element
    return types


def test_right_elements_cost_nothing_and_have_their_electrons():
    """Every site of a right model prefers its element, and counts its electrons to .2."""
    truth = heavy_part(alcohol())
    observed, structure = structure_of(truth.types)
    costs, electrons = element_misfits(observed, structure, SYMBOLS)
    assert [SYMBOLS[i] for i in costs.argmin(axis=1)] == list(truth.types)
    others = np.sort(costs, axis=1)[:, 1]
    assert others.min() > 5.0
    numbers = [{"C": 6.0, "O": 8.0}[name] for name in truth.types]
    assert electrons == pytest.approx(numbers, abs=0.2)


@pytest.mark.parametrize(
    ("site", "wrong"), [(0, "N"), (3, "O"), (6, "N"), (6, "O"), (7, "N"), (8, "N"), (8, "C")]
)
def test_a_wrong_element_is_recognised_with_its_hydrogens(site, wrong):
    """A carbon that was taken for nitrogen or oxygen, and lost its hydrogens, is carbon again."""
    truth = heavy_part(alcohol())
    observed, structure = structure_of(changed(site, wrong))
    costs, _ = element_misfits(observed, structure, SYMBOLS)
    assert SYMBOLS[costs[site].argmin()] == truth.types[site]


def test_a_linear_step_agrees_with_a_refinement():
    """The cost of nitrogen in place of carbon is the rise of the refined chi^2, within a third."""
    truth = heavy_part(alcohol())
    observed, structure = structure_of(truth.types)
    costs, _ = element_misfits(observed, structure, ["C", "N"])
    site = 3
    crystal = structure.crystal
    row = [i for i, name in enumerate(crystal.types) if name != "H"][site]
    carried = {h for h, carrier in structure.riding.items() if carrier == crystal.labels[row]}
    occ = [0.0 if label in carried else 1.0 for label in crystal.labels]
    types = list(crystal.types)
    types[row] = "N"
    other = crystal.replace(types=tuple(types), occ=np.array(occ))
    chi2 = []
    for model in (crystal, other):
        parameters = free_parameters(model.replace(occ=np.ones(len(occ))), structure.riding)
        refinement = refine(
            observed.model(model, parameters),
            observed.merged.intensity,
            observed.merged.sigma,
            cycles=12,
        )
        chi2.append(float(refinement.chi2[0]))
    freedom = len(observed.amplitude) - len(parameters) - 1
    expected = (chi2[1] - chi2[0]) / (2.0 * 4.0 * chi2[0] / freedom)
    assert min(expected, 15.0) == pytest.approx(float(costs[site, 1]), rel=0.34)


def test_sites_are_revised_until_they_stay():
    """Two wrong elements are put right in one revision; the right model is then left as it is."""
    types = changed(0, "N")
    types[4] = "O"
    observed, structure = structure_of(types)
    revised, better = revised_sites(observed, structure, CONTENT)
    assert revised.assignment.elements == heavy_part(alcohol()).types
    assert better.types == revised.assignment.elements
    assert not is_same(better, structure)
    again = complete(observed, better, CONTENT["H"], AtomicModelSettings())
    assert again.r1 < structure.r1
    assert is_same(revised_sites(observed, again, CONTENT)[1], again)


def test_water_that_is_partly_there_gets_its_occupancy():
    """Water between the molecules that is .6 there is oxygen of that occupancy."""
    alone = alcohol()
    labels = (*alone.labels, "O9")
    water = np.array([[0.12, 0.5, 0.08]])
    truth = alone.replace(
        types=(*alone.types, "O"),
        labels=labels,
        frac=np.concatenate([alone.frac, water]),
        occ=np.append(alone.occ, 0.6),
        b_iso=np.append(alone.b_iso, 4.0),
        u_aniso=None,
    )
    model = build_model(phased(truth, noise=0.01), {**CONTENT, "O": 6.4})
    heavy = heavy_part(model.crystal)
    partial = heavy.occ < 1.0
    assert [heavy.types[i] for i in np.flatnonzero(partial)] == ["O"]
    assert heavy.occ[partial] == pytest.approx([0.6], abs=0.06)
    assert model.r1 < 0.03


def test_an_atom_that_the_model_lacks_is_added_and_noise_is_dropped():
    """Without a carbon, and with an atom where none is, both are put right in one revision."""
    truth = heavy_part(alcohol())
    data = phased(alcohol(), noise=0.02)
    observed = ObservedAmplitudes.of(data.merged, data.radiation)
    frac = np.array(truth.frac)
    frac[6] = [0.12, 0.5, 0.08]
    structure = complete(observed, truth.replace(frac=frac), CONTENT["H"], AtomicModelSettings())
    revised, better = revised_sites(observed, structure, CONTENT)
    assert len(revised.crystal.types) == 9
    distance = nearest_image(truth.frac, better.frac, truth.cell, truth.symops)
    assert distance.min(axis=1).max() < 0.15
    assert len(better.types) == 9
    assert np.abs(better.frac - frac[6]).max(axis=1).min() > 0.05
