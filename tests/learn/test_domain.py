"""A network says in what a crystal is unlike those that it was trained on."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

import argand
from argand.errors import ArgandWarning
from argand.io import write_crystal
from argand.learn import METALS, metal
from argand.learn.domain import outside_training
from argand.learn.predict import predict
from argand.learn.settings import DataSettings
from argand.learn.weights import ModelSettings, PhaseModel

SIXTEEN = DataSettings(metals=tuple(METALS)[:16], held_out=("Rh", "Pb", "V"), hkl_max=4)
LEAD = metal("Pb")
# Lithium tetraborate, Li2B4O7, in its tetragonal cell: I 41 c d, 8 formula units.
BORATE_CELL = (9.477, 9.477, 10.286, 90.0, 90.0, 90.0)
BORATE_CONTENTS = {"Li": 16.0, "B": 32.0, "O": 56.0}


def network(data: DataSettings | None = SIXTEEN) -> PhaseModel:
    """An untrained network that says that it was trained on the metals."""
    torch.manual_seed(0)
    settings = ModelSettings("linear", 4, ("amplitude",), data=data)
    return PhaseModel(settings.build().eval(), settings)


def measured(cell, d_min: float = 0.8) -> np.ndarray:
    hkl = argand.miller_indices(cell, "P 1", d_min)
    return hkl[np.abs(hkl).max(axis=1) <= 4]


@pytest.mark.parametrize("symbol", METALS)
@pytest.mark.parametrize("spacegroup", ["P 1", "P -1", "P m m m", "P 4 m m", "P 4/m m m"])
def test_metals_are_within(symbol, spacegroup):
    """Metals that were held out, and five that no training saw, are accepted."""
    crystal = metal(symbol)
    hkl = measured(crystal.cell)
    assert outside_training(SIXTEEN, crystal.composition(), crystal.cell, spacegroup, hkl) == []


@pytest.mark.parametrize(
    ("contents", "cell", "spacegroup", "d_min", "clauses"),
    [
        ({"Pb": 4}, LEAD.cell, "F m -3 m", 0.8, []),
        ({"Pb": 4}, (4.9, 5.0, 5.1, 90, 90, 90), "P 1", 0.8, []),
        (
            {"Na": 4, "Cl": 4},
            (5.64, 5.64, 5.64, 90, 90, 90),
            "F m -3 m",
            0.8,
            ["elements in it are 2", "8 a"],
        ),
        ({"C": 8}, (3.567,) * 3 + (90, 90, 90), "P 1", 0.5, ["holds C", "8 atoms"]),
        ({"Fe": 8}, (5.733,) * 3 + (90, 90, 90), "P 1", 0.8, ["8 atoms", "2 to 4"]),
        ({"Pb": 4}, (6.9,) * 3 + (90, 90, 90), "P 1", 0.8, ["329 Å³"]),
        ({"Mg": 2}, (3.21, 3.21, 5.21, 90, 90, 120), "P 1", 0.8, ["shape"]),
        ({"Ni": 4}, (3.6, 3.6, 3.6, 60, 60, 60), "P 1", 0.8, ["shape"]),
        ({"Pb": 4}, LEAD.cell, "P 21 21 21", 0.8, []),
        ({"Pb": 4}, LEAD.cell, "R 3:H", 0.8, ["R 3:H"]),
        ({"Pb": 4}, LEAD.cell, "x,y,z;x,y,z+1/4;x,y,z+1/2;x,y,z+3/4", 0.8, ["not a symmetry"]),
        ({"Pb": 4}, LEAD.cell, "P 1", 2.4, ["data end at 2.4"]),
        (
            BORATE_CONTENTS,
            BORATE_CELL,
            "I 41 c d",
            0.8,
            ["elements in it are 3", "104 atoms", "924 Å³"],
        ),
    ],
)
def test_what_lies_outside(contents, cell, spacegroup, d_min, clauses):
    differences = "; ".join(
        outside_training(SIXTEEN, contents, cell, spacegroup, measured(cell, d_min))
    )
    assert all(clause in differences for clause in clauses), differences
    assert bool(differences) == bool(clauses), differences


def test_training_on_a_folder(tmp_path):
    """Crystals of files are compared with the symmetry that they state; a lost folder is said."""
    salt = argand.Crystal(
        cell=(5.64, 5.64, 5.64, 90, 90, 90),
        spacegroup="F m -3 m",
        types=("Na+", "Cl-"),
        frac=np.array([[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]),
    )
    write_crystal(tmp_path / "salt.cif", salt)
    data = DataSettings(metals=None, held_out=(), folder=str(tmp_path), hkl_max=4)
    hkl = measured(salt.cell)
    inside = outside_training(data, {"Na": 4, "Cl": 4}, salt.cell, "F m -3 m", hkl)
    assert inside == []
    lead = outside_training(data, {"Pb": 4}, LEAD.cell, "P 1", hkl)
    assert "elements in it are 1" in lead[0]
    (tmp_path / "salt.cif").unlink()
    assert "cannot be read" in outside_training(data, {"Na": 4}, salt.cell, "P 1", hkl)[0]


def test_predict_refuses_unless_forced():
    hkl = measured(BORATE_CELL, 2.3)
    amplitude = np.full(len(hkl), 40.0)
    arguments = (hkl, amplitude, BORATE_CELL, BORATE_CONTENTS, "I 41 c d")
    with pytest.raises(argand.ArgandError, match=r"not trained for this crystal.*104 atoms"):
        predict(network(), *arguments)
    assert np.isfinite(predict(network(), *arguments, force=True)).any()
    with pytest.raises(argand.ArgandError, match="do not say what they were trained on"):
        predict(network(None), *arguments)


def test_reflections_beyond_the_training_are_left_out():
    """10 keV reach 0.62 A: beyond it the network saw nothing."""
    cell = metal("Ni").cell
    hkl = argand.hkl_cube(4)
    hkl = hkl[hkl.any(axis=1)]
    amplitude = np.abs(argand.structure_factors(metal("Ni"), hkl)) + 1.0
    beyond = argand.stol(hkl, cell) > 0.5 / 0.61992
    assert beyond.any()
    with pytest.warns(ArgandWarning, match=rf"{beyond.sum()} reflections beyond 0\.62"):
        phases = predict(network(), hkl, amplitude, cell, {"Ni": 4})
    np.testing.assert_array_equal(np.isnan(phases), beyond)
    cut = predict(network(), hkl[~beyond], amplitude[~beyond], cell, {"Ni": 4})
    np.testing.assert_array_equal(phases[~beyond], cut)
    assert np.isfinite(predict(network(), hkl, amplitude, cell, {"Ni": 4}, force=True)).all()


@pytest.mark.parametrize(("scale", "says_so"), [(0.1, True), (0.8, False), (30.0, True)])
def test_another_scale_than_electrons_is_said(scale, says_so):
    """Networks see |F| over the sum of form factors: another scale is another crystal to them."""
    crystal = metal("Pb")
    hkl = measured(crystal.cell)
    amplitude = scale * np.abs(argand.structure_factors(crystal, hkl))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        predict(network(), hkl, amplitude, crystal.cell, {"Pb": 4})
    messages = [str(warning.message) for warning in caught]
    assert ["electrons" in message for message in messages] == [True] * says_so


def test_equivalents_are_averaged():
    """Measurements of one reflection, in any order, give what their mean gives."""
    crystal = metal("Pb")
    unique = measured(crystal.cell)
    mean = np.abs(argand.structure_factors(crystal, unique)) + 5.0
    twice = np.concatenate([unique, -unique])
    amplitude = np.concatenate([mean - 1.0, mean + 1.0])
    once = predict(network(), unique, mean, crystal.cell, {"Pb": 4})
    for order in (slice(None), slice(None, None, -1)):
        phases = predict(network(), twice[order], amplitude[order], crystal.cell, {"Pb": 4})
        of_unique = phases[order][: len(unique)]
        np.testing.assert_allclose(np.exp(1j * of_unique), np.exp(1j * once), atol=1e-4)
