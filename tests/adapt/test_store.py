"""Adaptations on disk: what is saved is loaded, and damaged folders are named."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import argand
from argand.adapt import Adaptation, adapt
from argand.adapt.held_out import as_measured
from argand.adapt.training import simulation_of
from argand.errors import ArgandError
from argand.estimate import Observed
from argand.measured import calculated_intensity
from argand.radiation import Radiation

pytest.importorskip("safetensors")


def observed_samples(made: Adaptation) -> Observed:
    """Draw three samples whose atoms have moved by 0.3 angstrom (seed 77)."""
    simulation = simulation_of(made.crystal, 0.3, made.settings, seed=77)
    return as_measured(simulation, simulation.draw(range(3)))


def test_a_loaded_adaptation_gives_the_same_answers(made: Adaptation, tmp_path: Path) -> None:
    """Settings and remarks are those that were saved; the folder has two files."""
    made.save(tmp_path / "made")
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["adaptation.json", "adaptation.safetensors"]
    loaded = Adaptation.load(tmp_path / "made")
    assert loaded.fingerprint == made.fingerprint
    assert loaded.settings == made.settings
    assert loaded.remarks == made.remarks
    observed = observed_samples(made)
    before = made.estimate(observed, refine=False)
    after = loaded.estimate(observed, refine=False)
    for estimate, again in zip(before, after, strict=True):
        np.testing.assert_array_equal(again.displacement, estimate.displacement)


def test_remarks_decide_nothing(made: Adaptation, tmp_path: Path) -> None:
    """Other remarks and another warning in the file leave all answers as they are."""
    folder = made.save(tmp_path / "made")
    content = json.loads((folder / "adaptation.json").read_text())
    content |= {"remarks": {"seconds": -1.0, "anything": 7.0}, "warning": "none"}
    (folder / "adaptation.json").write_text(json.dumps(content))
    loaded = Adaptation.load(folder)
    assert loaded.settings == made.settings
    assert loaded.fingerprint == made.fingerprint
    assert loaded.warning == made.warning


def test_anisotropic_sites_are_kept(crystal: argand.Crystal, tmp_path: Path) -> None:
    """U of isotropic sites is NaN before and after."""
    u_aniso = np.full((8, 6), np.nan)
    u_aniso[0] = 0.03, 0.02, 0.03, 0.0, 0.005, 0.0
    known = crystal.replace(u_aniso=u_aniso)
    made = adapt(known, d_min=1.4, widths=(0.2,), samples=60)
    loaded = Adaptation.load(made.save(tmp_path / "made"))
    np.testing.assert_array_equal(loaded.crystal.u_aniso, u_aniso)


def test_damaged_folders_are_named(made: Adaptation, tmp_path: Path) -> None:
    """A missing file, another format, other content and no safetensors each have a message."""
    with pytest.raises(ArgandError, match=r"adaptation\.json is missing"):
        Adaptation.load(tmp_path / "nothing")
    folder = made.save(tmp_path / "made")
    path = folder / "adaptation.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"format": 99}))
    with pytest.raises(ArgandError, match="has format 99, needs 2"):
        Adaptation.load(folder)
    path.write_text(json.dumps(content | {"widths": ["wide"]}))
    with pytest.raises(ArgandError, match=r"adaptation\.json: Expected `float`"):
        Adaptation.load(folder)
    path.write_text(json.dumps(content | {"widths": [], "reaches": []}))
    with pytest.raises(ArgandError, match="describes no adaptation"):
        Adaptation.load(folder)
    path.write_text(json.dumps(content))
    (folder / "adaptation.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ArgandError, match="is no safetensors file"):
        Adaptation.load(folder)


def test_an_adaptation_pickles_after_it_was_used(made: Adaptation) -> None:
    """Worker processes get it that way; models are made anew there."""
    observed = observed_samples(made)
    expected = made.estimate(observed, refine=True)
    again = pickle.loads(pickle.dumps(made)).estimate(observed, refine=True)
    for first, second in zip(expected, again, strict=True):
        np.testing.assert_array_equal(second.displacement, first.displacement)


def test_neutrons_dispersion_and_extinction_are_kept(
    crystal: argand.Crystal, tmp_path: Path
) -> None:
    """F of the models agree with independent calculations, for x-rays and for neutrons."""
    energy = 8.0
    x = 0.3
    radiation = Radiation.of_table("it92", energy)
    made = adapt(crystal, samples=60, widths=(0.2,), radiation=radiation, extinction=x)
    loaded = Adaptation.load(made.save(tmp_path / "x-rays"))
    assert (loaded.radiation, loaded.extinction) == (radiation, x)
    model = loaded.models(loaded.hkl, crystal.cell).displaced
    f = model.structure_factors(np.zeros(len(model)))
    expected = calculated_intensity(crystal, loaded.hkl, radiation=radiation, extinction=x)
    np.testing.assert_allclose(np.abs(f) ** 2, expected, rtol=1e-9)
    assert model.parameters.kinds[-2:] == ("overall_b", "extinction")

    neutrons = adapt(crystal, samples=60, widths=(0.2,), radiation=Radiation("neutron"))
    loaded = Adaptation.load(neutrons.save(tmp_path / "neutrons"))
    models = loaded.models(loaded.hkl, crystal.cell)
    f = argand.structure_factors(crystal, loaded.hkl, table="neutron")
    known = np.zeros(len(models.displaced))
    np.testing.assert_allclose(models.displaced.structure_factors(known), f, atol=1e-9)
    unmoved = np.zeros((1, len(loaded.modes)))
    amplitude = np.abs(f)[None]
    sigma = np.zeros_like(amplitude)
    step = models.linearisation.step(amplitude, sigma, unmoved, 0.01)
    np.testing.assert_allclose(step, 0.0, atol=2e-3)
